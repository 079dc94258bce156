/**
 * `fairlead/client/relay`: one of two peers that talk through a relay. What it sends has one end each, what it receives comes once, over
 * connections that come and go. No dependencies; browsers, Node >= 22, Bun and Deno.
 */
import type { Asked } from "./callers.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import { FairleadClientError } from "./errors.ts";
import { bodyOf } from "./frames.ts";
import { type Partner, type Place, type RelayMessage, RelayPlace } from "./relay/place.ts";
import type { SendOptions } from "./relay/sends.ts";
import type { Status } from "./status.ts";

export type { Delays } from "./backoff.ts";
export type { Asked } from "./callers.ts";
export type { ConversationOptions } from "./conversation.ts";
export { type ClientErrorCode, FairleadClientError } from "./errors.ts";
export type { LinkOptions } from "./link.ts";
export type { Partner, Place, RelayMessage } from "./relay/place.ts";
export type { SendOptions } from "./relay/sends.ts";
export type { OpenStatus, Status } from "./status.ts";
export type { Clock } from "./timing.ts";
export type { Token } from "./token.ts";
export type { Ending, WebSocketConstructor, WebSocketLike } from "./web-socket-like.ts";

export interface RelayOptions extends ConversationOptions, Place {}

/** Read it with `for await`, one loop at a time; a message is acknowledged when the next one is asked for. */
export interface Relay extends AsyncIterable<RelayMessage, undefined> {
  /** What happens now to the connection. */
  readonly status: Status;
  /** Calls for each change from now on, until the function it returns is called. */
  onStatus(listener: (status: Status) => void): () => void;
  readonly partner: Partner;
  /** Calls for each change from now on, until the function it returns is called. */
  onPartner(listener: (partner: Partner) => void): () => void;
  /** Any JSON, or bytes. Resolves when the partner has taken it; else rejects with `expired`, `dropped` or `unknown`. */
  send(data: unknown, options?: SendOptions): Promise<void>;
  /** For good, and the partner hears at once. What waits rejects: `unknown` where it was sent, else `closed`. */
  close(): Promise<void>;
}

/**
 * Takes a role in a group, and comes back to it when a connection is lost. `url` may be a function, which is asked for each attempt.
 * Never throws for want of a network; throws TypeError where the runtime has no WebSocket.
 */
export function openRelay(url: Asked<string | URL>, options: RelayOptions): Relay {
  const { signal, ...rest } = options;
  const talk: Conversation<RelayPlace> = new Conversation(
    url,
    rest,
    (commands, clock) => new RelayPlace(commands, clock, options, (error) => talk.close(error)),
  );
  const place = talk.matter;
  let closing: Promise<void> | undefined;

  const close = () => {
    closing ??= place.leave().then(() => talk.close());
    return closing;
  };
  signal?.addEventListener("abort", close);
  talk.onStatus(({ type }) => {
    if (type === "closed") signal?.removeEventListener("abort", close);
  });
  if (signal?.aborted) close();

  return {
    get status() {
      return talk.status;
    },
    get partner() {
      return place.partner;
    },
    onStatus: (listener) => talk.onStatus(listener),
    onPartner(listener) {
      place.listeners.add(listener);
      return () => void place.listeners.delete(listener);
    },
    async send(data, wishes = {}) {
      const body = bodyOf(data);
      if (body === undefined)
        throw new FairleadClientError("bad_request", `send: ${typeof data} is no JSON: send null, or bytes`);
      if (closing !== undefined) throw new FairleadClientError("closed", "send: the relay was closed");
      await place.sends.send(body, wishes);
    },
    close,
    [Symbol.asyncIterator]: () => place.inbox.iterate(),
  };
}
