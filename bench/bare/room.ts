// Bare room: native topics, no history, nothing for slow readers.
import { frames, http } from "./options.ts";

const server = Bun.serve<{ room: string }>({
  ...http,
  fetch: (request, self) => void self.upgrade(request, { data: { room: new URL(request.url).pathname } }),
  websocket: {
    ...frames,
    open: (ws) => void ws.subscribe(ws.data.room),
    message: (ws, data) => void server.publish(ws.data.room, data),
  },
});
