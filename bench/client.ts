/**
 * The load's end of a connection: a raw TCP socket that writes what was made beforehand and only counts what comes back.
 * Cheap on purpose: the server is the one that works. A connection that ends before `end()` was called fails the row.
 */
import type { Socket } from "bun";
import { FrameCounter, pong } from "./frames.ts";

export interface Client {
  readonly counter: FrameCounter;
  /** After each read, when the counter has moved. */
  onRead: () => void;
  /** Everything written so far is in the kernel. */
  onDrain: () => void;
  /** The server ended the connection. */
  onLost: () => void;
  /** Writes now, the rest when the kernel has room again. False: some of it waits. */
  write(bytes: Uint8Array): boolean;
  /** Cuts the connection, so that ten thousand of them leave no port in TIME_WAIT. */
  end(): void;
}

const nothing = () => {};

/** Upgrades `path` on 127.0.0.1. Rejects with the status line when the answer is not 101. */
export async function connect(port: number, path: string): Promise<Client> {
  const opened = Promise.withResolvers<void>();
  let head = "";
  const upgrade = (chunk: Uint8Array): Uint8Array | undefined => {
    head += Buffer.from(chunk).toString("latin1");
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    if (head.startsWith("HTTP/1.1 101")) opened.resolve();
    else opened.reject(new Error(`${path}: expected 101, got ${head.slice(0, head.indexOf("\r\n"))}`));
    return Buffer.from(head.slice(end + 4), "latin1");
  };
  const client = await dial(port, upgrade);
  client.onLost = () => opened.reject(new Error(`${path}: the server ended the connection`));
  client.write(
    Buffer.from(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Protocol: binary\r\n\r\n",
    ),
  );
  await opened.promise;
  return client;
}

/** `upgrade` is given what arrives until it answers with what came after the head of the 101. */
async function dial(port: number, upgrade: (chunk: Uint8Array) => Uint8Array | undefined): Promise<Client> {
  const counter = new FrameCounter();
  let waiting: Uint8Array = Buffer.alloc(0);
  let isUpgraded = false;
  let answered = 0;
  const flush = (socket: Socket, bytes: Uint8Array): boolean => {
    waiting = bytes.subarray(Math.max(0, socket.write(bytes)));
    return waiting.length === 0;
  };
  const read = (chunk: Uint8Array): void => {
    counter.push(chunk);
    for (; answered < counter.pings; answered++) client.write(pong);
    client.onRead();
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        if (isUpgraded) return read(chunk);
        const rest = upgrade(chunk);
        isUpgraded = rest !== undefined;
        if (rest !== undefined) read(rest);
      },
      drain: (socket) => {
        if (waiting.length > 0 && flush(socket, waiting)) client.onDrain();
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
    end() {
      client.onLost = nothing;
      socket.terminate();
    },
  };
  return client;
}
