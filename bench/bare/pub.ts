// Bare publishing: parse the command, publish its data, stringify a reply. No checks, no positions, no history.
import { frames, http } from "./options.ts";

let offset = 0;
const server = Bun.serve<{ topic: string }>({
  ...http,
  fetch: (request, self) => void self.upgrade(request, { data: { topic: new URL(request.url).pathname } }),
  websocket: {
    ...frames,
    open(ws) {
      ws.subscribe(ws.data.topic);
      ws.send('{"t":"welcome"}');
    },
    message(ws, text) {
      const { topic } = ws.data;
      const { id, data } = JSON.parse(String(text));
      server.publish(topic, data);
      ws.send(JSON.stringify({ t: "ok", id, topic, epoch: "bare", offset: ++offset }));
    },
  },
});
