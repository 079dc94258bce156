// Bare bridge: the frames of one event-loop turn become one TCP write; the slow side pauses the other.
import { frames, http, target } from "./options.ts";

interface Tcp extends Bun.Socket<{ ws?: Ws }> {}
interface Ws extends Bun.ServerWebSocket<{ tcp: Tcp; waiting: Buffer[] }> {}
const flush = (ws: Ws) => {
  const bytes = Buffer.concat(ws.data.waiting);
  const rest = bytes.subarray(Math.max(0, ws.data.tcp.write(bytes)));
  ws.data.waiting = rest.length > 0 ? [rest] : [];
  if (rest.length > 0) ws.pause();
  else if (ws.isPaused) ws.resume();
};
const message = (ws: Ws, frame: string | Buffer) => {
  const bytes = typeof frame === "string" ? Buffer.from(frame) : frame;
  if (ws.data.waiting.push(bytes) === 1) setImmediate(flush, ws);
};
const data = ({ data: { ws } }: Tcp, chunk: Buffer<ArrayBuffer>) => {
  if (ws !== undefined && ws.sendBinary(chunk) < 1 && ws.getBufferedAmount() > 1 << 20) ws.data.tcp.pause();
};
const drain = ({ data: { ws } }: Tcp) => ws && flush(ws);
const end = ({ data: { ws } }: Tcp) => ws?.close(1000);
const open = (ws: Ws) => void Object.assign(ws.data.tcp.data, { ws });
const drained = (ws: Ws) => void (ws.getBufferedAmount() < 1 << 19 && ws.data.tcp.resume());
const close = (ws: Ws) => void ws.data.tcp.end(Buffer.concat(ws.data.waiting));
const fetch = async (request: Request, server: Bun.Server<Ws["data"]>) => {
  const tcp: Tcp = await Bun.connect({ ...target, data: {}, socket: { data, drain, end } });
  server.upgrade(request, { data: { tcp, waiting: [] } });
};
Bun.serve({ ...http, fetch, websocket: { ...frames, open, message, drain: drained, close } });
