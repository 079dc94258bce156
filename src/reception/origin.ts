/**
 * Whether the page that sends a request may talk to us, by its `Origin` (RFC 6454), which browsers write and pages cannot change. One
 * list for WebSockets, event streams, GET and POST; pages of listed origins may read the answers (CORS), no others learn of a list.
 * Requests without an `Origin` come from no page, or only navigate. Limits: no credentials of the browser's own (cookies) are ever
 * asked for. Never throws.
 */

import { refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";
import { shown } from "../wire/shown.ts";
import type { Peer, SchemeOf } from "./forwarded.ts";

/** `listed`: the origin of a page elsewhere that may talk to us. */
export type Verdict = { readonly refusal: Refusal } | { readonly listed?: string };

export type OriginCheck = (request: Pick<Request, "url" | "headers">, peer: Peer) => Verdict;

/** Stands for every origin. */
export const ANY_ORIGIN = "*";
/** Seconds for which a browser need not ask again; a list that was changed counts after them at the latest. */
const PREFLIGHT_AGE_S = 600;
const ALLOWED_HEADERS = "Authorization, Content-Type, Last-Event-ID";
/** What a page may read of an answer beside its body. */
const EXPOSED_HEADERS = "Retry-After, WWW-Authenticate";

export function createOriginCheck(origins: readonly string[], schemeOf: SchemeOf): OriginCheck {
  const listed = new Set(origins);
  return (request, peer) => {
    const origin = request.headers.get("origin");
    if (origin === null || origin === ownOrigin(request, schemeOf(peer, request))) return {};
    if (listed.has(origin) || listed.has(ANY_ORIGIN)) return { listed: origin };
    return { refusal: refusal("origin_refused", shown(origin)) };
  };
}

/** As a browser writes it (RFC 6454 section 6.2): in lower case, without the scheme's own port. */
function ownOrigin({ headers }: Pick<Request, "headers">, scheme: "http" | "https"): string {
  const host = (headers.get("host") ?? "").toLowerCase();
  const defaultPort = scheme === "https" ? /:443$/ : /:80$/;
  return `${scheme}://${host.replace(defaultPort, "")}`;
}

type Answer = Response | undefined;

/** Answers a page of a listed origin. `methods` are those of the path without an upgrade; none: it is no path for `fetch`. */
export function answerListed(
  origin: string,
  request: Request,
  methods: readonly string[],
  answer: () => Answer | Promise<Answer>,
): Answer | Promise<Answer> {
  if (methods.length > 0 && isPreflight(request)) return preflight(origin, methods);
  const given = answer();
  return given instanceof Promise ? given.then((one) => readable(origin, one)) : readable(origin, given);
}

/** The fetch standard asks before a page may send more than a form could. */
function isPreflight({ method, headers }: Request): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

function preflight(origin: string, methods: readonly string[]): Response {
  const headers = {
    "Access-Control-Allow-Methods": methods.join(", "),
    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
    "Access-Control-Max-Age": String(PREFLIGHT_AGE_S),
  };
  return opened(origin, new Response(null, { status: 204, headers }));
}

function readable(origin: string, answer: Answer): Answer {
  if (answer === undefined) return undefined;
  answer.headers.set("Access-Control-Expose-Headers", EXPOSED_HEADERS);
  return opened(origin, answer);
}

/** Exactly that origin, also under `*`: an answer for one page is not one for all. */
function opened(origin: string, answer: Response): Response {
  answer.headers.set("Access-Control-Allow-Origin", origin);
  answer.headers.append("Vary", "Origin");
  return answer;
}
