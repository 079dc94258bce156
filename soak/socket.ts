/**
 * A WebSocket that counts both ways and can be rude: a raw TCP connection, because the runtime's own client drops what comes after its
 * `close()`, and then the books of gateway and client could not be compared to the last message. It trusts the server's framing.
 */
import type { Socket } from "bun";
import { clientFrame } from "../bench/frames.ts";

const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const ABNORMAL = 1006;

/** What clients have said and heard: whole messages, and bytes of payload. */
export interface Tally {
  sent: number;
  sentBytes: number;
  received: number;
  receivedBytes: number;
}

export const newTally = (): Tally => ({ sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 });

export interface SoakSocket {
  send(payload: string | Uint8Array): void;
  /** Shakes hands. When it resolves, everything that the server said has been counted. */
  close(): Promise<number>;
  /** RST. */
  reset(): void;
  /** Reads nothing. */
  pause(): void;
  resume(): void;
  /** The code of the server's close frame; 1006 without one. */
  readonly ended: Promise<number>;
}

export interface SocketOptions {
  readonly port: number;
  readonly path: string;
  readonly tally: Tally;
  readonly protocol?: string;
  readonly onMessage?: (payload: Buffer, isText: boolean) => void;
}

/** Rejects if the answer is not 101. */
export async function openSocket(options: SocketOptions): Promise<SoakSocket> {
  const { port, path, tally, protocol, onMessage } = options;
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<number>();
  let code: number = ABNORMAL;
  let unread: Buffer = Buffer.alloc(0);
  let isOpen = false;

  const handle = (opcode: number, payload: Buffer) => {
    if (opcode === OPCODE.ping) wire.write(clientFrame(payload, OPCODE.pong));
    if (opcode === OPCODE.close) {
      code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
      if (!isClosing) wire.write(clientFrame(payload.subarray(0, 2), OPCODE.close));
      wire.end();
    }
    if (opcode !== OPCODE.text && opcode !== OPCODE.binary) return;
    tally.received += 1;
    tally.receivedBytes += payload.length;
    onMessage?.(payload, opcode === OPCODE.text);
  };
  let isClosing = false;

  const read = (chunk: Uint8Array) => {
    unread = unread.length === 0 ? Buffer.from(chunk) : Buffer.concat([unread, chunk]);
    if (!isOpen) {
      const end = unread.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = unread.toString("latin1", 0, end);
      unread = unread.subarray(end + 4);
      isOpen = head.startsWith("HTTP/1.1 101");
      if (isOpen) opened.resolve();
      else opened.reject(new Error(`${path}: ${head.split("\r\n")[0]} ${unread}`));
    }
    for (let frame = parseFrame(unread); frame !== undefined; frame = parseFrame(unread)) {
      unread = unread.subarray(frame.size);
      handle(frame.opcode, frame.payload);
    }
  };

  const wire = await dial(port, read, () => {
    opened.reject(new Error(`${path}: the connection ended before its 101`));
    ended.resolve(code);
  });
  wire.write(Buffer.from(handshake(port, path, protocol)));
  await opened.promise;
  return {
    ended: ended.promise,
    send(payload) {
      const isText = typeof payload === "string";
      tally.sent += 1;
      tally.sentBytes += Buffer.byteLength(payload);
      wire.write(clientFrame(payload, isText ? OPCODE.text : OPCODE.binary));
    },
    close() {
      isClosing = true;
      wire.write(clientFrame(Buffer.from([3, 232]), OPCODE.close));
      return ended.promise;
    },
    reset: () => wire.reset(),
    pause: () => wire.pause(),
    resume: () => wire.resume(),
  };
}

function handshake(port: number, path: string, protocol: string | undefined): string {
  const offer = protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`;
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`
  );
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly size: number;
}

/** The first whole frame of a server, unmasked as those are; undefined: more bytes are needed. */
export function parseFrame(bytes: Buffer): Frame | undefined {
  const [first, short] = bytes;
  if (first === undefined || short === undefined) return undefined;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const size = start + length;
  if (bytes.length < size) return undefined;
  return { opcode: first & 0x0f, payload: bytes.subarray(start, size), size };
}

interface Wire {
  /** Now, the rest when the kernel has room. */
  write(bytes: Uint8Array): void;
  end(): void;
  reset(): void;
  pause(): void;
  resume(): void;
}

async function dial(port: number, read: (chunk: Uint8Array) => void, ended: () => void): Promise<Wire> {
  let waiting: Uint8Array = new Uint8Array();
  const flush = (socket: Socket) => {
    if (waiting.length > 0) waiting = waiting.subarray(Math.max(0, socket.write(waiting)));
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: (_, chunk) => read(chunk), drain: flush, close: ended, error: ended },
  });
  return {
    write(bytes) {
      waiting = waiting.length === 0 ? bytes : Buffer.concat([waiting, bytes]);
      flush(socket);
    },
    end: () => void socket.end(),
    reset: () => void socket.terminate(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}
