// Bare echo: a sender that does not read is paused at 1 MiB.
import { frames, http } from "./options.ts";

Bun.serve({
  ...http,
  fetch: (request, server) => void server.upgrade(request),
  websocket: {
    ...frames,
    open: (ws) => void ws.send("Welcome to the Echo Server!"),
    message(ws, data) {
      if (ws.send(data) < 1 && ws.getBufferedAmount() > 1024 * 1024) ws.pause();
    },
    drain(ws) {
      if (ws.isPaused && ws.getBufferedAmount() < 512 * 1024) ws.resume();
    },
  },
});
