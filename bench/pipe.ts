/** pipe: relay in mode pipe, 16 pairs; what each center sends its local gets, frame for frame. */
import { connect } from "./client.ts";
import { bare, fairlead } from "./contestants.ts";
import { BINARY, clientFrame, repeat } from "./frames.ts";
import { closedLoop, type Lane } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

const PAIRS = 16;
/** 0.8 of the frames in the same CPU time. */
const BAR = 1 / 0.8;

function row(name: string, size: number, window: number): Row {
  const burst = repeat(clientFrame(new Uint8Array(size), BINARY), window);
  return {
    name: `${name}, window ${window}`,
    unit: "messages",
    bar: BAR,
    async open({ port }) {
      const lanes: Lane[] = [];
      for (let pair = 0; pair < PAIRS; pair++) {
        const path = `/relay?group=${size}-${window}-${pair}`;
        const sender = await connect(port, `${path}&role=center`);
        const local = await connect(port, `${path}&role=local`);
        lanes.push({ sender, burst: () => burst, receivers: [local], frames: window });
      }
      return closedLoop(lanes, window);
    },
  };
}

export const pipe: Kind = {
  name: "pipe",
  boots: 2,
  contestants: [bare("pipe"), fairlead("relay", { mode: "pipe" })],
  rows: [row("100 B", 100, 1), row("100 B", 100, 64), row("16 KiB", 16_384, 16)],
};
