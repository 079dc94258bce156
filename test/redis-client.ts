/** A command to a Redis and its answer, on a connection of its own: it depends on nothing that a test breaks. Binary is not kept. */
import { connect } from "node:net";
import { within } from "./system/program.ts";

export type Reply = string | number | null | readonly Reply[];

/** Rejects with what Redis answers as an error, when nobody is there, and after `seconds`. */
export function askRedis(port: number, command: readonly string[], seconds = 10): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  let heard = Buffer.alloc(0);
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.write(encode(command));
  socket.on("data", (bytes: Buffer) => {
    heard = Buffer.concat([heard, bytes]);
    const parsed = parse(heard, 0);
    if (parsed === undefined) return;
    if (parsed.value instanceof Error) reject(parsed.value);
    else resolve(parsed.value);
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error(`the connection ended before ${command[0]} was answered`)));
  const what = () => `no answer to ${command.join(" ").slice(0, 80)}`;
  return within(seconds, promise, what).finally(() => socket.destroy());
}

function encode(command: readonly string[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return `*${command.length}\r\n${parts.join("")}`;
}

interface Parsed<T> {
  readonly value: T;
  /** Where the next one begins. */
  readonly end: number;
}

/** Undefined: there is more to come. */
function parse(bytes: Buffer, at: number): Parsed<Reply | Error> | undefined {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString("utf8", at + 1, lineEnd);
  const end = lineEnd + 2;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  if (kind === "+") return { value: line, end };
  if (kind === "-") return { value: new Error(line), end };
  if (kind === ":") return { value: Number(line), end };
  if (Number(line) < 0) return { value: null, end };
  if (kind === "$") return parseBulk(bytes, end, Number(line));
  if (kind === "*") return parseArray(bytes, end, Number(line));
  throw new Error(`Redis answered ${JSON.stringify(kind + line)}`);
}

function parseBulk(bytes: Buffer, at: number, length: number): Parsed<Reply> | undefined {
  if (bytes.length < at + length + 2) return undefined;
  return { value: bytes.toString("utf8", at, at + length), end: at + length + 2 };
}

function parseArray(bytes: Buffer, at: number, length: number): Parsed<Reply | Error> | undefined {
  const items: Reply[] = [];
  let end = at;
  for (let i = 0; i < length; i += 1) {
    const item = parse(bytes, end);
    if (item === undefined) return undefined;
    if (item.value instanceof Error) return { value: item.value, end: item.end };
    items.push(item.value);
    end = item.end;
  }
  return { value: items, end };
}
