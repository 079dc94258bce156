/**
 * The load's end of a connection: a raw TCP socket that writes what was made beforehand and only counts what comes back.
 * Cheap on purpose: the server is the one that works. A connection that ends before `end()` was called fails the row.
 */
import type { Socket } from "bun";
import { FrameCounter, pong } from "./frames.ts";

export interface Client {
  /** `frames` of a WebSocket, answers of an HTTP connection. */
  readonly counter: { readonly frames: number; readonly bytes: number };
  /** After each read, when the counter has moved. */
  onRead: () => void;
  /** Everything written so far is in the kernel. */
  onDrain: () => void;
  /** The server ended the connection, or answered what was not expected. */
  onLost: () => void;
  /** Writes now, the rest when the kernel has room again. False: some of it waits. */
  write(bytes: Uint8Array): boolean;
  /** Reads nothing any more, as a reader whose device sleeps. */
  stall(): void;
  /** Cuts the connection, so that ten thousand of them leave no port in TIME_WAIT. */
  end(): void;
}

const nothing = () => {};

/** Upgrades `path` on 127.0.0.1, and offers one subprotocol, and `extensions` where they are named. Rejects with the status line when the answer is not 101. */
export async function connect(
  port: number,
  path: string,
  protocol = "binary",
  extensions?: string,
): Promise<Client> {
  const opened = Promise.withResolvers<void>();
  const counter = new FrameCounter();
  let head: string | undefined = "";
  let answered = 0;
  const upgraded = (chunk: Uint8Array): Uint8Array => {
    if (head === undefined) return chunk;
    head += Buffer.from(chunk).toString("latin1");
    const end = head.indexOf("\r\n\r\n") + 4;
    if (end < 4) return new Uint8Array();
    if (head.startsWith("HTTP/1.1 101")) opened.resolve();
    else opened.reject(new Error(`${path}: expected 101, got ${head.slice(0, head.indexOf("\r\n"))}`));
    const rest = Buffer.from(head.slice(end), "latin1");
    head = undefined;
    return rest;
  };
  const client = await dial(port, counter, (chunk) => {
    counter.push(upgraded(chunk));
    for (; answered < counter.pings; answered++) client.write(pong);
  });
  client.onLost = () => opened.reject(new Error(`${path}: the server ended the connection`));
  client.write(
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        `Sec-WebSocket-Protocol: ${protocol}\r\n` +
        (extensions === undefined ? "\r\n" : `Sec-WebSocket-Extensions: ${extensions}\r\n\r\n`),
    ),
  );
  await opened.promise;
  return client;
}

/** A kept-alive connection for the bytes of HTTP requests, one under way at a time. Anything but 200 counts as lost. */
export function connectHttp(port: number): Promise<Client> {
  const counter = { frames: 0, bytes: 0 };
  const client = dial(port, counter, (chunk) => {
    if (Buffer.from(chunk.buffer, chunk.byteOffset, 12).toString("latin1") === "HTTP/1.1 200")
      counter.frames++;
    else client.then((lost) => lost.onLost());
  });
  return client;
}

async function dial(
  port: number,
  counter: Client["counter"],
  read: (chunk: Uint8Array) => void,
): Promise<Client> {
  let waiting: Uint8Array = new Uint8Array();
  /** Somebody was told to stop. A pong may empty the queue before the drain comes, he must be told to go on all the same. */
  let isHeld = false;
  const flush = (socket: Socket, bytes: Uint8Array): boolean => {
    waiting = bytes.subarray(Math.max(0, socket.write(bytes)));
    if (waiting.length > 0) isHeld = true;
    return waiting.length === 0;
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        read(chunk);
        client.onRead();
      },
      drain(self) {
        if (!isHeld || (waiting.length > 0 && !flush(self, waiting))) return;
        isHeld = false;
        client.onDrain();
      },
      close: () => client.onLost(),
      error: () => client.onLost(),
    },
  });
  const client: Client = {
    counter,
    onRead: nothing,
    onDrain: nothing,
    onLost: nothing,
    write: (bytes) => flush(socket, waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes])),
    stall: () => void socket.pause(),
    end() {
      client.onLost = nothing;
      socket.terminate();
    },
  };
  return client;
}

/** Waits until the connection has had so many frames since it was opened: greetings that the row must not count. */
export function heard(client: Client, frames: number): Promise<void> {
  const done = Promise.withResolvers<void>();
  const look = () => {
    if (client.counter.frames >= frames) done.resolve();
  };
  client.onRead = look;
  client.onLost = () => done.reject(new Error("the server ended a connection"));
  look();
  return done.promise;
}

/** So many connections, each past its greetings, not more than 64 handshakes at a time. */
export async function connectAll(
  port: number,
  path: string,
  count: number,
  greetings: number,
  protocol?: string,
  extensions?: string,
): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(64, count - clients.length) }, () =>
      connect(port, path, protocol, extensions),
    );
    const opened = await Promise.all(batch);
    await Promise.all(opened.map((client) => heard(client, greetings)));
    clients.push(...opened);
  }
  return clients;
}
