/**
 * Where a request may carry a token or an API key: `Authorization: Bearer`, an entry of Sec-WebSocket-Protocol, and, where the config allows it,
 * the URL. One request shows one: of two, nobody could say whose word holds. Pure, linear, never throws.
 *
 * No cookies: a browser sends them along for any page, so each would need the protection that a header has by itself.
 */
import { isBearerToken } from "../wire/http-token.ts";
import { decodeUtf8 } from "../wire/utf8.ts";

/** Half of what a request's whole head may have. */
export const MAX_TOKEN_LENGTH = 8_192;

/** Begins a subprotocol entry that carries a credential. It is never echoed and never logged. */
export const TOKEN_ENTRY = "fairlead.token.";
const QUERY_PARAM = "access_token";

export type Found =
  /** Undefined: none is shown. */
  | { readonly token: string | undefined; readonly inQuery: boolean }
  | { readonly fault: "malformed" | "several" };

/** RFC 6750 section 2.1. Another scheme (Basic) is for somebody else. */
const BEARER = /^bearer(?: +(.*))?$/i;

export function findToken(headers: Headers, query: () => URLSearchParams, takesQuery: boolean): Found {
  const inHeaders = [...fromAuthorization(headers), ...fromProtocols(headers)];
  const inQuery = takesQuery ? query().getAll(QUERY_PARAM) : [];
  const [token, second] = [...inHeaders, ...inQuery];
  if (second !== undefined) return { fault: "several" };
  if (token === undefined) return { token, inQuery: false };
  return isTokenLike(token) ? { token, inQuery: inQuery.length > 0 } : { fault: "malformed" };
}

/** What a token or a key may look like, of a bounded length. */
export function isTokenLike(token: string): boolean {
  return token.length <= MAX_TOKEN_LENGTH && isBearerToken(token);
}

/** The empty text, here and below: something is shown, and it is no token. */
function fromAuthorization(headers: Headers): string[] {
  const [isBearer, token = ""] = BEARER.exec(headers.get("authorization") ?? "") ?? [];
  return isBearer === undefined ? [] : [token.trim()];
}

function fromProtocols(headers: Headers): string[] {
  const header = headers.get("sec-websocket-protocol");
  if (header === null || !header.includes(TOKEN_ENTRY)) return [];
  return header
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry.startsWith(TOKEN_ENTRY))
    .map((entry) => decode(entry.slice(TOKEN_ENTRY.length)) ?? "");
}

/** Base64url without padding, in the one way it can be written. Undefined: it is not that, or not UTF-8. */
function decode(text: string): string | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? decodeUtf8(bytes) : undefined;
}
