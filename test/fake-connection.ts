/** A Connection without a socket, for tests of routes: it records what a route does, and its peer reads when the test says so. */

import type { CloseInfo, Connection, Data } from "../src/connection.ts";
import { byteLength } from "../src/limits.ts";
import type { Route } from "../src/route.ts";
import { OPEN } from "./open-access.ts";

export interface FakeConnection extends Connection {
  /** Everything sent since the last `take`. */
  readonly sent: readonly Data[];
  take(): Data[];
  /** How it ended; undefined while it is open. */
  readonly ended: CloseInfo | undefined;
  /** How often it was paused. */
  readonly pauses: number;
  readonly channels: ReadonlySet<string>;
  /** From now on the peer takes nothing: what is sent waits. */
  stall(): void;
  /** The peer takes all but `left` bytes of what waits, and the route's `drain` hook runs. */
  catchUp(left?: number): void;
  /** The peer says something. Throws after the end: the listener delivers nothing then. */
  say(data: Data): void;
  /** The peer goes away. */
  leave(code?: number): void;
}

let count = 0;

/**
 * Opens a connection on `route`, with the `state` that its `admit` gave. As the real one, it runs the `close` hook inside `close` and
 * `terminate`, and keeps nothing of the memory that is sent.
 */
export function openFake(route: Route, state?: unknown, user: string | null = null): FakeConnection {
  count += 1;
  const id = `conn-${count}`;
  const channels = new Set<string>();
  let sent: Data[] = [];
  let waiting = 0;
  let stalled = false;
  let paused = false;
  let pauses = 0;
  let ended: CloseInfo | undefined;

  const end = (code: number, reason: string, local: boolean) => {
    if (ended !== undefined) return;
    ended = { code, reason, local };
    waiting = 0;
    route.close(fake, ended);
  };

  const fake: FakeConnection = {
    id,
    params: {},
    remoteAddress: "127.0.0.1",
    identity: { ...OPEN.identity, user },
    user,
    may: OPEN.may,
    state,
    get isOpen() {
      return ended === undefined;
    },
    send(data) {
      if (ended !== undefined) return true;
      sent.push(typeof data === "string" ? data : copyOf(data));
      if (stalled) waiting += Buffer.byteLength(data);
      return waiting === 0;
    },
    cork: (run) => run(),
    buffered: () => waiting,
    pause() {
      paused = true;
      pauses += 1;
    },
    resume() {
      paused = false;
    },
    get isPaused() {
      return paused;
    },
    subscribe: (channel) => void channels.add(channel),
    unsubscribe: (channel) => void channels.delete(channel),
    close: (code, reason) => end(code, reason, true),
    terminate: (code, reason) => end(code, reason, true),
    get sent() {
      return sent;
    },
    take() {
      const taken = sent;
      sent = [];
      return taken;
    },
    get ended() {
      return ended;
    },
    get pauses() {
      return pauses;
    },
    channels,
    stall() {
      stalled = true;
    },
    catchUp(left = 0) {
      waiting = Math.min(waiting, left);
      stalled = left > 0;
      route.drain(fake);
    },
    say(data) {
      if (ended !== undefined) throw new Error(`${id} has ended`);
      route.message(fake, data, byteLength(data));
    },
    leave: (code = 1000) => end(code, "", false),
  };
  route.open(fake);
  return fake;
}

function copyOf(data: Uint8Array): Uint8Array {
  return Buffer.isBuffer(data) ? Buffer.from(data) : data.slice();
}

/** A Connection that can only do what `does` says: a part that touches more of it fails. */
export function bareConnection(id: string, does: Partial<Connection>): Connection {
  const unused = (): never => {
    throw new Error("this part of a connection is not to be used here");
  };
  return {
    id,
    params: {},
    remoteAddress: "",
    ...OPEN,
    state: undefined,
    isOpen: true,
    isPaused: false,
    send: unused,
    cork: unused,
    buffered: unused,
    pause: unused,
    resume: unused,
    subscribe: unused,
    unsubscribe: unused,
    close: unused,
    terminate: unused,
    ...does,
  };
}
