/**
 * Every close code Fairlead sends or acts on, as data: server, client library, docs and tests read this one table.
 * 4000-4499 are ours and mean retry, 4500-4999 are ours and terminal, also where no row says so: another version may
 * send them. The others are RFC 6455's and IANA's.
 */

/** What a client does next: `stop` for good, `retry` with backoff, `fresh` = retry once with a new token, else stop. */
export type NextStep = "stop" | "retry" | "fresh";

export const CLOSE_CODES = {
  1000: { name: "normal", next: "stop", text: "either side finished" },
  1001: { name: "going away", next: "retry", text: "the process ends for good" },
  1002: { name: "protocol error", next: "stop", text: "a frame breaks RFC 6455" },
  1003: { name: "unsupported data", next: "stop", text: "binary on a text-only route" },
  1007: { name: "bad payload", next: "stop", text: "text that is not UTF-8, or a line feed inside a line" },
  1008: {
    name: "policy violation",
    next: "stop",
    text: "a limit on count or time, or repeated bad messages",
  },
  1009: { name: "too big", next: "stop", text: "a message over the route's limit" },
  1011: { name: "internal error", next: "retry", text: "our bug; the log has it under the connection's id" },
  1012: { name: "service restart", next: "retry", text: "this process drains" },
  1013: { name: "try again later", next: "retry", text: "overload, or a reader too slow for its queue" },
  1014: { name: "bad gateway", next: "retry", text: "the upstream reset or broke after the upgrade" },
  3000: { name: "unauthorized", next: "fresh", text: "no token, or one that is bad, expired or revoked" },
  3003: { name: "forbidden", next: "stop", text: "the right is missing" },
  3008: { name: "timeout", next: "retry", text: "no token came in time" },
  4008: { name: "no pong", next: "retry", text: "no pong within the heartbeat's deadline" },
  4011: {
    name: "moved",
    next: "retry",
    text: "what was asked for is at another node; the reason is that node's URL",
  },
  4029: {
    name: "too fast",
    next: "retry",
    text: "messages came far faster than they may; `retry=<ms>` is the reason",
  },
  4408: {
    name: "silent",
    next: "retry",
    text: "relay: no message, or in a pipe no partner, within its timeout",
  },
  4409: { name: "role taken", next: "retry", text: "relay: the group has such a peer already" },
  4500: {
    name: "bad request",
    next: "stop",
    text: "a pipe or a bridge was asked for in a way that cannot be used",
  },
  4510: {
    name: "stream lost",
    next: "stop",
    text: "bridge: nobody knows this stream any more, or not as far back as asked",
  },
  4590: { name: "replaced", next: "stop", text: "another connection has taken this one's place" },
} as const satisfies Record<number, { name: string; next: NextStep; text: string }>;

/** A code this gateway may put on the wire. */
export type CloseCode = keyof typeof CLOSE_CODES;

/** RFC 6455 section 5.5: a control frame carries 125 bytes, two of them are the code. */
export const MAX_REASON_BYTES = 123;
