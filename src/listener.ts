/**
 * The only file that names `Bun.serve`: HTTP in, upgrades, frames to the handlers. Framing, UTF-8 and the head are the runtime's work.
 * Failure: a port or socket that cannot be bound is LISTEN_FAILED, in one line; a request that throws is answered with 500.
 */
import type { Server, WebSocketHandler } from "bun";
import { systemClock } from "./clock.ts";
import { isCompressed } from "./compression.ts";
import type { TlsOptions } from "./config/schema.ts";
import type { Publisher } from "./connection.ts";
import { FairleadError } from "./errors.ts";
import { createHandlers, type HandlersOptions } from "./handlers.ts";
import type { Reception } from "./reception.ts";
import { refusal, refusalResponse } from "./refusals.ts";
import { SocketConnection } from "./socket.ts";
import { readTls } from "./tls.ts";
import { withRights } from "./unix-socket.ts";

export interface ListenerOptions extends Omit<HandlersOptions, "connections"> {
  readonly host: string;
  readonly port: number;
  /** Path of a socket, in place of host and port. */
  readonly unix?: string | undefined;
  /** Its rights, in octal. */
  readonly unixMode?: string;
  /** With it the port speaks TLS, and nothing else. */
  readonly tls?: TlsOptions | undefined;
  readonly reception: Reception;
  /** Bytes of a request's body; 0 = no limit. */
  readonly maxBody: number;
}

export interface Listener extends Publisher {
  readonly port: number;
  readonly connections: ReadonlySet<SocketConnection>;
  /** Stops accepting, gives requests that are being answered REQUEST_GRACE_MS, then cuts what is left, connections too. */
  stop(): Promise<void>;
}

/** For a body that does not come, and between requests. For the first head the runtime takes 10 s, whatever stands here. */
const IDLE_TIMEOUT_S = 10;
/** A head that never ends counts as a request being answered, and would hold the end for those 10 s. */
const REQUEST_GRACE_MS = 500;
/** The runtime takes no 0 for "no limit". */
const RUNTIME_MAX_BODY = 1024 ** 3;

/** Binds at once; throws LISTEN_FAILED with one line that says why not. */
export function createListener(options: ListenerOptions): Listener {
  const connections = new Set<SocketConnection>();
  const server = bind(options, createHandlers({ ...options, connections }));
  return {
    port: server.port ?? options.port,
    connections,
    publish(channel, data, except, compressFrom) {
      if (except instanceof SocketConnection) except.publishToOthers(channel, data);
      else server.publish(channel, data, isCompressed(data, compressFrom));
    },
    stop() {
      // Cutting what is left settles the gentle promise too.
      const grace = systemClock.after(REQUEST_GRACE_MS, () => void server.stop(true));
      return server.stop(false).finally(() => grace.cancel());
    },
  };
}

function bind(
  options: ListenerOptions,
  websocket: WebSocketHandler<SocketConnection>,
): Server<SocketConnection> {
  const { host: hostname, port, unix, unixMode = "600", log, reception } = options;
  const common = {
    ...(options.tls === undefined ? {} : { tls: readTls(options.tls) }),
    development: false,
    maxRequestBodySize: options.maxBody || RUNTIME_MAX_BODY,
    fetch: (request: Request, server: Server<SocketConnection>) => reception.answer(request, server),
    error(error: Error) {
      log.error({ err: error }, "! a request failed");
      return refusalResponse(refusal("internal_error"));
    },
    websocket,
  };
  try {
    if (unix !== undefined)
      return withRights(unixMode, () => Bun.serve<SocketConnection>({ ...common, unix }));
    return Bun.serve<SocketConnection>({
      ...common,
      hostname,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // Without this line `development: false` would let a second gateway take half of this one's connections in silence.
      reusePort: false,
    });
  } catch (error) {
    throw new FairleadError("LISTEN_FAILED", bindProblem(options, error), { cause: error });
  }
}

function bindProblem({ host, port, unix }: ListenerOptions, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (unix !== undefined) return socketProblem(unix, code || String(error));
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  if (code === "EADDRINUSE")
    return `${where} is in use by another program. Stop it, or choose another port with --port.`;
  if (code === "EACCES")
    return `${where} needs more rights than this process has. Choose a port from 1024 on.`;
  return `${where} cannot be bound (${code || String(error)}). Is ${host} an address of this machine?`;
}

function socketProblem(path: string, reason: string): string {
  if (reason !== "EADDRINUSE")
    return `unix:${path} cannot be bound (${reason}). Is its folder there, and may this process write to it?`;
  return `unix:${path} is there already: another program listens on it, or it is no socket. Stop that, or name another path.`;
}
