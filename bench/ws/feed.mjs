// feed on the `ws` package; publishing by message only.
import { serve } from "./serve.mjs";

const topics = new Map();

serve((ws, path) => {
  const readers = topics.get(path) ?? new Set();
  topics.set(path, readers.add(ws));
  ws.send('{"type":"connected","message":"Connected to the real-time feed"}');
  ws.on("message", (data, binary) => {
    for (const reader of readers) reader.send(data, { binary });
  });
  ws.on("close", () => readers.delete(ws));
  ws.on("error", () => {});
});
