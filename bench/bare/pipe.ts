// Bare pipe: two sockets of a group, frames passed on as they come. A reader that lags pauses its writer.
import { frames, http } from "./options.ts";

interface Ws extends Bun.ServerWebSocket<{ group: string; partner?: Ws }> {}
const waiting = new Map<string, Ws>();
Bun.serve<Ws["data"]>({
  ...http,
  fetch(request, server) {
    const group = new URL(request.url).searchParams.get("group") ?? "";
    return void server.upgrade(request, { data: { group } });
  },
  websocket: {
    ...frames,
    open(ws: Ws) {
      const partner = waiting.get(ws.data.group);
      if (partner === undefined) return void waiting.set(ws.data.group, ws);
      ws.data.partner = partner;
      partner.data.partner = ws;
    },
    message(ws: Ws, data) {
      const { partner } = ws.data;
      if (partner && partner.send(data) < 1 && partner.getBufferedAmount() > 1024 * 1024) ws.pause();
    },
    drain({ data: { partner } }: Ws) {
      if (partner?.isPaused) partner.resume();
    },
  },
});
