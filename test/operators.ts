/** Gateways with an operator's key, and tokens of users that are made now. */
import { createHash } from "node:crypto";
import type { ConfigInput } from "../src/config/schema.ts";
import type { NodesPage } from "../src/nodes.ts";
import { SECRET, sign } from "./auth/tokens.ts";

export const OPERATOR = `fl_${"A".repeat(43)}`;

export const OPERATED: NonNullable<ConfigInput["auth"]> = {
  jwt: { secret: SECRET },
  keys: { ops: { hash: `sha256:${createHash("sha256").update(OPERATOR).digest("hex")}`, admin: true } },
};

const headers = { Authorization: `Bearer ${OPERATOR}` };

/** `host`: of a gateway. */
export function revokeAt(host: string, what: object): Promise<Response> {
  return fetch(`http://${host}/api/revoke`, { method: "POST", headers, body: JSON.stringify(what) });
}

export async function nodesAt(host: string): Promise<NodesPage & { readonly status: number }> {
  const response = await fetch(`http://${host}/api/nodes`, { headers });
  const page = (await response.json()) as NodesPage;
  return { ...page, status: response.status };
}

/** Made a second ago, so that a revocation of now means it. */
export function userToken(user: string, claims: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return sign({ sub: user, iat: now - 1, exp: now + 3_600, ...claims });
}

/** What a route says to a token over HTTP. */
export async function statusAt(host: string, path: string, token: string): Promise<number> {
  const asked = { headers: { Authorization: `Bearer ${token}`, Accept: "application/json" } };
  return (await fetch(`http://${host}${path}`, asked)).status;
}
