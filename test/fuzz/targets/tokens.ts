/**
 * Tokens, and where requests carry them: nobody is let in by one that was not signed with the secret over these very bytes, and whoever
 * is let in has a name that may stand in a log. Half of them are signed anew after they were changed, so that their claims are read.
 */

import { createAccess } from "../../../src/access.ts";
import { createAuthenticator } from "../../../src/auth.ts";
import { authOptions } from "../../../src/config/auth.ts";
import { type Credentials, type Identity, RIGHTS, type Verdict } from "../../../src/identity.ts";
import { testClock } from "../../clock.ts";
import { isSigned, SECRET, tokenOf } from "../speech/tokens.ts";
import type { Target } from "../target.ts";

const log = {
  debugs: false,
  debug() {},
  info() {},
  warn() {},
  error: ({ err }: { readonly err?: unknown }) => void errors.push(err),
};
const errors: unknown[] = [];
const options = authOptions.parse({ jwt: { secret: SECRET }, query: true, keys: {} });
const clock = testClock();
const authenticator = createAuthenticator(options, { clock, log });
const access = createAccess({ route: "/a", byDefault: {} });

const CARRIERS = {
  header: (token: string) => shown({ Authorization: `Bearer ${token}` }),
  protocol: (token: string) =>
    shown({ "Sec-WebSocket-Protocol": `a, fairlead.token.${Buffer.from(token).toString("base64url")}` }),
  query: (token: string) => shown({}, new URLSearchParams({ access_token: token })),
  command: () => shown({}),
} as const;
type Carrier = keyof typeof CARRIERS;
const isCarrier = (name: string): name is Carrier => Object.hasOwn(CARRIERS, name);

function shown(headers: Readonly<Record<string, string>>, query = new URLSearchParams()): Credentials {
  return { headers: new Headers(headers), query, route: "/a", params: {}, remoteAddress: "192.0.2.1" };
}

export const tokens: Target = {
  name: "tokens",
  isOnTheWire: false,
  make: (chance) => [
    Buffer.from(chance.pick(["header", "protocol", "query", "command"])),
    Buffer.from(tokenOf(chance)),
  ],
  async run([name, bytes]) {
    const carrier = `${name}`;
    if (!isCarrier(carrier) || bytes === undefined) return false;
    const token = Buffer.from(bytes).toString();
    const verdict = await ask(carrier, token);
    if (errors.length > 0) throw errors.pop();
    if (verdict !== undefined && "identity" in verdict) judge(verdict.identity, token);
    return isSigned(token);
  },
};

async function ask(carrier: Carrier, token: string): Promise<Verdict | undefined> {
  // No other is a header's value.
  if (carrier === "header" && !/^[\t\x20-\x7e\x80-\xff]*$/.test(token)) return undefined;
  const credentials = CARRIERS[carrier](token);
  return await (carrier === "command"
    ? authenticator.token(token, credentials)
    : authenticator.request(credentials));
}

function judge(identity: Identity, token: string): void {
  // Blanks around a header's value are none of it.
  if (!isSigned(token.trim())) throw new Error(`${JSON.stringify(identity)} by a token that nobody signed`);
  const { user, expires } = identity;
  if (user !== null && (/\p{Cc}/u.test(user) || !user.isWellFormed() || user === ""))
    throw new Error(`a user called ${JSON.stringify(user)}`);
  if (expires === undefined || !(expires > clock.wall() - options.grace))
    throw new Error(`it ends at ${expires}`);
  if (identity.admin !== undefined) throw new Error("a token made an operator");
  const may = access.of(identity);
  for (const right of RIGHTS) may(right, "a.b");
}
