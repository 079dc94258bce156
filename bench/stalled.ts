/**
 * stalled: what the other readers of a feed notice of one that has stopped reading: their p99 beside that of the same feed without
 * it. The stalled one has more than its mark waiting before the rounds begin, so it stands in the backlog.
 */
import { connect, connectAll, heard } from "./client.ts";
import { fairlead } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

const READERS = 10;
const BURST = 8;
const NOBODY = "nobody stalls";
/** More than the kernel and the mark hold for a reader. */
const FILL_BYTES = 32 * 1024 * 1024;
const SIZE = 16 * 1024;

const frames = repeat(clientFrame("x".repeat(SIZE), TEXT), BURST);

/** The sender is plain and hears itself. */
function row(name: string, protocol?: string): Row {
  return {
    name: `16 KiB to ${READERS} ${name} and a stalled one`,
    unit: "deliveries",
    perPublish: READERS,
    async open(server) {
      const path = `/feed/${protocol ?? "plain"}`;
      const sender = await connect(server.port, path);
      await heard(sender, 1);
      const receivers = [sender, ...(await connectAll(server.port, path, READERS - 1, 1, protocol))];
      if (server.name !== NOBODY) (await connect(server.port, path, protocol)).stall();
      const lane = { sender, burst: () => frames, receivers, frames: READERS * BURST };
      const load = closedLoop([lane], READERS * BURST);
      await load.run((FILL_BYTES / SIZE) * READERS, []);
      return load;
    },
  };
}

export const stalled: Kind = {
  name: "stalled",
  contestants: [fairlead("feed", {}, NOBODY), fairlead("feed")],
  rows: [row("plain readers"), row("v1 readers", "fairlead.v1")],
};
