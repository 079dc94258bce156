/**
 * One WebSocket after another to the same place. Dials, waits, dials again, until it is closed or a close code says that it would be in vain.
 * Limits: an attempt that is not open in time is given up. At most one socket and two timers at a time, none after the end.
 */
import type { Delays } from "./backoff.ts";
import type { Retries } from "./retries.ts";
import { type Clock, systemClock } from "./timing.ts";
import { onWake } from "./wake.ts";
import {
  type Ending,
  type WebSocketConstructor,
  type WebSocketLike,
  webSocketOf,
} from "./web-socket-like.ts";

/** A peer that does not answer a close for so long is dead. */
const CLOSE_MS = 5_000;

export interface LinkOptions extends Delays {
  /** @default the runtime's own */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** An attempt that is not open after so many ms has failed. @default 8,000 */
  readonly openTimeout?: number | undefined;
  /** For tests. */
  readonly clock?: Clock | undefined;
}

export interface Address {
  readonly url: string;
  readonly protocols?: string | string[] | undefined;
}

export interface LinkEnds {
  /** Asked anew for each attempt; the signal aborts when the answer is no longer wanted. A throw is a failed attempt. */
  address(signal: AbortSignal): Address | Promise<Address>;
  dialed?(socket: WebSocketLike): void;
  opened(socket: WebSocketLike): void;
  message(data: unknown): void;
  /** `retryIn` in ms; absent after the last. */
  closed(ending: Ending, retryIn?: number): void;
  /** The network may be another one than before. */
  woke?(): void;
}

export interface Link {
  /** No attempt follows. `closed` is called once more, later. */
  close(code?: number, reason?: string): void;
  /** Lets go of the socket at once, as lost for this reason: a dead peer answers no close. */
  drop(reason: string): void;
}

/** Throws what the first `new WebSocket` throws when the address is there at once. */
export function keepLink(ends: LinkEnds, retries: Retries, options: LinkOptions): Link {
  const WebSocket = webSocketOf(options.WebSocket);
  const clock = options.clock ?? systemClock;
  let openedAt: number | undefined;
  let closing = false;
  let socket: WebSocketLike | undefined;
  let timer: { cancel(): void } | undefined;
  let wanted = new AbortController();

  const dial = async (asked?: Promise<Address>) => {
    if (asked === undefined) release();
    const { signal } = wanted;
    try {
      const address = await (asked ?? ends.address(signal));
      if (!signal.aborted) open(address);
    } catch (cause) {
      if (!signal.aborted) lost(broken("it could not begin", cause));
    }
  };

  const open = ({ url, protocols }: Address) => {
    let cause: unknown;
    const fresh = new WebSocket(url.replace(/^http/, "ws"), protocols ?? []);
    socket = fresh;
    timer = clock.after(options.openTimeout ?? 8_000, () => lost(broken("it did not open in time")));
    fresh.onopen = () => {
      timer?.cancel();
      openedAt = clock.now();
      ends.opened(fresh);
    };
    fresh.onmessage = ({ data }: { data: unknown }) => ends.message(data);
    fresh.onerror = (event: { error?: unknown; message?: unknown }) => {
      cause = event.error ?? event.message;
    };
    fresh.onclose = ({ code, reason, wasClean }: Ending) => lost({ code, reason, wasClean, cause });
    ends.dialed?.(fresh);
  };

  /** What comes late from the last attempt is heard by nobody. */
  const release = () => {
    wanted.abort();
    wanted = new AbortController();
    timer?.cancel();
    timer = undefined;
    if (socket === undefined) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {}; // the package `ws` throws an error that nobody hears
    if (socket.readyState < 2) socket.close();
    socket = undefined;
  };

  const lost = (ending: Ending) => {
    release();
    const uptime = openedAt === undefined ? 0 : clock.now() - openedAt;
    openedAt = undefined;
    const delay = closing ? undefined : retries.after(ending, uptime);
    if (delay !== undefined) timer = clock.after(delay, dial);
    else sleep();
    closing ||= delay === undefined;
    ends.closed(ending, delay);
  };

  const close = (code?: number, reason?: string) => {
    if (closing) return;
    closing = true;
    sleep();
    if (socket === undefined) wanted.abort();
    const ending = broken("closed without an answer");
    timer?.cancel();
    timer = clock.after(socket === undefined ? 0 : CLOSE_MS, () => lost(ending));
    socket?.close(code, reason);
  };

  const first = ends.address(wanted.signal);
  if (first instanceof Promise) dial(first);
  else open(first);
  const sleep = onWake(() => {
    if (socket !== undefined) ends.woke?.();
    // A server that asked for patience gets it; else a wait for a missing network is over.
    else if (timer !== undefined && !retries.held()) dial();
  });
  return { close, drop: (reason) => lost(broken(reason)) };
}

/** RFC 6455, section 7.1.5: 1006 is for ends that no close frame told of. */
const broken = (reason: string, cause?: unknown): Ending => ({ code: 1006, reason, wasClean: false, cause });
