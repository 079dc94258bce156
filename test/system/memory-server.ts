/**
 * A gateway of all five kinds in a process of its own, so that its memory is its own. Prints its port, ends with SIGTERM.
 * Argument: the port of the bridge's target. No stall timeouts: what is measured must not be cut before it is measured.
 * It collects its garbage all the time: what counts is what it holds, not when the collector finds time under load.
 */
import { createGateway } from "../../src/gateway.ts";

const quiet = { heartbeat: { ping: 0 }, stallTimeout: 0 } as const;
const gateway = createGateway({
  listen: { port: 0 },
  log: { level: "silent" },
  drain: { window: 0 },
  routes: {
    "/echo": { kind: "echo", welcome: false, ...quiet },
    "/room/:name": { kind: "room", ...quiet },
    "/feed/:topic": { kind: "feed", welcome: false, publish: true, ...quiet },
    "/relay": { kind: "relay", timeout: 0, ...quiet },
    "/pipe": { kind: "relay", mode: "pipe", waitTimeout: "2s", ...quiet },
    "/bridge": { kind: "bridge", target: `127.0.0.1:${process.argv[2]}`, ...quiet, stallTimeout: "2s" },
  },
});
await gateway.start();
setInterval(() => Bun.gc(true), 50);
console.log(`port ${gateway.address.port}`);
process.once("SIGTERM", () => void gateway.stop().then(() => process.exit(0)));
