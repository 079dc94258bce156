// Bare feed: native topics; a message of a client or the body of a POST is published; no history, nothing for slow readers.
import { frames, http } from "./options.ts";

const welcome = '{"type":"connected","message":"Connected to the real-time feed"}';
let offset = 0;
const server = Bun.serve<{ topic: string }>({
  ...http,
  async fetch(request, self) {
    const topic = new URL(request.url).pathname;
    if (request.method === "GET") return void self.upgrade(request, { data: { topic } });
    server.publish(topic, await request.text());
    return Response.json({ topic, epoch: "bare", offset: ++offset });
  },
  websocket: {
    ...frames,
    open(ws) {
      ws.subscribe(ws.data.topic);
      ws.send(welcome);
    },
    message: (ws, data) => void server.publish(ws.data.topic, data),
  },
});
