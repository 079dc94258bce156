/**
 * Who is in the topics of one route, and the events about it: each is encoded once, and the runtime's native channel hands it to all who
 * watch. Above `max` members a topic tells only how many there are, at most once a second: ten thousand arrivals would be fifty million
 * deliveries. Such a `count` says that joins or leaves were left out, so it may also come shortly after the last of a full room's leaves.
 * Limits: a watcher whose queue grows is paused by whoever sees it grow, and gets one `count` for all it missed.
 * Failure: while the engine is down nobody comes or goes, and `who` rejects with its error.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Connection, Publisher } from "../connection.ts";
import type { Member, Presence, PresenceChange, PresencePage, Subscription } from "../engine.ts";
import { countFrame, presenceFrame } from "../wire/frames.ts";

export interface PresenceOptions {
  /** The route's path: two routes never share a topic. */
  readonly route: string;
  readonly presence: Presence;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** Members up to which each join and leave is told; 0 = always. */
  readonly max: number;
  /** So many bytes were handed to each who watches a topic: they wait in the same queue as its messages. */
  onTold?(topic: string, bytes: number): void;
}

export interface RoutePresence {
  /** MUST be called once per connection and topic, and be followed by `leave`. */
  enter(topic: string, member: Omit<Member, "since">): void;
  leave(topic: string, conn: string): void;
  /** What changes from now on is told to `connection`. MUST be called once per connection and topic, until that watch is closed. */
  watch(topic: string, connection: Connection): PresenceWatch;
  who(
    topic: string,
    query: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<PresencePage>;
  /** Nobody is told anything any more. */
  dispose(): void;
}

/** All without effect the second time. */
export interface PresenceWatch {
  /** The connection lags: nothing more is put into its queue. */
  pause(): void;
  /** It has caught up: one `count` if it missed something, then events again. */
  resume(): void;
  close(): void;
}

/** As others see it; what its token tells of it counts as it was when it came. */
export function memberOf({ id: conn, user, identity }: Connection): Omit<Member, "since"> {
  return { conn, user, info: identity.info ?? null };
}

const COUNT_MS = 1_000;
/** An entry lives until its connection has ended: this process sees that. */
const NO_LEASE = 0;

/** A topic that somebody watches. */
interface Watched {
  readonly topic: string;
  readonly channel: string;
  readonly subscription: Subscription;
  watchers: number;
  total: number;
  /** Events so far. */
  told: number;
  /** A change was not told yet. */
  isCountDue: boolean;
  /** Runs while the last `count` is less than COUNT_MS old. */
  timer: Timer | undefined;
}

export function createRoutePresence(options: PresenceOptions): RoutePresence {
  const { presence, max } = options;
  const watched = new Map<string, Watched>();
  // Neither a path nor a topic has a NUL.
  const nameOf = (topic: string) => `${options.route}\0${topic}`;

  function tell(room: Watched, event: string): void {
    room.told += 1;
    options.publisher.publish(room.channel, event);
    options.onTold?.(room.topic, event.length);
  }

  function tellCount(room: Watched): void {
    room.isCountDue = false;
    room.timer = options.clock.after(COUNT_MS, () => {
      room.timer = undefined;
      if (room.isCountDue) tellCount(room);
    });
    tell(room, countFrame(room.topic, room.total));
  }

  function changed(room: Watched, { kind, member, total }: PresenceChange): void {
    room.total = total;
    if (max === 0 || total <= max) {
      tell(room, presenceFrame(kind, room.topic, member.conn, member.user, total));
      return;
    }
    room.isCountDue = true;
    if (room.timer === undefined) tellCount(room);
  }

  function begin(topic: string): Watched {
    const name = nameOf(topic);
    const room: Watched = {
      topic,
      channel: `${name}\0presence`,
      subscription: presence.watch(name, (change) => changed(room, change)),
      watchers: 0,
      total: 0,
      told: 0,
      isCountDue: false,
      timer: undefined,
    };
    watched.set(topic, room);
    return room;
  }

  function end(room: Watched): void {
    room.subscription.close();
    room.timer?.cancel();
    watched.delete(room.topic);
  }

  return {
    enter: (topic, member) => presence.join(nameOf(topic), member, NO_LEASE),
    leave: (topic, conn) => presence.leave(nameOf(topic), conn),
    watch(topic, connection) {
      const room = watched.get(topic) ?? begin(topic);
      room.watchers += 1;
      return createWatch(room, connection, () => {
        room.watchers -= 1;
        if (room.watchers === 0) end(room);
      });
    },
    who: (topic, query) => presence.list(nameOf(topic), query),
    dispose() {
      for (const room of watched.values()) end(room);
    },
  };
}

function createWatch(room: Watched, connection: Connection, onClose: () => void): PresenceWatch {
  /** `room.told` when it was paused. */
  let pausedAt: number | undefined;
  let isClosed = false;
  connection.subscribe(room.channel);

  return {
    pause() {
      if (isClosed || pausedAt !== undefined) return;
      pausedAt = room.told;
      connection.unsubscribe(room.channel);
    },
    resume() {
      if (isClosed || pausedAt === undefined) return;
      if (room.told !== pausedAt) connection.send(countFrame(room.topic, room.total));
      pausedAt = undefined;
      connection.subscribe(room.channel);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      connection.unsubscribe(room.channel);
      onClose();
    },
  };
}
