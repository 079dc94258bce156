/** A bridge on a network and a clock that tests move, with a gateway that says what a test tells it to. */
import { onTestFinished } from "bun:test";
import type { ReadableStreamDefaultReader } from "node:stream/web";
import {
  type Asked,
  type Bridge,
  type BridgeStatus,
  type OpenBridgeOptions,
  openBridge,
} from "../../../src/client/bridge.ts";
import {
  ackFrame,
  type BridgeFrame,
  connectFrame,
  dataFrame,
  MAX_DATA,
  readFrame,
  reconnectFrame,
} from "../../../src/wire/bridge-frames.ts";
import { type TestClock, testClock } from "../../clock.ts";
import { type FakeNetwork, fakeNetwork } from "../fake-web-socket.ts";

export interface BridgeHouse {
  readonly net: FakeNetwork;
  readonly clock: TestClock;
  readonly bridge: Bridge;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  /** All that `onStatus` told. */
  readonly statuses: BridgeStatus[];
  /** The connection opens, and is a new stream. */
  begin(sid?: string): Promise<void>;
  /** The connection opens, and carries the stream on. */
  resume(count: number): Promise<void>;
  say(frame: Uint8Array): void;
  data(bytes: string | Uint8Array): void;
  /** The half-close of the service. */
  end(): void;
  ack(count: number): void;
  /** What was sent on this connection and nobody took yet: `ack 5`, `data abc`, `end`. */
  said(): string[];
  /** What the newest address asks for. */
  asked(name: string): string | null;
  /** The connection is torn, or closed; the next attempt is made. */
  lose(code?: number, reason?: string): Promise<void>;
  /** What the next read gives, as text. */
  read(): Promise<string>;
}

/** Longer than any wait between two attempts that nobody asked for. */
const LONGEST = 5_000;
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
export const bytesOf = (text: string) => new TextEncoder().encode(text);

export function bridgeHouse(options: OpenBridgeOptions & { url?: Asked<string> } = {}): BridgeHouse {
  const net = fakeNetwork();
  const clock = testClock();
  const over = new AbortController();
  const { signal } = over;
  const bridge = openBridge(options.url ?? "ws://host/ssh", {
    WebSocket: net.WebSocket,
    clock,
    signal,
    ...options,
  });
  onTestFinished(() => over.abort());
  const statuses: BridgeStatus[] = [];
  bridge.onStatus((status) => statuses.push(status));
  const reader = bridge.readable.getReader();
  const writer = bridge.writable.getWriter();
  for (const each of [reader.closed, writer.closed, writer.ready]) each.catch(() => {});
  let taken = 0;

  const say = (frame: Uint8Array) => net.last.say(frame.slice().buffer);
  const open = async (frame: Uint8Array) => {
    await settle();
    taken = 0;
    net.last.accept();
    say(frame);
    await settle();
  };
  return {
    net,
    clock,
    bridge,
    reader,
    writer,
    statuses,
    begin: (sid = "s1") => open(connectFrame(sid)),
    resume: (count) => open(reconnectFrame(count)),
    say,
    data: (bytes) => say(dataFrame(typeof bytes === "string" ? bytesOf(bytes) : bytes)),
    end: () => say(dataFrame(new Uint8Array())),
    ack: (count) => say(ackFrame(count)),
    said() {
      const frames = net.last.sent.slice(taken);
      taken = net.last.sent.length;
      return frames.map((frame) => textOf(readFrame(frame as Uint8Array, MAX_DATA)));
    },
    asked: (name) => new URL(net.last.url).searchParams.get(name),
    async lose(code, reason) {
      net.last.end(code, reason);
      clock.advance(LONGEST);
      await settle();
    },
    async read() {
      const { done, value } = await reader.read();
      return done ? "(end)" : new TextDecoder().decode(value);
    },
  };
}

function textOf(frame: ReturnType<typeof readFrame>): string {
  const { type, ...rest } = frame as BridgeFrame & { count?: number; bytes?: Uint8Array };
  if (type === "ack") return `ack ${rest.count}`;
  if (type !== "data") return type;
  return rest.bytes?.length ? `data ${new TextDecoder().decode(rest.bytes)}` : "end";
}

/** What a promise was rejected with. */
export async function failure(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; cause: unknown }> {
  return promise.then(
    () => ({ code: "(fine)", message: "", cause: undefined }),
    (error) => error,
  );
}

/** A promise that is looked at later, or never: its rejection is nobody's surprise. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
