/**
 * The gateway that is fuzzed, in a process of its own, so that its end is seen and its memory is its own. Says its port to its parent,
 * and answers each message of it with its state. What an honest gateway waits for, this one waits for a second.
 */
import { createServer } from "node:net";
import { createGateway } from "../../src/gateway.ts";
import type { Log } from "../../src/log.ts";
import { SECRET } from "./speech/tokens.ts";

export interface State {
  /** Connections whose route has seen a message. */
  readonly reached: number;
  /** Errors in the log, and what nobody caught: there must be none. */
  readonly faults: readonly string[];
  /** Bytes, after the collector has run. */
  readonly heap: number;
  readonly resident: number;
}

const faults: string[] = [];
let reached = 0;
/** Those that are open and were heard. */
const heard = new Set<unknown>();

const told = (error: unknown) => (error instanceof Error ? (error.stack ?? String(error)) : String(error));
process.on("uncaughtException", (error) => void faults.push(`uncaught: ${told(error)}`));
process.on("unhandledRejection", (error) => void faults.push(`unhandled rejection: ${told(error)}`));

const log: Log = {
  debugs: true,
  debug({ conn }, line) {
    if (!line.startsWith("<") || heard.has(conn)) return;
    heard.add(conn);
    reached += 1;
  },
  info: ({ conn }, line) => void (line === "goodbye" && heard.delete(conn)),
  warn() {},
  error: ({ err, ...fields }, line) => void faults.push(`${line} ${JSON.stringify(fields)} ${told(err)}`),
};

const service = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  socket.on("error", () => socket.destroy());
  socket.pipe(socket);
});
await new Promise<void>((done) => service.listen(0, "127.0.0.1", done));
const address = service.address();
const target = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;

const short = { auth: "none", stallTimeout: "1s", heartbeat: { ping: "1s", pong: "2s" } } as const;
const kept = { history: { size: 20, ttl: "1s" } } as const;
const feed = { kind: "feed", publish: true, keyField: "k", ...short, ...kept } as const;
const resume = { window: "200ms", streams: 20 } as const;
const bridge = { kind: "bridge", ...short, halfCloseTimeout: "100ms", resume } as const;

const gateway = createGateway(
  {
    listen: { port: 0 },
    drain: { window: 0 },
    auth: { jwt: { secret: SECRET }, query: true },
    routes: {
      "/echo": { kind: "echo", welcome: false, ...short },
      "/packed": { kind: "echo", welcome: false, ...short, compression: { threshold: 10 } },
      "/packed/:topic": { ...feed, compression: { threshold: 10 } },
      "/room/:name": { kind: "room", ...short, ...kept },
      "/feed/:topic": feed,
      "/paced": { kind: "feed", publish: true, maxRate: 20, ...short, ...kept },
      "/relay": { kind: "relay", third: "replace", timeout: "1s", session: { ttl: "300ms" }, ...short },
      "/pipe": { kind: "relay", mode: "pipe", waitTimeout: "300ms", ...short },
      "/bridge": { ...bridge, target, resume: { ...resume, ssh: true } },
      "/lines": { ...bridge, target, framing: "lines" },
      "/to/:name": { ...bridge, targets: { a: target, constructor: target } },
      "/asked": { ...bridge, allow: [target] },
      "/private/:topic": { ...feed, auth: "required" },
      "/maybe/:topic": { ...feed, auth: "optional", anonymous: { subscribe: ["open"] } },
    },
  },
  { log },
);
await gateway.start();

function state(): State {
  Bun.gc(true);
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  return { reached, faults, heap, resident };
}

process.on("message", () => void process.send?.(state()));
process.on("disconnect", () => process.exit(0));
process.send?.({ port: gateway.address.port, target });
