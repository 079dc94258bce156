/**
 * What one connection of fairlead.v1 is subscribed to: topics by name and by pattern. It has one stream per topic, however many of
 * its subscriptions match, and gets each message once; the stream ends with the last of them.
 * Calls of one connection MUST NOT overlap: its session waits for each.
 * Limits: `max` subscriptions, MAX_STREAMS topics (past it the connection is closed with 1008: leaving one out would be silence).
 */
import type { Connection } from "../connection.ts";
import type { EngineError, Position, Subscription, Topics } from "../engine.ts";
import { isEngineDown } from "../errors.ts";
import type { May } from "../identity.ts";
import type { Reply } from "../route.ts";
import { isPattern, matcher } from "../wire/topic.ts";
import type { Answer, CommandOf, Start } from "../wire/v1.ts";
import { MAX_SINCE_TOPICS } from "../wire/v1.ts";
import { type Entry, type Hub, V1Reader } from "./hub.ts";
import { memberOf, type PresenceWatch, type RoutePresence } from "./presence.ts";
import type { From } from "./replay.ts";
import { readLacks } from "./rights.ts";

export interface SubscriptionsOptions {
  readonly hub: Hub;
  readonly topics: Pick<Topics, "find" | "watch">;
  readonly presence: RoutePresence;
  /** Subscriptions of a connection; 0 = any number. */
  readonly max: number;
}

/** As many topics as one connection may read at once. */
export const MAX_STREAMS = 10_000;

interface Named {
  /** Of a pattern: tells its topics. */
  readonly matches?: (topic: string) => boolean;
  readonly presence: boolean;
  /** Too: hears of topics that come to be. */
  readonly watch?: Subscription;
}

interface Stream {
  readonly topic: string;
  readonly entry: Entry;
  watch: PresenceWatch | undefined;
  /** Its reader has not taken what was sent: nothing but messages is to be put behind that. */
  isLagging: boolean;
  /** How many subscriptions match, and how many of them want presence. Counted, because nobody can look through a million pairs at once. */
  holders: number;
  watchers: number;
}

type Sub = CommandOf<"sub">;

/** A class, because there is one per connection. */
export class Subscriptions {
  private readonly named = new Map<string, Named>();
  private readonly streams = new Map<string, Stream>();
  /** Streams that wait for the answer to their pattern's `sub`. */
  private unanswered: Stream[] | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: SubscriptionsOptions,
  ) {}

  /** The topic of the path, which is subscribed on open. `started` is called before any of its messages. */
  async open(sub: Omit<Sub, "t">, started: (start: Start | EngineError) => void): Promise<void> {
    const { topic, presence } = sub;
    this.named.set(topic, { presence });
    const stream = this.add(topic);
    this.options.presence.enter(topic, memberOf(this.connection));
    const start = await stream.entry.begin({ since: positionOf(sub), last: sub.last });
    started(start);
    if ("code" in start) this.unsub(topic);
    else this.flow(stream);
  }

  /** Replies, then lets the messages flow. */
  async sub(command: Sub, reply: Reply): Promise<void> {
    const { topic } = command;
    const problem = this.problem(topic);
    const flowing = this.streams.get(topic);
    if (problem !== undefined) reply(problem);
    else if (isPattern(topic)) await this.subPattern(command, reply);
    else if (flowing !== undefined) this.subFlowing(command, flowing, reply);
    else
      await this.open(command, (start) => reply("code" in start ? down(start) : { ok: { topic, ...start } }));
  }

  /** False: there is no such subscription. */
  unsub(name: string): boolean {
    const named = this.named.get(name);
    if (named === undefined) return false;
    this.named.delete(name);
    named.watch?.close();
    for (const stream of this.streams.values())
      if (isFor(stream.topic, name, named)) this.release(stream, named);
    // Last, so that it is not told of its own going, as it was not of its coming.
    if (!isPattern(name)) this.options.presence.leave(name, this.connection.id);
    return true;
  }

  /** Why it could not have, under `may`, what it has. */
  lacks(may: May): string | undefined {
    for (const [topic, { presence }] of this.named) {
      const problem = readLacks(may, { topic, presence });
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  drain(): void {
    for (const { entry } of this.streams.values()) entry.drain();
  }

  /** All at once: one by one, each subscription would look at each stream. */
  leave(): void {
    const [names, streams] = [[...this.named], [...this.streams.values()]];
    this.named.clear();
    this.streams.clear();
    for (const [, { watch }] of names) watch?.close();
    for (const stream of streams) end(stream);
    for (const [name] of names) if (!isPattern(name)) this.options.presence.leave(name, this.connection.id);
  }

  private problem(topic: string): Answer | undefined {
    const { max } = this.options;
    if (this.named.has(topic)) {
      const message = `topic: this connection has subscribed to ${JSON.stringify(topic)} already; \`unsub\` it first`;
      return { err: { code: "bad_request", message } };
    }
    if (max === 0 || this.named.size < max) return undefined;
    const message = `a connection may have ${max} subscriptions, and this one has; \`unsub\` one first`;
    return { err: { code: "too_many", message } };
  }

  /** A pattern brings it already: it goes on where it is. */
  private subFlowing({ topic, presence }: Sub, stream: Stream, reply: Reply): void {
    const named: Named = { presence };
    this.named.set(topic, named);
    this.options.presence.enter(topic, memberOf(this.connection));
    hold(stream, named);
    reply({ ok: { topic, ...stream.entry.position, count: 0 } });
    this.watchIfWanted(stream);
  }

  private async subPattern(command: Sub, reply: Reply): Promise<void> {
    const { topic: pattern, presence } = command;
    const matches = matcher(pattern);
    const flowing = [...this.streams.values().filter(({ topic }) => matches(topic))];
    this.unanswered = [];
    // The watch comes first, so that no topic slips between it and the search.
    const watch = this.options.topics.watch((topic) => {
      if (matches(topic)) this.seen(topic);
    });
    const named: Named = { matches, presence, watch };
    this.named.set(pattern, named);
    for (const stream of flowing) hold(stream, named);
    const starts = await this.beginAll(command).catch(downOnly);
    const begun = this.unanswered;
    this.unanswered = undefined;
    if ("err" in starts) {
      reply(starts);
      this.unsub(pattern);
    } else {
      // As it stands now: what flows has gone on meanwhile.
      for (const { topic, entry } of flowing) starts.push([topic, { ...entry.position, count: 0 }]);
      reply({ ok: { topic: pattern, positions: Object.fromEntries(starts) } });
    }
    // Also after an error: another pattern may match what came to be meanwhile.
    for (const stream of begun) this.flow(stream);
    for (const stream of flowing) this.watchIfWanted(stream);
  }

  /** Begins a stream for each existing topic of the pattern that does not flow yet. */
  private async beginAll({ topic: pattern, since, last }: Sub): Promise<[string, Start][] | Failed> {
    const found = await this.options.topics.find(pattern, MAX_STREAMS + 1);
    const fresh = found.filter(({ topic }) => !this.streams.has(topic));
    if (found.length > MAX_STREAMS || this.streams.size + fresh.length > MAX_STREAMS) return tooMany(pattern);
    const asks = since !== undefined || (last ?? 0) > 0;
    const starts: [string, Start][] = [];
    let replays = 0;
    for (const head of found) {
      const { topic } = head;
      // The connection has gone: what began now would never end.
      if (!this.named.has(pattern)) break;
      if (this.streams.has(topic)) continue;
      replays += 1;
      const from: From = { since: positionIn(since, head), last };
      const stream = this.add(topic);
      const start = await stream.entry.begin(asks && replays <= MAX_SINCE_TOPICS ? from : {});
      if ("code" in start) return down(start);
      this.unanswered?.push(stream);
      starts.push([topic, asks && replays > MAX_SINCE_TOPICS ? { ...start, recovered: false } : start]);
    }
    return starts;
  }

  /** A topic has come to be, and its first message is about to be delivered. */
  private seen(topic: string): void {
    if (this.streams.has(topic)) return;
    if (this.streams.size >= MAX_STREAMS) {
      this.connection.close(1008, `its patterns match more than ${MAX_STREAMS} topics`);
      return;
    }
    const stream = this.add(topic);
    if (this.unanswered === undefined) this.flow(stream);
    else this.unanswered.push(stream);
  }

  private add(topic: string): Stream {
    const lagging = (isLagging: boolean) => {
      stream.isLagging = isLagging;
      if (isLagging) stream.watch?.pause();
      else stream.watch?.resume();
    };
    const reader = new V1Reader(this.connection, lagging, this.streams);
    const entry = this.options.hub.enter(topic, reader);
    const stream: Stream = { topic, entry, watch: undefined, isLagging: false, holders: 0, watchers: 0 };
    for (const [name, named] of this.named) if (isFor(topic, name, named)) hold(stream, named);
    this.streams.set(topic, stream);
    return stream;
  }

  private flow(stream: Stream): void {
    stream.entry.go();
    this.watchIfWanted(stream);
  }

  /** One of its subscriptions has ended. */
  private release(stream: Stream, { presence }: Named): void {
    stream.holders -= 1;
    if (presence) stream.watchers -= 1;
    if (stream.holders > 0) this.watchIfWanted(stream);
    else {
      this.streams.delete(stream.topic);
      end(stream);
    }
  }

  private watchIfWanted(stream: Stream): void {
    const { topic, watch, watchers, isLagging } = stream;
    if (watchers > 0) {
      stream.watch ??= this.options.presence.watch(topic, this.connection);
      if (isLagging) stream.watch.pause();
    } else {
      watch?.close();
      stream.watch = undefined;
    }
  }
}

/** Whether a subscription of this name brings the topic. */
function isFor(topic: string, name: string, { matches }: Named): boolean {
  return matches === undefined ? name === topic : matches(topic);
}

function hold(stream: Stream, { presence }: Named): void {
  stream.holders += 1;
  if (presence) stream.watchers += 1;
}

/** Whoever still waits for it to begin finds that nobody wants its presence. */
function end(stream: Stream): void {
  stream.holders = 0;
  stream.watchers = 0;
  stream.watch?.close();
  stream.entry.leave();
}

/** Of a topic; a pattern has a map instead. */
function positionOf({ since }: Omit<Sub, "t">): Position | undefined {
  return since !== undefined && "epoch" in since ? since : undefined;
}

/** Where a pattern's reader was in one of its topics; one position for all of them is NOWHERE. */
function positionIn(
  since: Sub["since"],
  { topic, epoch }: Position & { readonly topic: string },
): Position | undefined {
  if (since === undefined || "epoch" in since) return since;
  return since.get(topic) ?? { epoch, offset: 0 };
}

type Failed = Extract<Answer, { readonly err: unknown }>;

const down = ({ code, text }: EngineError): Failed => ({ err: { code, message: text } });

/** An engine that is down is an answer; anything else is a bug, and stays one. */
export function downOnly(error: unknown): Failed {
  if (!isEngineDown(error)) throw error;
  return { err: { code: "engine_down", message: error.message } };
}

const tooMany = (pattern: string): Failed => ({
  err: {
    code: "too_many",
    message: `a connection may read ${MAX_STREAMS} topics, and with ${JSON.stringify(pattern)} it would read more; subscribe to a narrower one`,
  },
});
