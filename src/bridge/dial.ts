/**
 * Connects to the TCP service behind a bridge, before the client's upgrade is answered.
 * A dial that outlives its timeout counts as pending until the system gives it up, so a black hole cannot pile up sockets.
 */
import type { Socket } from "bun";
import type { Clock } from "../clock.ts";
import type { Capacity } from "../limits.ts";

/** What becomes of an upstream's bytes and end. Set by whoever takes the connection over; until then it is not read. */
export interface UpstreamHandler {
  data(chunk: Buffer): void;
  drain(): void;
  /** The target sent FIN; what we write still reaches it. */
  end(): void;
  /** `error`: it was reset or broke. */
  close(error: Error | undefined): void;
}

export interface UpstreamSlot {
  handler: UpstreamHandler | undefined;
  /** Gives back the descriptor. */
  readonly release: () => void;
}
/** `end` closes both ways and lets the system deliver what was written; `terminate` throws that away with a reset. */
export type Upstream = Pick<
  Socket<UpstreamSlot>,
  "data" | "write" | "pause" | "resume" | "shutdown" | "end" | "terminate" | "setNoDelay"
>;

export interface Target {
  readonly hostname: string;
  readonly port: number;
}

export type DialFailure = "refused" | "timeout" | "busy" | "full" | "aborted";
export type Dialed =
  | { readonly upstream: Upstream }
  | { readonly failure: DialFailure; readonly detail: string };

export interface Dialer {
  dial(signal: AbortSignal): Promise<Dialed>;
  readonly pending: number;
}

export interface DialerOptions {
  readonly target: Target;
  /** Milliseconds; 0 = as long as the system tries. */
  readonly timeout: number;
  /** Dials under way at once; 0 = no bound. */
  readonly maxPending: number;
  /** An upstream costs a descriptor, from the first packet on until it is closed. */
  readonly capacity: Capacity;
  readonly clock: Clock;
}

/** Codes that mean "no way there", as opposed to "somebody said no". */
const UNROUTABLE = ["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"];

const SOCKET = {
  binaryType: "buffer",
  open(socket: Upstream) {
    socket.pause();
    socket.setNoDelay(true);
  },
  data: ({ data: { handler } }: Upstream, chunk: Buffer) => handler?.data(chunk),
  drain: ({ data: { handler } }: Upstream) => handler?.drain(),
  end: ({ data: { handler } }: Upstream) => handler?.end(),
  close({ data: { handler, release } }: Upstream, error?: Error) {
    release();
    handler?.close(error);
  },
  /** A handler threw. The runtime would leave the socket open, without an owner. */
  error(socket: Upstream, error: Error) {
    socket.data.handler?.close(error);
    socket.terminate();
  },
} as const;

export function createDialer({ target, timeout, maxPending, capacity, clock }: DialerOptions): Dialer {
  let pending = 0;

  async function connect(): Promise<Upstream> {
    pending += 1;
    const release = once(() => capacity.give());
    try {
      return await Bun.connect({
        ...target,
        data: { handler: undefined, release },
        allowHalfOpen: true,
        socket: SOCKET,
      });
    } catch (error) {
      release();
      throw error;
    } finally {
      pending -= 1;
    }
  }

  function dial(signal: AbortSignal): Promise<Dialed> {
    if (signal.aborted) return Promise.resolve({ failure: "aborted", detail: "the client went away" });
    if (maxPending > 0 && pending >= maxPending) {
      return Promise.resolve({ failure: "busy", detail: `${pending} dials are under way` });
    }
    if (!capacity.take()) return Promise.resolve({ failure: "full", detail: "no descriptor is left" });
    return new Promise((resolve) => {
      let isSettled = false;
      const settle = (dialed: Dialed) => {
        isSettled = true;
        timer?.cancel();
        signal.removeEventListener("abort", onAbort);
        resolve(dialed);
      };
      const onAbort = () => settle({ failure: "aborted", detail: "the client went away" });
      const onTimeout = () => settle({ failure: "timeout", detail: `no answer in ${timeout} ms` });
      const timer = timeout > 0 ? clock.after(timeout, onTimeout) : undefined;
      signal.addEventListener("abort", onAbort);
      connect().then(
        (upstream) => (isSettled ? upstream.terminate() : settle({ upstream })),
        (error: unknown) => settle(failureOf(error)),
      );
    });
  }

  return {
    dial,
    get pending() {
      return pending;
    },
  };
}

function failureOf(error: unknown): Dialed {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return { failure: UNROUTABLE.includes(code) ? "timeout" : "refused", detail: code };
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}

/** `host:port` or `[v6]:port`, as the schema has checked it. */
export function parseTarget(text: string): Target {
  const colon = text.lastIndexOf(":");
  return { hostname: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}
