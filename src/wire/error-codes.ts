/**
 * What can go wrong with a command of fairlead.v1, as data: server, client library, docs and tests read this one list.
 * `counts`: so many in a row end the connection with 1008, because a client that cannot speak would go on for ever.
 */
export const ERROR_CODES = {
  unauthorized: { counts: false, text: "no token, or one that does not count" },
  forbidden: { counts: false, text: "this connection has no right to do that" },
  not_found: { counts: false, text: "there is no such thing" },
  bad_request: { counts: true, text: "the command cannot be understood or does not fit" },
  unknown_command: { counts: true, text: "this kind of route has no such command" },
  too_large: { counts: false, text: "more bytes than allowed" },
  too_many: { counts: false, text: "more of it than allowed" },
  rate_limited: { counts: false, text: "faster than allowed; `retry` says when to try again" },
  not_subscribed: { counts: false, text: "the connection has no such subscription" },
  gone: { counts: false, text: "the server no longer knows; it may or may not have happened" },
  engine_down: { counts: false, text: "the engine does not answer; nothing was accepted" },
} as const satisfies Record<string, { counts: boolean; text: string }>;

export type WireErrorCode = keyof typeof ERROR_CODES;
