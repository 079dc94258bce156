/**
 * Makes the upstream of a target, paused and without an owner. Rejects with the system's error when it cannot be reached; no retry,
 * no time limit: `dial.ts` has those.
 */
import type { Socket } from "bun";
import type { Clock } from "../../clock.ts";
import type { Target } from "../../config/target.ts";
import type { Log } from "../../log.ts";
import type { AdmitRequest } from "../../route.ts";
import type { Upstream, UpstreamSlot } from "../upstream.ts";
import { startProgram } from "./program.ts";
import { type ProxyVersion, proxyHeader } from "./proxy-header.ts";
import { createConnectTls, type TlsOptions } from "./tls.ts";

/** Who the upstream is for. `signal`: nobody waits for it any more, so what can be given up is. */
export type Caller = Pick<AdmitRequest, "user" | "remoteAddress" | "remotePort" | "local" | "signal">;
export type Connect = (target: Target, slot: UpstreamSlot, caller: Caller) => Promise<Upstream>;

export interface ConnectOptions {
  readonly tls: TlsOptions;
  /** Undefined: the target is not told who its client is. */
  readonly proxyProtocol?: ProxyVersion | undefined;
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
    socket.data.failed(error);
    socket.data.handler?.close(error);
    socket.terminate();
  },
} as const;

/** Throws CONFIG_INVALID when a file of `tls` cannot be used. */
export function createConnect({ tls, proxyProtocol, ...house }: ConnectOptions): Connect {
  const connectTls = createConnectTls(tls, house.route, house.clock);
  return (target, data, caller) => {
    if (target.kind === "exec") return startProgram({ ...house, command: target.command, caller }, data);
    const preface = proxyProtocol && prefaceFor(proxyProtocol, caller);
    if (target.kind === "tls") return connectTls(target, { slot: data, preface, signal: caller.signal });
    const socket = openSocket(target, { data, allowHalfOpen: true, socket: SOCKET });
    return preface === undefined ? socket : socket.then((opened) => say(opened, preface));
  };
}

function openSocket(
  target: Extract<Target, { kind: "tcp" | "unix" }>,
  common: { readonly data: UpstreamSlot; readonly allowHalfOpen: boolean; readonly socket: typeof SOCKET },
): Promise<NativeSocket> {
  return target.kind === "unix"
    ? Bun.connect({ ...common, unix: target.path })
    : Bun.connect({ ...common, hostname: target.hostname, port: target.port });
}

function prefaceFor(version: ProxyVersion, { remoteAddress, remotePort, local }: Caller): Uint8Array {
  return proxyHeader(version, { address: remoteAddress, port: remotePort }, local);
}

/** Before anything else: a fresh socket takes so little at once. */
function say(socket: NativeSocket, preface: Uint8Array): NativeSocket {
  if (socket.write(preface) === preface.length) return socket;
  socket.terminate();
  throw new Error("the target takes nothing");
}
