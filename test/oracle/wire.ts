/**
 * A connection without a socket, for the oracle: a link whose peer reads when the test says so, and that can be cut while things are on
 * their way. What a peer had not read when its link was cut, it never gets.
 */

import type { CloseInfo, Connection, Data, Publisher } from "../../src/connection.ts";
import { byteLength } from "../../src/limits.ts";
import { OPEN } from "../open-access.ts";

export interface Peer {
  /** A whole frame has arrived. */
  heard(frame: Data): void;
  closed(info: CloseInfo): void;
}

/** What the listener would call. */
export interface Served {
  message(text: string): void;
  drain(): void;
  close(info: CloseInfo): void;
}

export interface Link {
  readonly connection: Connection;
  readonly isOpen: boolean;
  /** From now on the peer takes nothing. */
  stall(): void;
  /** The peer takes all but about `left` bytes; when that is nothing, it reads on. */
  read(left?: number): void;
  say(text: string): void;
  /** Neither side gets what is on its way. */
  cut(): void;
}

export interface Wires {
  readonly publisher: Publisher;
  link(params: Readonly<Record<string, string>>, peer: Peer): Link & { serve(served: Served): void };
}

export function createWires(): Wires {
  const channels = new Map<string, Map<Connection, (data: Data) => void>>();
  let count = 0;

  return {
    publisher: {
      publish(channel, data, except) {
        for (const [connection, send] of channels.get(channel) ?? []) if (connection !== except) send(data);
      },
    },
    link(params, peer) {
      count += 1;
      return createLink(`c-${count}`, params, peer, channels);
    },
  };
}

type Channels = Map<string, Map<Connection, (data: Data) => void>>;

function createLink(
  id: string,
  params: Readonly<Record<string, string>>,
  peer: Peer,
  channels: Channels,
): Link & { serve(served: Served): void } {
  let served: Served | undefined;
  let queue: Data[] = [];
  let inbox: string[] = [];
  let waiting = 0;
  let isStalled = false;
  let isPaused = false;
  let ending: CloseInfo | undefined;

  function send(data: Data): boolean {
    if (ending !== undefined) return true;
    if (isStalled || queue.length > 0) {
      queue.push(data);
      waiting += byteLength(data);
      return false;
    }
    peer.heard(data);
    return true;
  }

  function end(info: CloseInfo): void {
    if (ending !== undefined) return;
    ending = info;
    for (const members of channels.values()) members.delete(connection);
    queue = [];
    inbox = [];
    waiting = 0;
    served?.close(info);
    peer.closed(info);
  }

  /** Frames come one after the other, never inside a call of the server's own. */
  function pump(): void {
    queueMicrotask(() => {
      while (!isPaused && ending === undefined) {
        const text = inbox.shift();
        if (text === undefined) return;
        served?.message(text);
      }
    });
  }

  const connection: Connection = {
    id,
    params,
    remoteAddress: "127.0.0.1",
    ...OPEN,
    state: undefined,
    get isOpen() {
      return ending === undefined;
    },
    get isPaused() {
      return isPaused;
    },
    send,
    cork: (run) => run(),
    buffered: () => waiting,
    pause() {
      isPaused = true;
    },
    resume() {
      isPaused = false;
      pump();
    },
    subscribe(channel) {
      if (ending !== undefined) return;
      const members = channels.get(channel) ?? new Map();
      channels.set(channel, members.set(connection, send));
    },
    unsubscribe: (channel) => void channels.get(channel)?.delete(connection),
    close: (code, reason) => end({ code, reason, local: true }),
    terminate: (code, reason) => end({ code, reason, local: true }),
  };

  return {
    connection,
    get isOpen() {
      return ending === undefined;
    },
    serve(what) {
      served = what;
    },
    stall() {
      isStalled = true;
    },
    read(left = 0) {
      isStalled = left > 0;
      while (waiting > left) {
        const frame = queue.shift();
        if (frame === undefined) break;
        waiting -= byteLength(frame);
        peer.heard(frame);
      }
      if (ending === undefined) served?.drain();
    },
    say(text) {
      inbox.push(text);
      pump();
    },
    cut: () => end({ code: 1006, reason: "", local: false }),
  };
}
