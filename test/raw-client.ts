/**
 * A client that may break every rule: a TCP socket that writes any head and any frame, stops reading, resets, drips bytes.
 * It never answers a ping or a close by itself. Limits: it understands frames from servers only (unmasked).
 * Every wait ends after WAIT_MS with an error that says what did not come.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

const WAIT_MS = 4_000;

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface HeadOptions {
  readonly method?: string;
  readonly path?: string;
  /** Instead of, or beside, a correct handshake's headers. Null leaves one out, a list sends it several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
}

/** The head of a correct handshake, but for what the options spoil. */
export function head({ method = "GET", path = "/echo", headers = {} }: HeadOptions = {}): string {
  const all = {
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    (value === null ? [] : [value].flat()).map((each) => `${name}: ${each}\r\n`),
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

export interface FrameOptions {
  readonly opcode?: number;
  readonly fin?: boolean;
  /** Bits 4, 2 and 1 are RSV1, RSV2 and RSV3. */
  readonly rsv?: number;
  readonly mask?: boolean;
  /** The length that the frame announces, in 64 bits; default: the payload's, in the shortest form. */
  readonly announce?: bigint;
}

/** One frame as a client sends it; text unless the options say otherwise. */
export function frame(payload: string | Uint8Array = "", options: FrameOptions = {}): Buffer {
  const { opcode = OPCODE.text, fin = true, rsv = 0, mask = true, announce } = options;
  const body = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const length = announce === undefined ? lengthBytes(body.length) : wideLength(announce);
  if (!mask) return Buffer.concat([Buffer.from([first, ...length]), body]);
  const key = randomBytes(4);
  for (let at = 0; at < body.length; at += 1) body[at] = (body[at] ?? 0) ^ (key[at % 4] ?? 0);
  const [short = 0, ...extended] = length;
  return Buffer.concat([Buffer.from([first, short | 0x80, ...extended]), key, body]);
}

function lengthBytes(size: number): readonly number[] {
  if (size < 126) return [size];
  return size < 65_536 ? [126, size >> 8, size & 0xff] : wideLength(BigInt(size));
}

function wideLength(size: bigint): readonly number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(size);
  return [127, ...bytes];
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string | Uint8Array = ""): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface ServerFrame {
  readonly opcode: number;
  readonly fin: boolean;
  /** Bits 4, 2 and 1 are RSV1, RSV2 and RSV3. */
  readonly rsv: number;
  readonly payload: Buffer;
}

/** How a connection ended: the close frame's code, 1005 for an empty one; 1006 if there was none, with "end" or "reset". */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

export interface RawClient extends Disposable {
  write(bytes: string | Uint8Array): void;
  /** Each byte in a segment of its own. */
  drip(bytes: string | Uint8Array): Promise<void>;
  /** The next HTTP answer. One to HEAD has no body, whatever length it announces. */
  answer(to?: "GET" | "HEAD"): Promise<Answer>;
  /** The next frame. Rejects if the connection ends first. */
  next(): Promise<ServerFrame>;
  /** Skips all frames up to the close frame or the end of the connection. */
  ending(): Promise<Ending>;
  /** Resolves when nothing can be read any more. */
  ended(): Promise<"end" | "reset">;
  /** Bytes that were read and nobody has taken. */
  readonly waiting: number;
  /** Bytes that were written and the kernel has not taken. */
  readonly unsent: number;
  pause(): void;
  resume(): void;
  /** RST instead of FIN. */
  reset(): void;
  halfClose(): void;
}

/** A TCP connection to `127.0.0.1:PORT`; nothing is written. */
export function dial(host: string): Promise<RawClient> {
  const [hostname = "", port] = host.split(":");
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true });
  const client = createClient(socket);
  return bounded(
    "the TCP connection",
    new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(client));
      socket.once("error", reject);
    }),
  );
}

/** A WebSocket whose 101 has been read. */
export async function upgrade(
  host: string,
  options: HeadOptions = {},
): Promise<RawClient & { readonly id: string }> {
  const client = await dial(host);
  client.write(head(options));
  const { status, headers, body } = await client.answer();
  if (status !== 101) throw new Error(`expected 101, got ${status}: ${body}`);
  return Object.assign(client, { id: headers.get("fairlead-connection") ?? "" });
}

/** The answer to one request on a connection of its own. */
export async function ask(host: string, options: HeadOptions = {}, body = ""): Promise<Answer> {
  using client = await dial(host);
  client.write(head(options) + body);
  return await client.answer(options.method === "HEAD" ? "HEAD" : "GET");
}

function createClient(socket: Socket): RawClient {
  const inbox = createInbox(socket);
  async function take<T>(what: string, parse: Parse<T>): Promise<T> {
    const found = await bounded(what, inbox.take(parse));
    if (found === undefined)
      throw new Error(`the connection ended (${await inbox.ended}) instead of ${what}`);
    return found;
  }
  return {
    write: (bytes) => void socket.write(bytes),
    async drip(bytes) {
      for (const byte of Buffer.from(bytes)) {
        if (socket.destroyed) return;
        await new Promise<void>((done) => socket.write(Buffer.of(byte), () => setImmediate(done)));
      }
    },
    answer: (to = "GET") => take("an HTTP answer", (bytes) => parseAnswer(bytes, to === "GET")),
    next: () => take("a frame", parseFrame),
    async ending() {
      for (;;) {
        const found = await bounded("a close frame", inbox.take(parseFrame));
        if (found === undefined) return { code: 1006, reason: await inbox.ended };
        if (found.opcode === OPCODE.close) return endingOf(found.payload);
      }
    },
    ended: () => bounded("the end of the connection", inbox.ended),
    get waiting() {
      return inbox.waiting;
    },
    get unsent() {
      return socket.writableLength;
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    reset: () => void socket.resetAndDestroy(),
    halfClose: () => void socket.end(),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function endingOf(payload: Buffer): Ending {
  if (payload.length < 2) return { code: 1005, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}

/** Undefined: more bytes are needed. */
type Parse<T> = (bytes: Buffer) => { readonly value: T; readonly used: number } | undefined;

interface Inbox {
  /** Resolves when `parse` finds something in what came and nobody took; undefined when the connection ended first. */
  take<T>(parse: Parse<T>): Promise<T | undefined>;
  readonly ended: Promise<"end" | "reset">;
  readonly waiting: number;
}

function createInbox(socket: Socket): Inbox {
  let chunks: Buffer[] = [];
  let isOver = false;
  let look = () => {};
  const ended = new Promise<"end" | "reset">((resolve) => {
    const over = (how: "end" | "reset") => () => {
      isOver = true;
      resolve(how);
      look();
    };
    socket.on("error", over("reset"));
    socket.on("end", over("end"));
    socket.on("close", over("end"));
  });
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    look();
  });

  function find<T>(parse: Parse<T>): T | undefined {
    const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const found = bytes && parse(bytes);
    if (bytes !== undefined) chunks = [bytes.subarray(found?.used ?? 0)];
    return found?.value;
  }

  return {
    ended,
    get waiting() {
      return chunks.reduce((sum, { length }) => sum + length, 0);
    },
    take: (parse) =>
      new Promise((resolve) => {
        look = () => {
          const found = find(parse);
          if (found === undefined && !isOver) return;
          look = () => {};
          resolve(found);
        };
        look();
      }),
  };
}

function parseAnswer(bytes: Buffer, hasBody: boolean): ReturnType<Parse<Answer>> {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1)];
    }),
  );
  const used = end + 4 + (hasBody ? Number(headers.get("content-length") ?? 0) : 0);
  if (bytes.length < used) return undefined;
  const answer = {
    status: Number(first.split(" ")[1]),
    headers,
    body: bytes.toString("utf8", end + 4, used),
  };
  return { value: answer, used };
}

const parseFrame: Parse<ServerFrame> = (bytes) => {
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const short = second & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return undefined;
  const payload = bytes.subarray(start, start + size);
  return {
    value: { opcode: first & 0x0f, fin: first >= 0x80, rsv: (first >> 4) & 0x07, payload },
    used: start + size,
  };
};

/** Rejects after WAIT_MS: a test that hangs should say on what. */
export function bounded<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${WAIT_MS} ms`)), WAIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
