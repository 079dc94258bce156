/**
 * All subscriptions of a session: what the server must be told of them, and which of them a frame is for. On each new connection those with
 * positions are resumed first. One whose inbox is full is left, and resumed when it was read: what the history no longer holds by
 * then is told as a gap. The path's topic is subscribed by the server itself, on open.
 */
import { positionText } from "../wire/position.ts";
import type { Commands } from "./commands.ts";
import type { Matter } from "./conversation.ts";
import { FairleadClientError } from "./errors.ts";
import { createHeld, type Held, order, type SubscribeOptions, type Subscription, sinceOf } from "./held.ts";
import type { Position, Positions, ServerFrame, Start } from "./items.ts";
import type { Clock } from "./timing.ts";

/** Until an engine that is down is asked again, where the server does not say when. */
const RETRY_MS = 1_000;

/** The answer to a `sub`; `positions` to one of a pattern. */
type Started = Start & { readonly topic: string; readonly positions?: Readonly<Record<string, Start>> };

export class Subscriptions implements Matter {
  readonly #all = new Map<string, Held>();
  /** Positions of names that nobody is subscribed to: from before, and after the end. */
  #restored: Map<string, Readonly<Record<string, Position>>>;
  path: string | undefined;
  /** Where its stream is, while it flows and nobody reads it. */
  #unread: Position | undefined;
  /** Whose wishes the URL of this connection told. */
  #dialed: Held | undefined;
  #isOpen = false;
  #isOver = false;

  readonly #commands: Commands;
  readonly #clock: Clock;
  constructor(commands: Commands, clock: Clock, restored: Positions) {
    this.#commands = commands;
    this.#clock = clock;
    this.#restored = new Map(Object.entries(restored));
  }

  /** @throws FairleadClientError `bad_request`: there is such a subscription */
  subscribe(topic = "", options: SubscribeOptions): Subscription {
    const name = topic || this.path;
    if (this.#all.has(topic) || this.#named(name)) throw twice(name);
    const held: Held = createHeld(topic, name, this.#given(topic, name, options), options, {
      full: () => this.#pause(held),
      drained: () => {
        held.paused = false;
        this.#begin(held);
      },
      left: () => this.#leave(held),
    });
    if (this.#isOver || options.signal?.aborted) held.ended();
    else {
      this.#all.set(topic, held);
      this.#begin(held);
    }
    return held.subscription;
  }

  /** For the URL of the next attempt. What cannot stand there is asked for later: a browser does not show why a handshake was refused. */
  query(): Readonly<Record<string, string>> {
    const held = this.#all.get("") ?? this.#named(this.path);
    this.#dialed = undefined;
    if (held === undefined || held.paused) return {};
    const since = sinceOf(held, this.#active()) as Position | undefined;
    const { last, presence } = held.options;
    const query = {
      ...(since && { since: positionText(since) }),
      ...(last && { last: `${last}` }),
      ...(presence && { presence: "1" }),
    };
    if (!/^([\w-]{1,32}:\d+)?,(\d{1,3}|1000)?$/.test(`${query.since ?? ""},${query.last ?? ""}`)) return {};
    this.#dialed = held;
    return query;
  }

  opened(welcome: ServerFrame): void {
    const sub = welcome["sub"] as ServerFrame | undefined;
    this.#isOpen = true;
    const own = this.#all.get("");
    if (own !== undefined) this.#name(own, sub?.topic);
    const reading = this.#named(this.path);
    if (sub !== undefined && reading !== undefined && reading === this.#dialed) this.#answered(reading, sub);
    else if (sub !== undefined) this.#unread = { epoch: sub.epoch, offset: sub.offset - sub.count };
    const due = this.#active().filter(({ reader }) => !reader.live);
    for (const held of due.sort((a, b) => order(a) - order(b))) this.#begin(held);
  }

  /** True: it brought a message that somebody had not. */
  heard(frame: ServerFrame): boolean {
    const { topic, offset, epoch, to } = frame;
    if (topic === undefined) return false;
    let isNews = false;
    for (const held of this.#all.values()) {
      if (held.matches(topic) && held.reader.hears(frame)) isNews = true;
    }
    const isPlace = frame.t === "msg" || (frame.t === "gap" && !frame["latest"]);
    if (this.#unread !== undefined && topic === this.path && isPlace) {
      this.#unread = { epoch: epoch ?? this.#unread.epoch, offset: (to as number | undefined) ?? offset };
    }
    return isNews;
  }

  lost(): void {
    this.#isOpen = false;
    this.#unread = undefined;
    for (const { reader, retry } of this.#all.values()) {
      reader.stops();
      retry?.cancel();
    }
  }

  ended(error?: FairleadClientError): void {
    this.#isOver = true;
    this.#restored = new Map(Object.entries(this.positions()));
    for (const held of this.#all.values()) this.#end(held, error);
  }

  positions(): Positions {
    const current = [...this.#all.values()].map(({ key, reader }) => [key, Object.fromEntries(reader.taken)]);
    return Object.fromEntries([...this.#restored, ...current]);
  }

  #named(name: string | undefined): Held | undefined {
    return [...this.#all.values()].find((held) => name !== undefined && held.name === name);
  }

  #active(): Held[] {
    return [...this.#all.values()].filter(({ paused }) => !paused);
  }

  #given(topic: string, name = "", { since }: SubscribeOptions): Map<string, Position> {
    const kept = this.#restored.get(topic);
    this.#restored.delete(topic);
    if (since === undefined) return new Map(Object.entries(kept ?? {}));
    return typeof since.epoch === "string"
      ? new Map([[name, since as Position]])
      : new Map(Object.entries(since));
  }

  /** The one that named no topic learns what the path's is called. */
  #name(own: Held, path: string | undefined): void {
    const other = this.#named(path);
    if (path === undefined) this.#end(own, new FairleadClientError("not_found", NO_TOPIC));
    else if (other !== undefined && other !== own) this.#end(own, twice(path));
    else {
      own.name = path;
      own.reader.rename(path);
    }
  }

  #begin(held: Held): void {
    const { name, options, reader } = held;
    if (!this.#isOpen || name === undefined) return;
    const { last, presence } = options;
    const at = name === this.path ? this.#unread : undefined;
    if (at !== undefined) {
      this.#unread = undefined;
      if (!reader.began && !last && !presence) {
        this.#answered(held, { ...at, topic: name, count: 0 });
        return;
      }
      this.#tell("unsub", { topic: name });
    }
    this.#tell("sub", { topic: name, since: sinceOf(held, this.#active()), last, presence }, held);
  }

  /** Of this connection only: the next one begins with what is wanted then. */
  #tell(t: "sub" | "unsub", fields: object, held?: Held): void {
    this.#commands.add({
      t,
      once: true,
      fields: () => fields,
      done: (ok) => held && this.#answered(held, ok),
      failed: (error) => held && this.#refused(held, error),
    });
  }

  #answered(held: Held, ok: Started): void {
    if (this.#all.get(held.key) !== held) return;
    for (const [topic, { epoch, offset, count, recovered }] of Object.entries(
      ok.positions ?? { [ok.topic]: ok },
    )) {
      const at = { epoch, offset: offset - count };
      for (const each of this.#active()) {
        // Those that are being resumed share the stream that begins here.
        const shares = !each.reader.live && each.reader.had.has(topic) && each.matches(topic);
        if (each === held || shares) each.reader.starts(topic, at, recovered);
      }
    }
    held.answered();
  }

  #refused(held: Held, error: FairleadClientError): void {
    if (this.#all.get(held.key) !== held) return;
    if (error.code !== "engine_down") this.#end(held, error);
    else
      held.retry = this.#clock.after(Math.max(RETRY_MS, error.retry ?? 0) || RETRY_MS, () =>
        this.#begin(held),
      );
  }

  #pause(held: Held): void {
    held.paused = true;
    held.reader.stops();
    if (this.#isOpen) this.#tell("unsub", { topic: held.name });
  }

  #leave(held: Held): void {
    if (this.#all.get(held.key) !== held) return;
    if (this.#isOpen && held.name !== undefined && !held.paused) this.#tell("unsub", { topic: held.name });
    this.#end(held);
  }

  #end(held: Held, error?: FairleadClientError): void {
    this.#all.delete(held.key);
    held.ended(error);
  }
}

const NO_TOPIC = "this route has no topic of its own: name one";
const twice = (name = "the path's topic") =>
  new FairleadClientError("bad_request", `subscribed to ${name} already: close that subscription first`);
