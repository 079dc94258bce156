// room on the `ws` package: the loop its own documentation shows.
import { serve } from "./serve.mjs";

const rooms = new Map();

serve((ws, path) => {
  const room = rooms.get(path) ?? new Set();
  rooms.set(path, room.add(ws));
  ws.on("message", (data, binary) => {
    for (const peer of room) peer.send(data, { binary });
  });
  ws.on("close", () => room.delete(ws));
  ws.on("error", () => {});
});
