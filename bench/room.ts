/** room: one of N connections speaks, all N hear it, then it speaks again. CPU is told per delivery. */
import { type Client, connectAll } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

function row(subscribers: number, burst: number): Row {
  const frames = repeat(clientFrame("x".repeat(128), TEXT), burst);
  return {
    name: `128 B to ${subscribers.toLocaleString("en-US")}, ${burst === 1 ? "single" : `bursts of ${burst}`}`,
    unit: "deliveries",
    perPublish: subscribers,
    bar: 1.2,
    async open(server) {
      const receivers = await connectAll(server.port, `/room/${subscribers}-${burst}`, subscribers, 0);
      const sender = receivers[0] as Client;
      const lane = { sender, burst: () => frames, receivers, frames: subscribers * burst };
      return closedLoop([lane], subscribers * burst);
    },
  };
}

export const room: Kind = {
  name: "room",
  contestants: [bare("room"), fairlead("room"), ws("room")],
  rows: [1, 10, 100, 1_000].flatMap((subscribers) => [row(subscribers, 1), row(subscribers, 32)]),
};
