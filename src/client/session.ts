/** `connect`: what a caller can do with a session. Everything that waits takes an AbortSignal. */
import { type Asked, random } from "./callers.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import { FairleadClientError } from "./errors.ts";
import { bodyOf, messageOf } from "./frames.ts";
import type { SubscribeOptions, Subscription } from "./held.ts";
import type { Member, Message, Position, Positions, ServerFrame } from "./items.ts";
import type { Status } from "./status.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface ConnectOptions extends ConversationOptions {
  /** As `session.positions` gave them: subscriptions of the same names go on there. */
  readonly positions?: Positions | undefined;
}

/** Members in a page of `who`. */
const PAGE = 1_000;

export interface Waits {
  /** Stops waiting. What was sent may still happen. */
  readonly signal?: AbortSignal | undefined;
}

export interface PublishOptions extends Waits {
  /** For readers who want the newest message of each key only. */
  readonly key?: string | undefined;
  /** Names this publish: another with the same name within 5 minutes is answered like it. @default 128 random bits */
  readonly idem?: string | undefined;
}

/** `superseded`: under `maxRate` a newer message of its key came first, and this one reached nobody. */
export type Published =
  | (Position & { readonly topic: string; readonly superseded: false })
  | { readonly topic: string; readonly superseded: true };

export interface HistoryOptions extends Waits {
  /** Those after it. */
  readonly since?: Position | undefined;
  /** The last ones before it. */
  readonly before?: Position | undefined;
  /** At most 1,000. */
  readonly limit?: number | undefined;
}

/** `epoch` and `offset` are the topic's newest. `more`: the page ended early. `complete` false: not all that was asked for is held any more. */
export interface History extends Position {
  readonly messages: readonly Message[];
  readonly more: boolean;
  readonly complete: boolean;
}

export interface Session {
  /** What happens now. */
  readonly status: Status;
  /** Calls for each change from now on, until the function it returns is called. */
  onStatus(listener: (status: Status) => void): () => void;
  /** `topic`: a name or a pattern; absent: the topic of the URL's path. Throws `bad_request` where there is such a subscription. */
  subscribe(topic?: string, options?: SubscribeOptions): Subscription;
  /** To the topic of the URL's path. */
  publish(data: unknown): Promise<Published>;
  /** Any JSON, or bytes. Happens once, or rejects: with `unknown` where nobody can tell whether it did. */
  publish(topic: string | undefined, data: unknown, options?: PublishOptions): Promise<Published>;
  /** Everybody who is in the topic. */
  presence(topic?: string, options?: Waits): Promise<readonly Member[]>;
  /** A page of what the server still holds. */
  history(topic?: string, options?: HistoryOptions): Promise<History>;
  /** ms until the answer. */
  ping(options?: Waits): Promise<number>;
  /** Where each subscription stands with what was handed out: JSON for `connect`'s `positions`. */
  readonly positions: Positions;
  /** For good. What waits for an answer rejects: `unknown` for a publish that was sent, else `closed`. */
  close(): void;
}

/**
 * Connects, and comes back when a connection is lost. `url` may be a function, which is asked for each attempt.
 * Never throws for want of a network; throws TypeError where the runtime has no WebSocket.
 */
export function connect(url: Asked<string | URL>, options: ConnectOptions = {}): Session {
  const restored = options.positions ?? {};
  const talk = new Conversation(url, options, (asks, time) => new Subscriptions(asks, time, restored));
  const { commands, matter: subscriptions, clock } = talk;

  const publish = async (
    topic: string | undefined,
    data: unknown,
    { signal, key, idem = random() }: PublishOptions = {},
  ): Promise<Published> => {
    const body = bodyOf(data);
    if (body === undefined)
      throw new FairleadClientError("bad_request", `pub: ${typeof data} is no JSON: publish null, or bytes`);
    const fields = (age?: number) => ({ topic, key, idem, age });
    const ok = await commands.ask({ t: "pub", fields, body }, signal);
    const { topic: to, epoch, offset, superseded } = ok;
    return superseded ? { topic: to, superseded: true } : { topic: to, epoch, offset, superseded: false };
  };

  const presence = async (topic?: string, { signal }: Waits = {}) => {
    const members: Member[] = [];
    for (let complete = false; !complete; ) {
      const after = members.at(-1)?.conn;
      const fields = () => ({ topic: topic ?? subscriptions.path, limit: PAGE, after });
      const page = (await commands.ask({ t: "who", fields }, signal)) as ServerFrame & {
        members: Member[];
        complete: boolean;
      };
      members.push(...page.members);
      complete = page.complete || page.members.length === 0;
    }
    return members;
  };

  const history = async (topic?: string, { signal, ...range }: HistoryOptions = {}): Promise<History> => {
    let name = topic ?? "";
    const fields = () => {
      name = topic ?? subscriptions.path ?? "";
      return { topic: name, ...range };
    };
    const page = (await commands.ask({ t: "history", fields }, signal)) as unknown as History & {
      messages: ServerFrame[];
    };
    const { epoch, offset, more, complete } = page;
    return {
      epoch,
      offset,
      more,
      complete,
      messages: page.messages.map((each) => messageOf(each, name, epoch)),
    };
  };

  const ping = async ({ signal }: Waits = {}) => {
    let sent = 0;
    const fields = () => {
      sent = clock.now();
      return {};
    };
    await commands.ask({ t: "ping", fields }, signal);
    return clock.now() - sent;
  };

  return {
    get status() {
      return talk.status;
    },
    get positions() {
      return subscriptions.positions();
    },
    onStatus: (listener) => talk.onStatus(listener),
    subscribe: (topic, wishes = {}) => subscriptions.subscribe(topic, wishes),
    publish: (...args: unknown[]) =>
      publish(...((args.length === 1 ? [undefined, args[0]] : args) as Parameters<typeof publish>)),
    presence,
    history,
    ping,
    close: () => talk.close(),
  };
}
