/**
 * fanout: the same messages to readers of fairlead.v1 and to plain ones. A plain sender that does not hear itself, so that both
 * servers get the same and only what they send differs. CPU is told per delivery.
 */
import { connect, connectAll } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

/** 0.85 of the deliveries in the same CPU time. To few readers it is the publish that costs, not the fan-out: shown, without a bar. */
const BAR = 1 / 0.85;
const MANY = 100;
const PLAIN = "plain readers";

function row(readers: number, burst: number): Row {
  const frames = repeat(clientFrame("x".repeat(128), TEXT), burst);
  return {
    name: `128 B to ${readers.toLocaleString("en-US")}, ${burst === 1 ? "single" : `bursts of ${burst}`}`,
    unit: "deliveries",
    perPublish: readers,
    ...(readers >= MANY && { bar: BAR }),
    async open(server) {
      const path = `/room/${readers}-${burst}`;
      const receivers =
        server.name === PLAIN
          ? await connectAll(server.port, path, readers, 0)
          : await connectAll(server.port, path, readers, 1, "fairlead.v1");
      const sender = await connect(server.port, path);
      const lane = { sender, burst: () => frames, receivers, frames: readers * burst };
      return closedLoop([lane], readers * burst);
    },
  };
}

const echo = { echo: false };

export const fanout: Kind = {
  name: "fanout",
  contestants: [fairlead("room", echo, PLAIN), fairlead("room", echo)],
  boots: 2,
  rows: [1, 10, MANY, 1_000].flatMap((readers) => [row(readers, 1), row(readers, 32)]),
};
