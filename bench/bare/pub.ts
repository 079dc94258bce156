// Bare publishing: parse the command, publish it, stringify a reply; what readers and the sender get is as long as ours.
// No checks, no history.
import { frames, http } from "./options.ts";

let offset = 0;
let connections = 0;
const server = Bun.serve<{ topic: string; id: string }>({
  ...http,
  fetch(request, self) {
    self.upgrade(request, { data: { topic: new URL(request.url).pathname, id: `bare-${++connections}` } });
  },
  websocket: {
    ...frames,
    open(ws) {
      ws.subscribe(ws.data.topic);
      ws.send('{"t":"welcome"}');
    },
    message(ws, text) {
      const { topic } = ws.data;
      const { id, data } = JSON.parse(String(text));
      offset++;
      server.publish(
        topic,
        JSON.stringify({ t: "msg", topic, offset, time: Date.now(), conn: ws.data.id, data }),
      );
      ws.send(JSON.stringify({ t: "ok", id, topic, epoch: "0123456789abcdef", offset }));
    },
  },
});
