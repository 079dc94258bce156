/**
 * One WebSocket of `fairlead connect`: the runtime's own, with its events in one place and a bound on what waits to be sent.
 * Limits: HANDSHAKE_MS, SEND_MARK, CLOSE_MS. A message that comes has no bound of its own: the runtime hands it over whole.
 */
import type { Clock, Timer } from "../../clock.ts";
import { type Handshake, socketOptions } from "../handshake-flags.ts";
import type { ConnectEvent } from "./events.ts";
import type { Failure } from "./refusal.ts";

export interface Ending {
  readonly code: number;
  readonly reason: string;
  /** Whether the handshake had succeeded. */
  readonly wasOpen: boolean;
  /** We closed first. */
  readonly isOurs: boolean;
  /** What the runtime said of it, where nobody closed in order. */
  readonly failure: Failure | undefined;
}

export interface Link {
  /** Resolves once it is open, or has ended without. */
  readonly opened: Promise<void>;
  readonly ended: Promise<Ending>;
  readonly isOpen: boolean;
  /** Resolves when there is room for more: no later than the end. */
  send(data: string | Uint8Array<ArrayBuffer>): Promise<void>;
  ping(data: string): void;
  pong(data: string): void;
  /** Resolves when all is on its way; false: the server took nothing for STALL_MS. No later than the end. */
  flushed(): Promise<boolean>;
  /** Ends it, with the close handshake when it is open. */
  close(code: number, reason: string): void;
  pause(): void;
  resume(): void;
  /** Nothing that was just sent could have been answered: it still waits, or nothing is read. */
  isHeld(): boolean;
}

/** For a gateway that dials its target before it answers. */
const HANDSHAKE_MS = 30_000;
/** For the server's half of the close handshake; hardening asks the same of servers. */
const CLOSE_MS = 5_000;
/** Bytes that may wait before nothing more is read from stdin. */
const SEND_MARK = 1024 * 1024;
/** The runtime tells nobody when it has sent what waited. */
const POLL_MS = 5;
const STALL_MS = 10_000;

export function openLink(
  { url, options }: Handshake,
  protocols: readonly string[],
  clock: Clock,
  onEvent: (event: ConnectEvent) => void,
): Link {
  const socket = new WebSocket(url, { ...socketOptions(options), protocols: [...protocols] });
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Ending>();
  let failure: Failure | undefined;
  let wasOpen = false;
  let isClosing = false;
  let deadline: Timer = clock.after(HANDSHAKE_MS, () => {
    failure = { message: `no answer to the handshake within ${HANDSHAKE_MS / 1_000} s`, code: undefined };
    socket.terminate();
  });
  const wait = () => new Promise<void>((done) => clock.after(POLL_MS, done));
  const isOpen = () => socket.readyState === WebSocket.OPEN;

  socket.addEventListener("open", () => {
    wasOpen = true;
    deadline.cancel();
    onEvent({ type: "open", direction: "in", url, protocol: socket.protocol });
    opened.resolve();
  });
  socket.addEventListener("message", ({ data }) => onEvent(incoming(data)));
  for (const type of ["ping", "pong"] as const) {
    socket.addEventListener(type, ({ data }) => onEvent({ type, direction: "in", data }));
  }
  socket.addEventListener("error", ({ message, error }) => {
    failure ??= { message, code: codeOf(error) };
  });
  socket.addEventListener("close", ({ code, reason }) => {
    deadline.cancel();
    if (wasOpen) onEvent({ type: "close", direction: isClosing ? "out" : "in", code, reason });
    ended.resolve({ code, reason, wasOpen, isOurs: isClosing, failure });
    opened.resolve();
  });

  return {
    opened: opened.promise,
    ended: ended.promise,
    get isOpen() {
      return isOpen();
    },
    async send(data) {
      if (!isOpen()) return;
      socket.send(data);
      onEvent(
        typeof data === "string"
          ? { type: "text", direction: "out", data }
          : { type: "binary", direction: "out", data },
      );
      while (socket.bufferedAmount > SEND_MARK && isOpen()) await wait();
    },
    ping: (data) => control("ping", data),
    pong: (data) => control("pong", data),
    async flushed() {
      let [least, at] = [socket.bufferedAmount, clock.now()];
      while (socket.bufferedAmount > 0 && isOpen()) {
        await wait();
        if (socket.bufferedAmount < least) [least, at] = [socket.bufferedAmount, clock.now()];
        if (clock.now() - at > STALL_MS) return false;
      }
      return true;
    },
    close(code, reason) {
      if (isClosing) return;
      isClosing = true;
      deadline.cancel();
      if (!isOpen()) return socket.terminate();
      deadline = clock.after(CLOSE_MS, () => socket.terminate());
      socket.close(code, reason);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    isHeld: () => socket.isPaused || socket.bufferedAmount > 0,
  };

  function control(type: "ping" | "pong", data: string): void {
    if (!isOpen()) return;
    socket[type](data);
    onEvent({ type, direction: "out", data: Buffer.from(data) });
  }
}

function incoming(data: string | Buffer): ConnectEvent {
  const direction = "in";
  return typeof data === "string" ? { type: "text", direction, data } : { type: "binary", direction, data };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
