/**
 * What the runtime calls for each WebSocket: opens, frames, drains, ends, handed to the route of the connection.
 * Failure: an exception here would end the process, so each hook is guarded: that connection is closed with 1011,
 * the error is logged and counted, and nobody else notices.
 */
import type { WebSocketHandler } from "bun";
import type { Clock } from "./clock.ts";
import { SHARED_COMPRESSOR } from "./compression.ts";
import type { CloseInfo, Data } from "./connection.ts";
import type { Pace, Paced } from "./limits/pace.ts";
import { byteLength } from "./limits.ts";
import type { Log } from "./log.ts";
import { Session } from "./session.ts";
import type { Dismissal, SocketConnection } from "./socket.ts";
import { CLOSE_CODES } from "./wire/close-codes.ts";
import { errorFrame } from "./wire/frames.ts";
import { PROTOCOL } from "./wire/v1.ts";

export interface HandlersOptions {
  /** Bytes of the largest message that any route takes, 0 = no limit; a route's own limit is enforced per message. */
  readonly maxMessage: number;
  /** Some route compresses; default: none does. */
  readonly compresses?: boolean;
  /** Pings that a client may send in 10 s; 0 = any number. */
  readonly maxPings: number;
  /** How fast a connection may send; undefined: as fast as it likes. */
  readonly pacing?: ((connection: Paced) => Pace) | undefined;
  /** Everybody who is connected, whatever listener they came by. */
  readonly connections: Set<SocketConnection>;
  /** A connection has ended and everything about it is done. */
  onGone(connection: SocketConnection): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The runtime drops the newest message at its own limit, so that lies far above every mark of ours. */
const RUNTIME_QUEUE_BYTES = 64 * 1024 * 1024;
/** The runtime takes no 0 for "no limit". */
const RUNTIME_MAX_MESSAGE = 1024 ** 3;
/** How far a connection may be ahead of its rate before its messages are refused; past twice that it is closed. */
const PATIENCE_MS = 5_000;
/** What a close is counted as: the table's codes, and what a peer that chose none ends with. Clients choose freely, series must not grow. */
const COUNTED_CODES = new Set([...Object.keys(CLOSE_CODES).map(Number), 1005, 1006]);

export function createHandlers(options: HandlersOptions): WebSocketHandler<SocketConnection> {
  const { log, connections } = options;

  return {
    data: {} as SocketConnection,
    open(socket) {
      const connection = socket.data;
      connection.attach(socket);
      if (connection.refused !== undefined) return dismiss(connection, connection.refused);
      connection.pace = options.pacing?.(connection);
      connections.add(connection);
      if (connection.place !== undefined) connection.place.holder = connection;
      connection.guard("open", () => {
        opened(connection);
        enter(connection);
      });
      announce(connection, log);
    },
    message(socket, data) {
      const connection = socket.data;
      try {
        received(connection, data, log);
      } catch (error) {
        connection.fail("message", error);
      }
    },
    drain(socket) {
      const connection = socket.data;
      connection.drained = true;
      // A look now, so that what has gone by the time of the close is not reported as unflushed.
      connection.buffered();
      if (connection.isOpen) connection.guard("drain", () => drained(connection));
    },
    ping(socket) {
      const connection = socket.data;
      if (options.maxPings === 0 || connection.pingsInWindow(options.clock.now()) <= options.maxPings) return;
      connection.close(1008, `more than ${options.maxPings} pings in 10 s`);
    },
    pong(socket) {
      socket.data.heard = true;
    },
    close(socket, code, reason) {
      const connection = socket.data;
      if (connection.refused !== undefined) return options.onGone(connection);
      const info = endingOf(connection, code, reason);
      connections.delete(connection);
      closed(connection, info, log);
      connection.guard("close", () => leave(connection, info));
      if (!connection.waits)
        connection.guard("onClose", () => connection.endpoint.onClose?.(connection.asHooksSeeIt(), info));
      options.onGone(connection);
    },
    maxPayloadLength: Math.min(options.maxMessage || RUNTIME_MAX_MESSAGE, RUNTIME_MAX_MESSAGE),
    backpressureLimit: RUNTIME_QUEUE_BYTES,
    // Any byte counts as life for the runtime; `heartbeat.ts` knows better.
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: options.compresses === true && SHARED_COMPRESSOR,
  };
}

/** It was refused before its handshake, and is told so in the way that a browser understands. */
function dismiss(connection: SocketConnection, { close, code, text }: Dismissal): void {
  if (connection.protocol === PROTOCOL) connection.send(errorFrame(undefined, { code, message: text }));
  connection.close(close, text);
}

/** Once its route has said what there is to say of it, but before its "goodbye", also where the route closes it at once. */
function announce(connection: SocketConnection, log: Log): void {
  if (connection.isAnnounced) return;
  connection.isAnnounced = true;
  log.info({ ...connection.fields(), ip: connection.remoteAddress }, "connected");
}

function opened(connection: SocketConnection): void {
  const { counters, heartbeat, validity } = connection.endpoint;
  counters.connections += 1;
  counters.opened += 1;
  heartbeat.add(connection);
  validity.hold(connection);
}

function enter(connection: SocketConnection): void {
  const { route, session } = connection.endpoint;
  if (connection.protocol === PROTOCOL && session !== undefined) {
    connection.session = new Session(connection, session, connection);
    connection.session.open();
  } else if (connection.entering()) {
    route.open(connection);
  }
}

function leave(connection: SocketConnection, info: CloseInfo): void {
  if (connection.hasEntered) connection.endpoint.route.close(connection, info);
  else connection.release?.();
}

function received(connection: SocketConnection, data: Data, log: Log): void {
  if (!connection.isOpen) return;
  const { endpoint } = connection;
  const size = byteLength(data);
  connection.heard = true;
  endpoint.counters.received += 1;
  endpoint.counters.receivedBytes += size;
  if (log.debugs) connection.trace("<", data);
  if (endpoint.maxMessage > 0 && size > endpoint.maxMessage) {
    connection.close(1009, `message of ${size} bytes, limit ${endpoint.maxMessage}`);
    return;
  }
  const ahead = connection.pace?.count(size) ?? 0;
  if (ahead > PATIENCE_MS && isTooFast(connection, data, size, Math.ceil(ahead))) return;
  if (connection.session === undefined) endpoint.route.message(connection, data, size);
  else connection.session.message(data, size);
}

/** It has not been read from for a while, and what came all the same is more than that makes up for. True: the route does not get the message. */
function isTooFast(connection: SocketConnection, data: Data, size: number, retry: number): boolean {
  const isHopeless = retry > 2 * PATIENCE_MS;
  // Only who speaks fairlead.v1 can be told, and nothing may vanish untold.
  connection.session?.message(data, size, retry);
  if (isHopeless) connection.close(4029, `retry=${retry}`);
  return isHopeless || connection.session !== undefined;
}

function drained(connection: SocketConnection): void {
  if (connection.hasEntered) connection.endpoint.route.drain(connection);
  connection.session?.drained();
}

function closed(connection: SocketConnection, info: CloseInfo, log: Log): void {
  const { counters, heartbeat, validity } = connection.endpoint;
  connection.isOpen = false;
  connection.pace?.end();
  heartbeat.remove(connection);
  validity.release(connection);
  connection.session?.closed();
  counters.connections -= 1;
  const counted = COUNTED_CODES.has(info.code) ? info.code : 0;
  counters.closed.set(counted, (counters.closed.get(counted) ?? 0) + 1);
  counters.unflushedBytes += connection.lastBuffered;
  announce(connection, log);
  log.info({ ...connection.fields(), code: info.code, reason: info.reason, local: info.local }, "goodbye");
}

/** What really went over the wire: the runtime reports its own refusals as 1006 and a text. */
function endingOf(connection: SocketConnection, code: number, reason: string): CloseInfo {
  if (connection.ending !== undefined) return connection.ending;
  if (code !== 1006) return { code, reason, local: false };
  return { code: runtimeRefusal(reason), reason, local: reason !== "" };
}

function runtimeRefusal(reason: string): number {
  if (/too big message/i.test(reason)) return 1009;
  if (/utf-8|compressed data/i.test(reason)) return 1007;
  return reason.startsWith("Received") ? 1002 : 1006;
}
