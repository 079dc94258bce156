/**
 * The only file that names `Bun.serve`: HTTP in, upgrades, frames to the handlers. Framing, UTF-8 and the head are the runtime's work.
 * Failure: a port or socket that cannot be bound is LISTEN_FAILED, in one line; a request that throws is answered with 500.
 */
import type { Server, WebSocketHandler } from "bun";
import { systemClock } from "./clock.ts";
import { isCompressed } from "./compression.ts";
import type { Publisher } from "./connection.ts";
import { FairleadError } from "./errors.ts";
import { createHandlers, type HandlersOptions } from "./handlers.ts";
import { bindProblem, type Place } from "./listener/bind-problem.ts";
import type { CertifiedPort } from "./listener/certified-port.ts";
import type { Certificate, ListenerTls } from "./listener/tls.ts";
import { withRights } from "./listener/unix-socket.ts";
import type { LogFields } from "./log.ts";
import type { Reception } from "./reception.ts";
import { refusal, refusalResponse } from "./refusals.ts";
import { SocketConnection } from "./socket.ts";

export interface ListenerOptions extends Omit<HandlersOptions, "connections"> {
  readonly host: string;
  readonly port: number;
  /** Path of a socket, in place of host and port. */
  readonly unix?: string | undefined;
  /** Its rights, in octal. */
  readonly unixMode?: string;
  /** With it the port speaks TLS, and nothing else. */
  readonly certificate?: Certificate | undefined;
  /** Has the port and TLS in place of the runtime, which then listens on loopback. */
  readonly via?: CertifiedPort | undefined;
  /** A second port of the host, which does not. */
  readonly plainPort?: number | undefined;
  /** One more that is of this process alone, where others share the first. `via` has its own. */
  readonly workerPort?: number | undefined;
  /** Other processes of this user listen on the same ports, too, and get a part of the connections. */
  readonly reusePort?: boolean;
  readonly reception: Reception;
  /** Bytes of a request's body; 0 = no limit. */
  readonly maxBody: number;
}

export interface Listener extends Publisher {
  readonly port: number;
  /** Where clients find it, for the log. */
  readonly address: LogFields;
  readonly connections: ReadonlySet<SocketConnection>;
  readonly certificate: Certificate | undefined;
  /** Stops accepting, gives requests that are being answered REQUEST_GRACE_MS, then cuts what is left, connections too. */
  stop(): Promise<void>;
}

/** For a body that does not come, and between requests. For the first head the runtime takes 10 s, whatever stands here. */
const IDLE_TIMEOUT_S = 10;
/** A head that never ends counts as a request being answered, and would hold the end for those 10 s. */
const REQUEST_GRACE_MS = 500;
/** The runtime takes no 0 for "no limit". */
const RUNTIME_MAX_BODY = 1024 ** 3;

/** Where the runtime listens behind a port that has TLS. */
const INNER = { host: "127.0.0.1", port: 0, reusePort: false };

/** One of the runtime's servers and who came by it. Channels of one do not reach into another. */
interface Live {
  readonly server: Server<SocketConnection>;
  readonly connections: ReadonlySet<SocketConnection>;
  /** Its certificate was replaced: it accepts nobody, and is let go with its last connection. */
  isRetired: boolean;
}

type At = Pick<ListenerOptions, "host" | "port" | "reusePort">;

/** Binds at once; throws LISTEN_FAILED with one line that says why not. */
export function createListener(options: ListenerOptions): Listener {
  let live: readonly Live[] = [];
  const letGo = () => {
    live = live.filter((one) => !one.isRetired || one.connections.size + one.server.pendingRequests > 0);
  };
  const onGone = (connection: SocketConnection) => {
    if (live.length > 1) letGo();
    options.onGone(connection);
  };
  function open(at: At, tls?: ListenerTls, via?: CertifiedPort): Live {
    const connections = new Set<SocketConnection>();
    const answer: Answering = (request, server) => {
      // Who had connected before the swap, and asks only now, may become a reader of the old one.
      if (opened.isRetired && !live.includes(opened)) live = [...live, opened];
      return via === undefined
        ? options.reception.answer(request, server)
        : answerThrough(via, request, server, options.reception);
    };
    const websocket = createHandlers({ ...options, onGone, connections });
    const opened: Live = {
      server: bind({ ...options, ...at, answer }, tls, websocket),
      connections,
      isRetired: false,
    };
    live = [...live, opened];
    return opened;
  }

  const { certificate, plainPort, workerPort, via, host, reusePort } = options;
  const isOnce = certificate === undefined || via !== undefined || reusePort === true;
  const port = isOnce ? options.port : provenPort(options);
  let main = via === undefined ? open({ host, port }, certificate?.tls) : open(INNER, undefined, via);
  via?.leadTo(main.server.port ?? 0);
  const beside = (port: number | undefined, tls?: ListenerTls) =>
    port === undefined ? undefined : openBeside(live, via, () => open({ host, port }, tls));
  const plain = beside(plainPort);
  let own = via === undefined ? beside(workerPort, certificate?.tls) : undefined;
  /** Who is connected stays where they are; a handshake that is under way may be reset. */
  const replace = (replaced: Live, tls: ListenerTls) => {
    const opened = open({ host, port: replaced.server.port ?? port }, tls);
    replaced.isRetired = true;
    void replaced.server.stop(false).then(letGo);
    return opened;
  };
  const swap = (tls: ListenerTls) => {
    main = replace(main, tls);
    if (own !== undefined) own = replace(own, tls);
  };
  // Two servers cannot share one socket of the file system.
  if (options.unix === undefined) certificate?.watch(via?.swap ?? swap);

  const served = via?.port ?? main.server.port ?? port;
  return {
    port: served,
    address: addressOf(options, served, { plainPort: plain, workerPort: own }),
    certificate,
    get connections() {
      const [only] = live;
      return live.length === 1 && only !== undefined
        ? only.connections
        : new Set(live.flatMap(({ connections }) => [...connections]));
    },
    publish(channel, data, except, compressFrom) {
      for (const { server, connections } of live) {
        if (except instanceof SocketConnection && (live.length === 1 || connections.has(except)))
          except.publishToOthers(channel, data);
        else server.publish(channel, data, isCompressed(data, compressFrom));
      }
    },
    stop() {
      certificate?.stop();
      via?.stop();
      const servers = live.map(({ server }) => server);
      // Cutting what is left settles the gentle promises too.
      const grace = systemClock.after(REQUEST_GRACE_MS, () => {
        for (const server of servers) void server.stop(true);
      });
      return Promise.all(servers.map((server) => server.stop(false)))
        .then(() => {})
        .finally(() => grace.cancel());
    },
  };
}

type Answering = (
  request: Request,
  server: Server<SocketConnection>,
) => Response | undefined | Promise<Response | undefined>;
type BindOptions = ListenerOptions & { readonly answer: Answering };

/** With `reusePort`, which a swap needs, a port in use would be shared in silence; so it is bound without it first. */
function provenPort(options: ListenerOptions): number {
  if (options.unix !== undefined) return options.port;
  const { host: hostname, port } = options;
  const fetch = () => refusalResponse(refusal("draining"));
  const proof = bound(options, () =>
    Bun.serve({ hostname, port, fetch, development: false, reusePort: false }),
  );
  // One that has stopped has no port.
  const proven = proof.port ?? port;
  void proof.stop(true);
  return proven;
}

/** For the server behind a port that checks certificates: clients come by that port, and nobody else on this machine has business there. */
function answerThrough(
  via: CertifiedPort,
  request: Request,
  server: Server<SocketConnection>,
  reception: Reception,
): ReturnType<Answering> {
  const inner = server.requestIP(request);
  const peer = inner === null ? undefined : via.peerOf(inner);
  if (peer === undefined) return refusalResponse(refusal("forbidden"));
  return reception.answer(request, {
    hostname: via.host,
    port: via.port,
    upgrade: (request, options) => server.upgrade(request, options),
    timeout: (request, seconds) => server.timeout(request, seconds),
    requestIP: () => peer,
  });
}

function addressOf(
  { host, unix, workerPort }: ListenerOptions,
  port: number,
  beside: { readonly plainPort: Live | undefined; readonly workerPort: Live | undefined },
): LogFields {
  if (unix !== undefined) return { unix };
  const { plainPort: plain, workerPort: own } = beside;
  return {
    ...{ host, port },
    ...(plain === undefined ? {} : { plainPort: plain.server.port }),
    ...(workerPort === undefined ? {} : { workerPort: own?.server.port ?? workerPort }),
  };
}

function openBeside<T>(live: readonly Live[], via: CertifiedPort | undefined, open: () => T): T {
  try {
    return open();
  } catch (error) {
    via?.stop();
    for (const { server } of live) void server.stop(true);
    throw error;
  }
}

function bind(
  options: BindOptions,
  tls: ListenerTls | undefined,
  websocket: WebSocketHandler<SocketConnection>,
): Server<SocketConnection> {
  const { host: hostname, port, unix, unixMode = "600", log, answer } = options;
  const common = {
    ...(tls === undefined ? {} : { tls }),
    development: false,
    maxRequestBodySize: options.maxBody || RUNTIME_MAX_BODY,
    fetch: answer,
    error(error: Error) {
      log.error({ err: error }, "! a request failed");
      return refusalResponse(refusal("internal_error"));
    },
    websocket,
  };
  return bound(options, () => {
    if (unix !== undefined)
      return withRights(unixMode, () => Bun.serve<SocketConnection>({ ...common, unix }));
    return Bun.serve<SocketConnection>({
      ...common,
      hostname,
      port,
      idleTimeout: IDLE_TIMEOUT_S,
      // Unless it is said, `development: false` would let a second gateway take half of this one's connections in silence.
      reusePort: options.reusePort === true || tls !== undefined,
    });
  });
}

function bound<T>(place: Place, bind: () => T): T {
  try {
    return bind();
  } catch (error) {
    throw new FairleadError("LISTEN_FAILED", bindProblem(place, error), { cause: error });
  }
}
