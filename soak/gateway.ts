/** The gateway in a process of its own, as users run it, and the TCP service behind its bridges. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseStatus } from "../bench/proc.ts";
import type { ConfigInput } from "../src/config/schema.ts";

const MAIN = join(import.meta.dir, "../src/cli/main.ts");
const START_MS = 15_000;

export interface SoakGateway {
  readonly port: number;
  residentBytes(): number;
  /** Open descriptors. */
  descriptors(): number;
  /** Lines that it wrote to stderr: its log. */
  readonly said: readonly string[];
  /** Its exit code after SIGTERM. */
  stop(): Promise<number>;
  /** At once, whatever it is doing. */
  kill(): void;
}

/** Rejects if it does not listen within 15 s. */
export async function startGateway(config: ConfigInput): Promise<SoakGateway> {
  const folder = mkdtempSync(join(tmpdir(), "fairlead-soak-"));
  const file = join(folder, "fairlead.json");
  writeFileSync(file, JSON.stringify(config));
  const command = [process.execPath, MAIN, "serve", "--config", file];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said: string[] = [];
  void eachLine(child.stderr, (line) => said.push(line));
  const port = await listening(child.stdout).catch((error) => {
    child.kill("SIGKILL");
    throw error;
  });
  const proc = `/proc/${child.pid}`;
  return {
    port,
    said,
    residentBytes: () => parseStatus(readFileSync(`${proc}/status`, "utf8"), "VmRSS"),
    descriptors: () => readdirSync(`${proc}/fd`).length,
    async stop() {
      child.kill("SIGTERM");
      const code = await child.exited;
      rmSync(folder, { recursive: true, force: true });
      return code;
    },
    kill: () => child.kill("SIGKILL"),
  };
}

/** The port that it says; the rest of what it says is read and means nothing. */
function listening(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const late = setTimeout(() => reject(new Error("the gateway does not listen")), START_MS);
  void eachLine(stdout, (line) => {
    const [, digits] = /listens on http:\/\/\S+:(\d+)/.exec(line) ?? [];
    if (digits !== undefined) resolve(Number(digits));
  }).then(() => reject(new Error("the gateway ended")));
  return promise.finally(() => clearTimeout(late));
}

async function eachLine(stream: ReadableStream<Uint8Array>, heard: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) heard(line);
  }
}

/** Sends back what it gets, and FIN after FIN. */
export function echoService(): Disposable & { readonly target: string } {
  const rests = new WeakMap<object, Buffer>();
  const ended = new WeakSet<object>();
  const flush = (socket: Bun.Socket) => {
    const rest = rests.get(socket) ?? Buffer.alloc(0);
    const left = rest.subarray(Math.max(0, socket.write(rest)));
    rests.set(socket, left);
    if (left.length === 0 && ended.has(socket)) socket.end();
  };
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      data(socket, bytes) {
        rests.set(socket, Buffer.concat([rests.get(socket) ?? Buffer.alloc(0), bytes]));
        flush(socket);
      },
      drain: flush,
      end(socket) {
        ended.add(socket);
        flush(socket);
      },
    },
  });
  return { target: `127.0.0.1:${listener.port}`, [Symbol.dispose]: () => listener.stop(true) };
}
