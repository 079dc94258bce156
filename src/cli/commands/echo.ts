/** `fairlead echo`: an echo server, one route on any path. */
import { oneLiner, TRIAL_ORIGINS } from "../one-liner.ts";

export const command = oneLiner({
  kind: "echo",
  summary: "every message comes back to its sender",
  preset: { listen: { port: 8080 }, origins: TRIAL_ORIGINS, routes: { "/*": { kind: "echo" } } },
  notes: ["Listens on 127.0.0.1:8080 and answers on any path."],
  examples: [
    ["fairlead echo", "then: fairlead connect ws://127.0.0.1:8080"],
    ["fairlead echo :9000 --no-welcome", "another port, and nothing but the echo"],
    ["fairlead echo 0.0.0.0:8080 --max-message 64KiB", "for the whole network, smaller messages"],
  ],
});
