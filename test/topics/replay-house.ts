/** A hub over an engine that is far away, and readers whose peers take bytes only when the test says so. */

import { expect } from "bun:test";
import type { Connection, Data } from "../../src/connection.ts";
import type { HistoryLimits, Message, Position } from "../../src/engine.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createHub, type Membership, readerOf, V1Reader } from "../../src/topics/hub.ts";
import type { FanOutOptions } from "../../src/topics/options.ts";
import type { Reader } from "../../src/topics/place.ts";
import type { From } from "../../src/topics/replay.ts";
import type { Gap } from "../../src/wire/v1.ts";
import { memoryLog } from "../gateway.ts";
import { OPEN } from "../open-access.ts";
import { checkStream, createTopicLog, type StreamCheck } from "../stream-check.ts";
import { lateTopics } from "./late-topics.ts";

/** `stream`: like an event stream, never on the native channel. */
export type ReaderKind = "v1" | "stream" | "plain";

export interface ModelReader {
  readonly kind: ReaderKind;
  /** Undefined: it has not begun, or knows no positions. */
  readonly at: Position | undefined;
  /** Numbers of the messages it was sent; of plain readers only. */
  readonly got: readonly number[];
  readonly isOpen: boolean;
  stall(): void;
  /** Its peer takes all but this share of what waits. */
  drain(left: number): void;
  leave(): void;
}

export interface EnterOptions {
  readonly from: "now" | "last" | "exported" | "foreign";
  readonly n: number;
  /** Of a reader before. */
  readonly position: Position | undefined;
}

export function replayHouse(policy: FanOutOptions["policy"], highWater: number, limits: HistoryLimits) {
  const late = lateTopics(limits);
  const log = createTopicLog();
  const counters = createRouteCounters("/feed", "feed");
  const peers: Peer[] = [];
  const readers: ModelReader[] = [];
  const publisher = {
    publish(channel: string, data: Data) {
      for (const peer of peers) if (peer.channels.has(channel)) peer.take(data);
    },
  };
  const hub = createHub({
    route: "/feed",
    publisher,
    counters,
    log: memoryLog(),
    policy,
    highWater,
    topics: late.topics,
  });
  let published = 0;
  let failure: unknown;

  /** A fake peer may be called from inside a loop that guards its readers: what it finds is kept. */
  const guarded = (run: () => void) => {
    try {
      run();
    } catch (error) {
      failure ??= error;
    }
  };

  function fromOf({ from, n, position }: EnterOptions): From {
    if (from === "last") return { last: n };
    if (from === "exported" && position !== undefined) return { since: position, last: n % 3 };
    if (from === "foreign") return { since: { epoch: "other", offset: n }, last: n % 3 };
    return {};
  }

  function enter(kind: ReaderKind, options: EnterOptions): void {
    const peer = createPeer(`c${peers.length + 1}`, kind, guarded);
    peers.push(peer);
    readers.push(peer);
    if (kind === "plain") {
      peer.membership = hub.join("t", readerOf(peer.connection));
      return;
    }
    const entry = hub.enter("t", peer.reader);
    peer.membership = entry;
    const from = fromOf(options);
    const begin = async () => {
      const start = await entry.begin(from);
      if ("code" in start) throw new Error(start.text);
      if (!peer.isOpen) return;
      if (start.recovered === false && from.since !== undefined)
        guarded(() => expect(late.holdsAfter(from.since ?? late.head)).toBeUndefined());
      guarded(() => peer.begin(checkStream(log, start, from.since)));
      entry.go();
    };
    begin().catch((error: unknown) => {
      failure ??= error;
    });
  }

  /** Everybody who waits for an answer goes as far as that brings it. */
  async function settle(): Promise<void> {
    for (let i = 0; i < 12; i += 1) await undefined;
  }

  function check(): void {
    if (failure !== undefined) throw failure;
    const { due, delivered, dropped } = counters;
    const { queued, held } = hub.stats();
    expect(due - delivered - dropped.slow - dropped.conflated - dropped.closed).toBe(queued);
    expect(held).toBeLessThanOrEqual(highWater);
    for (const { got } of peers) expectRun(got, policy === "close");
  }

  return {
    late,
    readers,
    enter,
    settle,
    check,
    publish(size: number, key: string | undefined): void {
      published += 1;
      const data = String(published).padEnd(size, ".");
      late.topics.publish("t", { data, json: false, key, size }, (result) => {
        if ("epoch" in result) log.see(result, data);
      });
    },
    /** Everything arrives, and every peer reads on. */
    async calmDown(): Promise<void> {
      for (let rounds = 0; rounds < 500; rounds += 1) {
        const isDone = !late.deliverNext() && !late.answerNext(0);
        for (const peer of peers) peer.drain(0);
        await settle();
        if (isDone && !late.deliverNext() && !late.answerNext(0)) return;
      }
      throw new Error("the readers never came to rest");
    },
    /** Whoever is still there has come to the end of the log. */
    checkEnd(): void {
      const { head } = late;
      for (const { kind, at, got, isOpen } of readers.filter(({ isOpen }) => isOpen)) {
        expect(isOpen).toBe(true);
        if (kind === "plain") expect(got.at(-1) ?? published).toBe(published);
        // In an epoch without a message nobody has heard of it.
        else if (head.offset > 0) expect(at).toEqual(head);
      }
      const { queued, held, lagging } = hub.stats();
      expect([queued, held, lagging]).toEqual([0, 0, 0]);
    },
  };
}

/** In order, no number twice; without a hole where nobody may lose any. */
function expectRun(got: readonly number[], isWhole: boolean): void {
  const [last = 1, previous = 0] = got.slice(-2).reverse();
  if (got.length < 2) return;
  if (isWhole) expect(last).toBe(previous + 1);
  else expect(last).toBeGreaterThan(previous);
}

interface Peer extends ModelReader {
  readonly channels: Set<string>;
  readonly connection: Connection;
  readonly reader: Reader;
  membership: Membership | undefined;
  begin(check: StreamCheck): void;
  take(data: Data): void;
}

function createPeer(id: string, kind: ReaderKind, guarded: (run: () => void) => void): Peer {
  const channels = new Set<string>();
  const got: number[] = [];
  let stream: StreamCheck | undefined;
  let waiting = 0;
  let isStalled = false;
  let isOpen = true;

  const add = (bytes: number) => {
    if (isStalled) waiting += bytes;
  };
  const begun = () => {
    if (stream === undefined) throw new Error(`${id} was sent something before it began`);
    return stream;
  };
  const hear = (told: { t?: string; data?: unknown }) =>
    guarded(() => {
      if (told.t === "gap") begun().gap(told as unknown as Gap);
      else begun().message(told as unknown as Message);
    });
  const leave = () => {
    if (!isOpen) return;
    isOpen = false;
    channels.clear();
    peer.membership?.leave();
  };
  const connection: Connection = {
    id,
    params: {},
    remoteAddress: "",
    ...OPEN,
    state: undefined,
    get isOpen() {
      return isOpen;
    },
    isPaused: false,
    send(data) {
      peer.take(data);
      return waiting === 0;
    },
    cork: (run) => run(),
    buffered: () => waiting,
    pause() {},
    resume() {},
    subscribe: (channel) => void channels.add(channel),
    unsubscribe: (channel) => void channels.delete(channel),
    close: leave,
    terminate: leave,
  };
  const streamReader: Reader = {
    id,
    format: "plain",
    send(message) {
      add(message.size);
      hear(message as { data: unknown });
    },
    gap: (gap) => hear({ t: "gap", ...gap }),
    buffered: () => waiting,
    close: leave,
  };
  const peer: Peer = {
    kind,
    channels,
    connection,
    reader: kind === "v1" ? new V1Reader(connection, () => {}, { size: 1 }) : streamReader,
    membership: undefined,
    got,
    get at() {
      return stream?.at;
    },
    get isOpen() {
      return isOpen;
    },
    begin(check) {
      stream = check;
    },
    take(data) {
      if (!isOpen) return;
      add(data.length);
      if (kind === "plain") got.push(Number.parseInt(String(data), 10));
      else hear(JSON.parse(String(data)));
    },
    stall() {
      isStalled = true;
    },
    drain(left) {
      if (!isOpen) return;
      waiting = Math.floor(waiting * left);
      isStalled = waiting > 0;
      peer.membership?.drain();
    },
    leave,
  };
  return peer;
}
