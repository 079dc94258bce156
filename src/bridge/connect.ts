/**
 * Makes the upstream of a target, paused and without an owner. Rejects with the system's error when it cannot be reached; no retry,
 * no time limit: `dial.ts` has those.
 */
import type { Socket } from "bun";
import type { Target } from "../config/target.ts";
import type { Upstream, UpstreamSlot } from "./upstream.ts";

export type Connect = (target: Target, slot: UpstreamSlot) => Promise<Upstream>;

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

export const connect: Connect = (target, data) => {
  const common = { data, allowHalfOpen: true, socket: SOCKET };
  switch (target.kind) {
    case "tcp":
      return Bun.connect({ ...common, hostname: target.hostname, port: target.port });
    case "unix":
      return Bun.connect({ ...common, unix: target.path });
    default:
      return Promise.reject(new Error(`${target.kind} is not spoken`));
  }
};
