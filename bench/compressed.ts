/**
 * compressed: a room whose readers all asked for compression; one of them says 1 KiB of JSON, all hear it. The runtime compresses it anew for
 * each reader, so the work of a delivery is nearly all its own, and what Fairlead adds must be small. CPU is told per delivery.
 */
import { type Client, connectAll } from "./client.ts";
import { bare, fairlead } from "./contestants.ts";
import { clientFrame, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

/** To fewer readers the publish itself counts for more: there the bar of the plain room holds. */
const BAR = { few: 1.2, many: 1.1 };
const MANY = 1_000;
const EXTENSIONS = "permessage-deflate; client_max_window_bits";

/** 1 KiB of JSON, as a feed of prices writes it: the same fields in each entry, and values that differ. */
export function prices(): string {
  const symbols = ["AAPL", "GOOGL", "MSFT", "AMZN"];
  const entries = Array.from({ length: 12 }, (_, i) => ({
    symbol: symbols[i % symbols.length],
    price: ((i * 7919 + 104_729) % 40_000) / 100,
    source: "yahoo_finance",
    timestamp: 1_790_000_000 + i * 37,
  }));
  const text = JSON.stringify(entries);
  return text + " ".repeat(1024 - text.length);
}

function row(readers: number): Row {
  const frame = clientFrame(prices(), TEXT);
  return {
    name: `1 KiB of JSON to ${readers.toLocaleString("en-US")}`,
    unit: "deliveries",
    perPublish: readers,
    bar: readers < MANY ? BAR.few : BAR.many,
    async open(server) {
      const receivers = await connectAll(server.port, `/room/${readers}`, readers, 0, undefined, EXTENSIONS);
      const sender = receivers[0] as Client;
      const lane = { sender, burst: () => frame, receivers, frames: readers };
      return closedLoop([lane], readers);
    },
  };
}

export const compressed: Kind = {
  name: "compressed",
  contestants: [bare("compressed"), fairlead("room", { compression: { threshold: 0 } })],
  boots: 2,
  rows: [100, MANY].map(row),
};
