/** One topic's fan-out, with readers whose peers take bytes only when the test says so. */
import type { Connection, Data, Publisher } from "../../src/connection.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { FanOut } from "../../src/topics/fan-out.ts";
import type { FanOutOptions } from "../../src/topics/options.ts";
import type { Place, Reader } from "../../src/topics/place.ts";
import type { Gap } from "../../src/wire/v1.ts";
import { bareConnection } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";

export interface JoinOptions {
  /** Like an event stream: never on the native channel. */
  readonly isStream?: boolean;
  readonly skipsOwn?: boolean;
  /** Runs after each message that it is handed outside the native channel, as code of a route might. */
  readonly onSend?: (listener: Listener) => void;
}

export interface Listener {
  readonly id: string;
  readonly place: Place;
  /** Numbers of the messages it was handed, in order. */
  readonly got: number[];
  readonly waiting: number;
  /** How often somebody asked what waits for it. */
  readonly looks: number;
  /** What it was told it will not get. */
  readonly gaps: Gap[];
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  /** From now on its peer takes nothing. */
  stall(): void;
  /** So many bytes wait for it, like frames' heads, which a message's size does not have. */
  fill(bytes: number): void;
  /** Its peer takes all but `left` bytes; when that is nothing, it reads on. */
  drain(left?: number): void;
  leave(): void;
}

/** A message is its number, filled up to `size`. */
export interface MessageOptions {
  readonly size?: number;
  readonly key?: string | undefined;
  readonly conn?: string | undefined;
  readonly position?: { readonly epoch: string; readonly offset: number };
}

export function fanOutHouse(policy: FanOutOptions["policy"], highWater: number) {
  const log = memoryLog();
  const counters = createRouteCounters("/room", "room");
  const channel = createChannel();
  const fanOut = new FanOut("t", {
    route: "/room",
    publisher: channel.publisher,
    counters,
    log,
    policy,
    highWater,
  });
  let published = 0;
  let joined = 0;
  return {
    fanOut,
    counters,
    lines: log.lines,
    channel,
    join(options: JoinOptions = {}): Listener {
      joined += 1;
      return createListener(`c${joined}`, fanOut, channel, options);
    },
    /** Delivers message 1, 2, 3 ... and returns its number. */
    publish({ size = 4, key, conn, position }: MessageOptions = {}): number {
      published += 1;
      const data = size === 0 ? "" : String(published).padEnd(size, ".");
      const at = position ?? { epoch: "e", offset: published };
      fanOut.deliver({ topic: "t", ...at, time: 0, size: data.length, data, json: false, key, conn });
      return published;
    },
    /** What is missing from due = delivered + dropped + queued. */
    unaccounted(): number {
      const { due, delivered, dropped } = counters;
      return due - delivered - dropped.slow - dropped.conflated - dropped.closed - fanOut.queued;
    },
  };
}
export type FanOutHouse = ReturnType<typeof fanOutHouse>;

/** Enough for the readers to be looked at, and for a stalled one to be past the mark. */
export function flood(house: FanOutHouse, mark: number, key?: string): void {
  for (let i = 0; i < 6; i += 1) house.publish({ size: mark / 4, key });
}

export const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

type Take = (data: Data) => void;

/** Stands for the runtime's topics. */
function createChannel() {
  const members = new Map<Connection, Take>();
  const channel = {
    members,
    /** How often the runtime was handed a message for all. */
    publishes: 0,
    publisher: {
      publish(_, data, except) {
        channel.publishes += 1;
        for (const [connection, take] of members) if (connection !== except) take(data);
      },
    } satisfies Publisher,
  };
  return channel;
}
type Channel = ReturnType<typeof createChannel>;

function createListener(id: string, fanOut: FanOut, channel: Channel, options: JoinOptions): Listener {
  let stalled = false;
  let waiting = 0;
  let looks = 0;
  let closed: Listener["closed"];
  const got: number[] = [];
  const gaps: Gap[] = [];

  const take: Take = (data) => {
    got.push(Number.parseInt(String(data), 10));
    if (stalled) waiting += data.length;
  };
  const connection = bareConnection(id, {
    subscribe: () => void channel.members.set(connection, take),
    unsubscribe: () => void channel.members.delete(connection),
  });
  const reader: Reader = {
    id,
    format: "plain",
    ...(options.isStream ? {} : { connection }),
    skipsOwn: options.skipsOwn ?? false,
    send({ data }) {
      take(data);
      options.onSend?.(listener);
    },
    gap: (gap) => void gaps.push(gap),
    buffered() {
      looks += 1;
      return waiting;
    },
    close(code, reason) {
      closed = { code, reason };
      listener.leave();
    },
  };
  const listener: Listener = {
    id,
    got,
    gaps,
    place: fanOut.join(reader),
    get waiting() {
      return waiting;
    },
    get looks() {
      return looks;
    },
    get closed() {
      return closed;
    },
    stall() {
      stalled = true;
    },
    fill(bytes) {
      waiting += bytes;
    },
    drain(left = 0) {
      waiting = Math.min(waiting, left);
      stalled = left > 0;
      fanOut.drain(listener.place);
    },
    leave() {
      channel.members.delete(connection);
      fanOut.leave(listener.place);
    },
  };
  return listener;
}
