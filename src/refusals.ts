/**
 * Every answer that is given instead of an upgrade: one table, so that status, code and advice never differ between places.
 * Browsers never see a status (they get 1006); tools and people do, so each text says what to do. `close`: what browsers and clients of fairlead.v1 are told
 * instead, by an upgrade that is closed at once, so that a client library stops.
 */
import type { Refusal } from "./route.ts";
import type { CloseCode } from "./wire/close-codes.ts";
import type { WireErrorCode } from "./wire/error-codes.ts";

const UPGRADE = { Upgrade: "websocket", "Sec-WebSocket-Version": "13" };
/** There is too much of something, so the socket goes as well: clients keep theirs for a next request, and a refused one would hold a descriptor. */
const LATER = { "Retry-After": "5", Connection: "close" };

interface Row extends Omit<Refusal, "code"> {
  readonly close?: CloseCode;
}

const TABLE = {
  bad_host: { status: 400, text: "The Host header is not a host name with an optional port." },
  bad_path: { status: 400, text: "The path cannot be used" },
  bad_connection: { status: 400, text: "The Connection header must contain `Upgrade`." },
  bad_body: {
    status: 400,
    text: "A WebSocket handshake has no body; leave Content-Length and Transfer-Encoding out.",
  },
  bad_key: { status: 400, text: "Sec-WebSocket-Key must be 16 bytes in base64 (24 characters)." },
  bad_protocol: {
    status: 400,
    text: "Sec-WebSocket-Protocol must be a list of names, with at least one that is no token.",
  },
  bad_topic: { status: 400, text: "The topic's name cannot be used" },
  bad_request: { status: 400, text: "The request cannot be used" },
  unauthorized: {
    status: 401,
    text: "Who you are could not be told",
    headers: { "WWW-Authenticate": "Bearer" },
    close: 3000,
  },
  forbidden: {
    status: 403,
    text: "The right to do that here is missing; the token, or `access` of the route, must give it.",
    close: 3003,
  },
  origin_refused: {
    status: 403,
    text: "Pages of this origin may not talk to this gateway; its operator can list it in `origins`",
  },
  target_forbidden: { status: 403, text: "This bridge does not lead there.", close: 3003 },
  not_found: { status: 404, text: "No route has this path. GET / lists the routes." },
  unknown_target: { status: 404, text: "This bridge has no target of that name or token." },
  method_not_allowed: {
    status: 405,
    text: "This path does not take that method; the Allow header lists those it takes.",
  },
  too_large: { status: 413, text: "The message is larger than this route takes" },
  misdirected: {
    status: 421,
    text: "This gateway is not known by that name; its operator can list it in `hosts`, which a proxy in front of it needs",
  },
  upgrade_required: {
    status: 426,
    text: "This is a WebSocket route: connect with a WebSocket client, like `npx fairlead connect ws://HOST/PATH`.",
    headers: { Connection: "Upgrade", ...UPGRADE },
  },
  bad_version: { status: 426, text: "Only WebSocket version 13 is spoken here.", headers: UPGRADE },
  too_many_connections: {
    status: 429,
    text: "Your address or user holds as many connections here as it may (`limits.perAddress`, `limits.perUser`); end one first.",
    headers: LATER,
  },
  too_fast: {
    status: 429,
    text: "New connections come faster than they may (`limits.perSecond`); try again in a moment.",
    headers: { ...LATER, "Retry-After": "1" },
  },
  too_many_headers: {
    status: 431,
    text: "The request has more headers than this gateway takes (`limits.headers`).",
  },
  internal_error: { status: 500, text: "The request failed; the log has the reason." },
  upstream_refused: {
    status: 502,
    text: "The service behind this bridge cannot be reached; the log of the gateway says why.",
  },
  upstream_busy: {
    status: 503,
    text: "Too many connections to the service behind this bridge are being made.",
    headers: LATER,
  },
  full: {
    status: 503,
    text: "This gateway holds as many connections as it may; try again later.",
    headers: LATER,
  },
  memory: {
    status: 503,
    text: "This gateway is short of memory; try again later.",
    headers: LATER,
  },
  draining: {
    status: 503,
    text: "This gateway is shutting down; try again, another one may answer.",
    headers: LATER,
  },
  auth_unavailable: {
    status: 503,
    text: "Who you are cannot be checked at the moment; try again later.",
    headers: LATER,
  },
  engine_down: {
    status: 503,
    text: "The engine behind this route does not answer; try again later.",
    headers: LATER,
  },
  too_many_revocations: {
    status: 507,
    text: "As many revocations are remembered as may be; raise auth.revocations.max, or wait until older ones are forgotten.",
  },
  upstream_timeout: { status: 504, text: "The service behind this bridge did not answer in time." },
} as const satisfies Record<string, Row>;

export type RefusalCode = keyof typeof TABLE;
export const REFUSAL_CODES = Object.keys(TABLE) as RefusalCode[];

/** `detail` follows the table's text after a colon; it must not hold anything unbounded or unescaped from a stranger. */
export function refusal(
  code: RefusalCode,
  detail?: string,
  headers?: Readonly<Record<string, string>>,
): Refusal {
  const row: Row = TABLE[code];
  const text = detail === undefined ? row.text : `${row.text}: ${detail}.`;
  // A flood of them should not cost a copy each.
  const all = headers === undefined ? row.headers : { ...row.headers, ...headers };
  return all === undefined
    ? { code, status: row.status, text }
    : { code, status: row.status, text, headers: all };
}

/** How somebody is told who sees no status; undefined: by the status all the same. `code` is that of fairlead.v1. */
export function closeOf({
  code,
}: Refusal): { readonly close: CloseCode; readonly code: WireErrorCode } | undefined {
  const row: Row | undefined = Object.hasOwn(TABLE, code) ? TABLE[code as RefusalCode] : undefined;
  if (row?.close === undefined) return undefined;
  return { close: row.close, code: row.close === 3000 ? "unauthorized" : "forbidden" };
}

export function refusalResponse({ status, code, text, headers }: Refusal): Response {
  return new Response(`${code}: ${text}\n`, {
    status,
    headers: { "Content-Type": "text/plain; charset=utf-8", ...headers },
  });
}
