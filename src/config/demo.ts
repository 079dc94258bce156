/** What runs when nothing is configured: one route of each kind, to try Fairlead with. */
import type { ConfigInput } from "./schema.ts";

/** `target`: the `host:port` of the TCP service behind /bridge, which the caller has started. */
export function demoConfig(target: string): ConfigInput {
  return {
    routes: {
      "/echo": { kind: "echo" },
      "/room/:name": { kind: "room" },
      "/feed/:topic": { kind: "feed", source: "stocks" },
      "/relay": { kind: "relay" },
      "/bridge": { kind: "bridge", target },
    },
  };
}
