/** A gateway that wants to know who asks, and tokens that count there. */
import type { ConfigInput } from "../src/config/schema.ts";
import type { Caps } from "../src/identity.ts";
import { SECRET, sign } from "./auth/tokens.ts";
import { startGateway, type TestGateway } from "./gateway.ts";

export interface Claims {
  readonly caps?: Caps;
  readonly info?: unknown;
  readonly jti?: string;
  /** Seconds from now; below 0 the token has ended and counts for the grace. Default: an hour. */
  readonly ends?: number;
}

export interface TokenGateway extends TestGateway {
  token(user: string, claims?: Claims): Promise<string>;
}

export async function startTokenGateway(
  routes: ConfigInput["routes"],
  auth: ConfigInput["auth"] = {},
): Promise<TokenGateway> {
  const gateway = await startGateway(routes, { auth: { jwt: { secret: SECRET }, ...auth } });
  return {
    ...gateway,
    token(sub, { ends = 3_600, ...claims } = {}) {
      const now = Math.floor(Date.now() / 1_000);
      return sign({ sub, iat: now - 60, exp: now + ends, ...claims });
    },
  };
}
