/** A feed on an engine with a file, in a process of its own so that it can be killed: `bun kills-server.ts FILE`. Prints its port. */
import { createGateway } from "../../src/gateway.ts";

const [file = ""] = process.argv.slice(2);
const gateway = createGateway({
  listen: { port: 0 },
  log: { level: "silent" },
  engine: { sqlite: file, sync: "batch" },
  routes: {
    "/feed/:topic": {
      kind: "feed",
      welcome: false,
      publish: true,
      // Whoever comes back finds everything.
      history: { size: 20_000, ttl: 0, bytes: 0 },
      // So that a link that died in silence is noticed soon.
      heartbeat: { ping: "1s" },
    },
  },
});
await gateway.start();
console.log(`port ${gateway.address.port}`);
