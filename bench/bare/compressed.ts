// Bare room with compression: native topics, the runtime's shared compressor, everything published is compressed.
import { frames, http } from "./options.ts";

const perMessageDeflate = { compress: "shared", decompress: "shared" } as const;
const server = Bun.serve<{ room: string }>({
  ...http,
  fetch: (request, self) => void self.upgrade(request, { data: { room: new URL(request.url).pathname } }),
  websocket: {
    ...frames,
    perMessageDeflate,
    open: (ws) => void ws.subscribe(ws.data.room),
    message: (ws, data) => void server.publish(ws.data.room, data, true),
  },
});
