/** `fairlead room`: one chat room at /ws. Binary is ignored, as in the chat it stands in for. */
import { oneLiner } from "../one-liner.ts";

export const command = oneLiner({
  kind: "room",
  summary: "what one says, all in the room hear",
  preset: { listen: { port: 7070 }, routes: { "/ws": { kind: "room", binary: false } } },
  notes: ["Listens on 127.0.0.1:7070; the room is at /ws. Binary messages are ignored unless --binary."],
  examples: [
    ["fairlead room", "then, twice: fairlead connect ws://127.0.0.1:7070/ws"],
    ["fairlead room :9000 --no-echo", "senders do not hear themselves"],
    ["fairlead room --binary --max-message 1MiB", "pictures too"],
  ],
});
