/** start: from spawn until the first connection is accepted, files in the page cache. Wall clock, so the middle of ten. */
import { bare, fairlead, launcher, ws } from "./contestants.ts";
import type { Figure } from "./report.ts";
import { boot, type Contestant } from "./server.ts";
import { median } from "./table.ts";

const STARTS = 10;
const BAR_MS = 300;

export async function start(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const contestant of [bare("echo"), fairlead("echo"), launcher("echo"), ws("echo")]) {
    if (contestant.command !== undefined) figures.push(await startTime(contestant));
  }
  return figures;
}

async function startTime(contestant: Contestant): Promise<Figure> {
  const times: number[] = [];
  for (let i = 0; i <= STARTS; i++) {
    const server = await boot(contestant, 0);
    if (i > 0) times.push(server.startMs); // the first one warms the page cache
    await server.stop();
  }
  return {
    name: "listening after a warm start",
    server: contestant.name,
    value: median(times),
    unit: "ms",
    bar: BAR_MS,
  };
}
