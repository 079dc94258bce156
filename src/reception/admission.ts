/**
 * Whether a request may become a WebSocket, as far as the request alone tells: admit, or one answer from the refusal table.
 * RFC 6455 section 4.2.1. What the runtime checks by itself (no Host, TE with CL, head size) never gets here.
 */
import { TOKEN_ENTRY } from "../auth/credentials.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";
import { isHttpToken } from "../wire/http-token.ts";

const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 1035: a name has at most 253 characters. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;
/** More names than any client has use for; a list is split, so it must be bounded. */
const MAX_PROTOCOLS = 32;

/** The Host header decides what `request.url` looks like, so it is checked before the path is read. */
export function hostIsUsable(headers: Headers): boolean {
  return HOST.test(headers.get("host") ?? "");
}

/** RFC 9110 section 7.8: an upgrade to anything else may be ignored. Some HTTP clients ask for h2c with every request. */
export function wantsUpgrade(headers: Headers): boolean {
  return listOf(headers.get("upgrade")).some((name) => name.toLowerCase() === "websocket");
}

/** The path as it stands in the URL, still encoded; the Host was found usable, so the third slash begins it. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

export function queryOf(url: string): URLSearchParams {
  const query = url.indexOf("?");
  return new URLSearchParams(query === -1 ? "" : url.slice(query + 1));
}

/** What is wrong with an upgrade request on a WebSocket route; undefined when nothing is. */
export function checkUpgrade(headers: Headers): Refusal | undefined {
  const code = upgradeProblem(headers);
  return code === undefined ? undefined : refusal(code);
}

function upgradeProblem(headers: Headers): RefusalCode | undefined {
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") return "upgrade_required";
  if (headers.get("sec-websocket-version") !== "13") return "bad_version";
  if (!listOf(headers.get("connection")).some((name) => name.toLowerCase() === "upgrade"))
    return "bad_connection";
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0") !== "0") return "bad_body";
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) return "bad_key";
  return offeredProtocols(headers) === undefined ? "bad_protocol" : undefined;
}

/** The subprotocols a client offers, without token entries; undefined when the offer is malformed or holds only tokens. */
export function offeredProtocols(headers: Headers): readonly string[] | undefined {
  const header = headers.get("sec-websocket-protocol");
  if (header === null) return [];
  const names = listOf(header);
  if (names.length > MAX_PROTOCOLS || !names.every(isHttpToken)) return undefined;
  const plain = names.filter((name) => !name.startsWith(TOKEN_ENTRY));
  return plain.length === 0 ? undefined : plain;
}

function listOf(header: string | null): string[] {
  return header === null ? [] : header.split(",").map((item) => item.trim());
}
