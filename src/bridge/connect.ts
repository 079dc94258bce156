/**
 * Makes the upstream of a target, paused and without an owner. Rejects with the system's error when it cannot be reached; no retry,
 * no time limit: `dial.ts` has those.
 */
import type { Socket } from "bun";
import type { Clock } from "../clock.ts";
import type { Target } from "../config/target.ts";
import type { Log } from "../log.ts";
import { startProgram } from "./program.ts";
import { createConnectTls, type TlsOptions } from "./tls.ts";
import type { Upstream, UpstreamSlot } from "./upstream.ts";

/** Who the upstream is for. */
export interface Caller {
  readonly remoteAddress: string;
  /** Nobody waits for the upstream any more: what can be given up is. */
  readonly signal: AbortSignal;
}
export type Connect = (target: Target, slot: UpstreamSlot, caller: Caller) => Promise<Upstream>;

export interface ConnectOptions {
  readonly tls: TlsOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** The route's path, for errors and the log. */
  readonly route: string;
}

type NativeSocket = Socket<UpstreamSlot>;

/** Of TCP and Unix sockets, whose own methods are those of an Upstream. */
const SOCKET = {
  binaryType: "buffer",
  open(socket: NativeSocket) {
    socket.pause();
    socket.setNoDelay(true);
  },
  data: ({ data: { handler } }: NativeSocket, chunk: Buffer) => handler?.data(chunk),
  drain: ({ data: { handler } }: NativeSocket) => handler?.drain(),
  end: ({ data: { handler } }: NativeSocket) => handler?.end(),
  close({ data: { handler, release } }: NativeSocket, error?: Error) {
    release();
    handler?.close(error);
  },
  /** A handler threw. The runtime would leave the socket open, without an owner. */
  error(socket: NativeSocket, error: Error) {
    socket.data.handler?.close(error);
    socket.terminate();
  },
} as const;

/** Throws CONFIG_INVALID when a file of `tls` cannot be used. */
export function createConnect({ tls, ...house }: ConnectOptions): Connect {
  const connectTls = createConnectTls(tls, house.route, house.clock);
  return (target, data, { remoteAddress, signal }) => {
    const common = { data, allowHalfOpen: true, socket: SOCKET };
    switch (target.kind) {
      case "tcp":
        return Bun.connect({ ...common, hostname: target.hostname, port: target.port });
      case "unix":
        return Bun.connect({ ...common, unix: target.path });
      case "tls":
        return connectTls(target, data, signal);
      case "exec":
        return startProgram({ ...house, command: target.command, remoteAddress }, data);
    }
  };
}
