/**
 * A small client of byte streams over real sockets, written from PROTOCOL.md: it sends one block, hashes what it takes, and comes back at
 * once whenever its connection is lost. It throws at the first thing that a server must not do. No backoff, no patience: tests only.
 */
import { createHash } from "node:crypto";
import * as frames from "../../../src/wire/bridge-frames.ts";

export interface ResumeClientOptions {
  /** Without a query. */
  readonly url: string;
  /** What it says; after it comes its half-close. */
  readonly block: Buffer;
  /** Bytes of a DATA: 1 to so many, by turns. */
  readonly maxData?: number;
}

export interface ResumeClient {
  /** Bytes taken. */
  readonly taken: number;
  /** sha256 of them; once. */
  hash(): string;
  /** Connections so far. */
  readonly connections: number;
  /** Bytes it has sent and the server has not acknowledged. */
  readonly unacknowledged: number;
  /** It may send up to this position of its block. */
  allow(position: number): void;
  /** Takes no more, and says no ACK; frames are still read. */
  stall(): void;
  /** Takes what came meanwhile, and goes on. */
  flow(): void;
  /** The code that ended the stream: its own 1000, or one after which nobody comes back. */
  readonly ended: Promise<number>;
}

const ACK_EVERY = 64 * 1024;
const TICK_MS = 100;
const FINAL = (code: number) =>
  code === 1000 || code === 1014 || code === 3003 || (code >= 4500 && code < 5000);

export function resumeClient({ url, block, maxData = frames.MAX_DATA }: ResumeClientOptions): ResumeClient {
  const hash = createHash("sha256");
  const end = Promise.withResolvers<number>();
  let socket: WebSocket | undefined;
  let sid: string | undefined;
  /** Of its own direction; the half-close counts 1. */
  let [sent, acked, allowed] = [0, 0, Number.POSITIVE_INFINITY];
  let isReady = false;
  /** Of the other. */
  let [taken, told, connections, turn] = [0, 0, 0, 0];
  let [isStalled, isOver, hasEnded] = [false, false, false];
  /** Came while it was stalled. */
  let waiting: Uint8Array[] = [];
  const ticks = setInterval(acknowledge, TICK_MS);

  function dial(): void {
    if (isOver) return;
    [isReady, waiting, told] = [false, [], taken];
    connections += 1;
    const mine = new WebSocket(sid === undefined ? url : `${url}?sid=${sid}&ack=${taken}`, [
      frames.BRIDGE_PROTOCOL,
    ]);
    socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (socket === mine) hear(new Uint8Array(data));
    };
    mine.onclose = ({ code }) => {
      if (socket !== mine) return;
      if (FINAL(code)) finish(code);
      else setTimeout(dial, 5);
    };
  }

  function finish(code: number): void {
    isOver = true;
    clearInterval(ticks);
    socket?.close(1000);
    end.resolve(code);
  }

  function broken(what: string): never {
    isOver = true;
    clearInterval(ticks);
    const error = new Error(
      `${what} (connection ${connections}, taken ${taken}, sent ${sent}, acked ${acked})`,
    );
    end.reject(error);
    throw error;
  }

  function hear(bytes: Uint8Array): void {
    const frame = frames.readFrame(bytes, frames.MAX_DATA);
    if (frame?.type === "connected" && sid === undefined) sid = frame.sid;
    else if (frame?.type === "reconnected" && sid !== undefined && !isReady) sent = advance(frame.count);
    else if (frame?.type === "ack" && isReady) advance(frame.count);
    else if (frame?.type === "data" && isReady) receive(new Uint8Array(frame.bytes));
    else broken(`the server said ${JSON.stringify(frame)}`);
    isReady = true;
    speak();
  }

  /** Counts never run backwards, nor past what was sent. */
  function advance(count: number): number {
    if (count < acked || count > block.length + 1) broken(`a count of ${count}`);
    acked = count;
    return count;
  }

  function receive(bytes: Uint8Array): void {
    if (hasEnded) broken("DATA after the half-close");
    waiting.push(bytes);
    if (!isStalled) take();
  }

  function take(): void {
    for (const bytes of waiting) {
      hash.update(bytes);
      taken += bytes.length || 1;
      hasEnded ||= bytes.length === 0;
    }
    waiting = [];
    if (taken - told >= ACK_EVERY || hasEnded) acknowledge();
    if (hasEnded && acked === block.length + 1) finish(1000);
  }

  function acknowledge(): void {
    if (!isReady || isStalled || taken === told || socket?.readyState !== WebSocket.OPEN) return;
    socket.send(frames.ackFrame(taken));
    told = taken;
  }

  function speak(): void {
    while (isReady && socket?.readyState === WebSocket.OPEN && sent <= block.length) {
      turn = (turn * 31 + 17) % 65_521;
      const size = Math.min(1 + (turn % maxData), block.length - sent, allowed - sent);
      if (sent < block.length && size <= 0) return;
      if (sent + Math.max(1, size) - acked > frames.WINDOW_BYTES) return;
      socket.send(frames.dataFrame(block.subarray(sent, sent + size)));
      sent += Math.max(1, size);
    }
    if (hasEnded && acked === block.length + 1) finish(1000);
  }

  dial();
  return {
    get taken() {
      return taken;
    },
    hash: () => hash.digest("hex"),
    get connections() {
      return connections;
    },
    get unacknowledged() {
      return sent - acked;
    },
    allow(position) {
      allowed = position;
      speak();
    },
    stall() {
      isStalled = true;
    },
    flow() {
      isStalled = false;
      take();
    },
    ended: end.promise,
  };
}
