/** `fairlead feed`: one feed on any path, with the demo source stocks. */
import { oneLiner, TRIAL_ORIGINS } from "../one-liner.ts";

export const command = oneLiner({
  kind: "feed",
  summary: "a topic that many read, over WebSocket, SSE or JSON",
  preset: {
    listen: { port: 8080 },
    origins: TRIAL_ORIGINS,
    routes: { "/*": { kind: "feed", source: "stocks" } },
  },
  notes: [
    "Listens on 127.0.0.1:8080 and answers on any path. The source stocks publishes a price every 2 seconds;",
    "--no-source --publish leaves publishing to clients.",
  ],
  examples: [
    ["fairlead feed", "then: fairlead connect ws://127.0.0.1:8080"],
    ["fairlead feed --interval 100ms --key-field symbol", "slow readers get the newest of each symbol"],
    ["fairlead feed --no-source --publish --no-welcome", "then: curl --json 1 http://127.0.0.1:8080"],
  ],
});
