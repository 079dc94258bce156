/** `fairlead connect` inside the test's process: its flags as written, stdin and stdout held by the test. */
import { Writable } from "node:stream";
import type { ServerWebSocket } from "bun";
import { readArguments } from "../../../src/cli/arguments.ts";
import { command } from "../../../src/cli/commands/connect.ts";
import { type ConnectIo, converse } from "../../../src/cli/connect/converse.ts";
import { readOptions } from "../../../src/cli/connect/options.ts";
import { readHandshake } from "../../../src/cli/handshake-flags.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { bounded } from "../../raw-client.ts";

export interface Talked {
  readonly code: number;
  readonly out: string;
  readonly talk: readonly string[];
}

export interface Held extends Partial<ConnectIo> {
  readonly stdin?: string;
}

/** Runs it to its end. Without a stdin there is nothing to say. */
export async function talk(url: string, words: readonly string[], held: Held = {}): Promise<Talked> {
  const out: Buffer[] = [];
  const lines: string[] = [];
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      out.push(chunk);
      done();
    },
  });
  const { stdin = "", ...io } = held;
  const code = await run(url, words, {
    input: typed(stdin),
    output,
    talk: (line) => void lines.push(line),
    ...io,
  });
  return { code, out: Buffer.concat(out).toString(), talk: lines };
}

/** The same, with all of its surroundings in the test's hands. */
export async function run(
  url: string,
  words: readonly string[],
  io: Partial<ConnectIo> & Pick<ConnectIo, "input" | "output">,
) {
  const args = readArguments(command, words);
  const ended = converse(await readHandshake(url, args), readOptions(args), {
    talk: () => undefined,
    outIsTerminal: false,
    outHasColour: false,
    isInteractive: false,
    wall: () => 0,
    clock: systemClock,
    interrupted: new Promise(() => undefined),
    ...io,
  });
  return bounded(`the end of connect ${url} ${words.join(" ")}`, ended);
}

export async function* typed(
  ...parts: readonly (string | Uint8Array)[]
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const part of parts) if (part.length > 0) yield Buffer.from(part);
}

export interface Handlers {
  open?(socket: ServerWebSocket): void;
  message?(socket: ServerWebSocket, data: string | Buffer): void;
  close?(socket: ServerWebSocket, code: number, reason: string): void;
}

/** A server that does what the test says, and no more. */
export function serving({ open, message = () => undefined, close }: Handlers) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("", { status: 400 })),
    websocket: {
      message,
      maxPayloadLength: 2 ** 30,
      backpressureLimit: 2 ** 30,
      ...(open && { open }),
      ...(close && { close }),
    },
  });
  return { url: `ws://127.0.0.1:${server.port}/`, [Symbol.dispose]: () => void server.stop(true) };
}

/** A clock on which everything takes a part of its time. */
export function fast(factor: number): Clock {
  return {
    ...systemClock,
    after: (ms, go) => systemClock.after(ms / factor, go),
    every: (ms, go) => systemClock.every(ms / factor, go),
  };
}
