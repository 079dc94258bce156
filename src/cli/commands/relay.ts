/** `fairlead relay`: groups of center and local, on any path. */
import { oneLiner } from "../one-liner.ts";

export const command = oneLiner({
  kind: "relay",
  summary: "center and local meet in a group and talk through us",
  preset: { listen: { port: 8080 }, routes: { "/*": { kind: "relay" } } },
  notes: ["Listens on 127.0.0.1:8080 and answers on any path."],
  examples: [
    ["fairlead relay", "then: fairlead connect ws://127.0.0.1:8080"],
    ["fairlead relay --language en --timeout 2m", "messages in English, patience with silent peers"],
    ["fairlead relay --confirm always", "confirm also what reached no partner"],
  ],
});
