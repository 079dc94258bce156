/** An upstream without a socket, for tests of the pipe: its kernel takes as much as the test says, and spurious events come when it says. */
import type { Upstream, UpstreamHandler } from "../../src/bridge/upstream.ts";

export interface FakeUpstream extends Upstream {
  /** Everything taken so far. */
  readonly written: string;
  /** `shutdown`, `end` and `terminate`, in order. */
  readonly calls: readonly string[];
  readonly isPaused: boolean;
  /** Bytes its kernel takes from now on, then `drain`. */
  makeRoom(bytes: number): void;
  /** From now on a write fails, as after the target's RST. */
  refuse(): void;
  /** The target says something. Throws while nobody reads: the kernel would keep it. */
  say(text: string | Uint8Array): void;
  drain(): void;
  sayEnd(): void;
  breakOff(error?: Error): void;
}

/** Takes everything unless `room` says how much. As the real one, it runs `close` inside `end` and `terminate`. */
export function fakeUpstream(room = Number.POSITIVE_INFINITY): FakeUpstream {
  const taken: Buffer[] = [];
  const calls: string[] = [];
  let paused = true;
  let isGone = false;
  let isRefusing = false;
  let left = room;

  const handler = (): UpstreamHandler => {
    const { handler } = fake.data;
    if (handler === undefined) throw new Error("nobody has taken the upstream over");
    return handler;
  };
  const close = (name: string) => {
    if (isGone) return;
    calls.push(name);
    isGone = true;
    handler().close(undefined);
  };

  const fake: FakeUpstream = {
    data: { handler: undefined, target: "fake", release: () => {}, failed: unexpected },
    write(bytes) {
      if (isGone || isRefusing) return -1;
      const all = Buffer.from(bytes);
      const part = all.subarray(0, left);
      left -= part.length;
      taken.push(part);
      return part.length;
    },
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
    },
    shutdown: () => void calls.push("shutdown"),
    end: () => close("end"),
    terminate: () => close("terminate"),
    get written() {
      return Buffer.concat(taken).toString();
    },
    calls,
    get isPaused() {
      return paused;
    },
    makeRoom(bytes) {
      left = bytes;
      handler().drain();
    },
    refuse() {
      isRefusing = true;
    },
    say(text) {
      if (paused) throw new Error("nobody reads from the upstream");
      handler().data(Buffer.from(text));
    },
    drain: () => handler().drain(),
    sayEnd: () => handler().end(),
    breakOff(error) {
      isGone = true;
      handler().close(error);
    },
  };
  return fake;
}

/** No handler throws in a test that does not say so. */
export function unexpected(error: unknown): never {
  throw error;
}
