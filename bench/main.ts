/**
 * `npm run bench [kind ...] [--quick] [--json] [--strict]`: what Fairlead costs against a bare loop on the same runtime and
 * against others, in CPU time of the server. Linux only: the numbers come from /proc. docs/performance.md says how to read it.
 * Exit code 0 also when a bar is missed, 1 with `--strict`; 2 for arguments that mean nothing.
 */
import { readFlags } from "../scripts/flags.ts";
import { bridge } from "./bridge.ts";
import { compressed } from "./compressed.ts";
import { echo } from "./echo.ts";
import { fanout } from "./fanout.ts";
import { feed } from "./feed.ts";
import { guardedEcho, guardedRoom } from "./guarded.ts";
import { handshake } from "./handshake.ts";
import { idle } from "./idle.ts";
import { measure, type Pace, type RowResult } from "./measure.ts";
import { peers } from "./peers.ts";
import { pipe } from "./pipe.ts";
import { pub } from "./pub.ts";
import { recovery } from "./recovery.ts";
import { redis, redisFanout, redisPub } from "./redis.ts";
import { relay } from "./relay.ts";
import { cpuTable, type Figure, figureTable, judgeFigure, judgeRow, verdictList } from "./report.ts";
import { room } from "./room.ts";
import { isPinned, pinLoad, stopAll } from "./server.ts";
import { sqlite } from "./sqlite.ts";
import { stalled } from "./stalled.ts";
import { start } from "./start.ts";
import { streams } from "./streams.ts";

const FULL: Pace = { warmMs: 800, rounds: 5, roundMs: 350 };
const QUICK: Pace = { warmMs: 300, rounds: 3, roundMs: 150 };

const kinds = [
  echo,
  room,
  feed,
  relay,
  peers,
  pipe,
  bridge,
  streams,
  fanout,
  compressed,
  pub,
  stalled,
  guardedEcho,
  guardedRoom,
  redisPub,
  redisFanout,
];
const extras = { redis, handshake, recovery, sqlite, idle, start };
const names = [...new Set([...kinds.map(({ name }) => name), ...Object.keys(extras)])];

const { values, positionals } = readFlags("bench", "[-- NAME ... --quick --json --strict]", {
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
  },
});
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`bench: "${unknown.join(" ")}" is no bench. There are: ${names.join(", ")}.`);
  process.exit(2);
}
if (process.platform !== "linux") {
  console.error("bench: CPU time is read from /proc, so this needs Linux.");
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopAll().then(() => process.exit(1)));

const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
const rows: RowResult[] = [];
const figures: Figure[] = [];
const log = (text: string) => console.error(text);

pinLoad();
if (!isPinned)
  log("bench: no taskset or one core only: server and load share cores, read the ratios with care");
try {
  for (const kind of kinds.filter(({ name }) => wanted(name))) {
    await measure(kind, values.quick ? QUICK : FULL, (row) => {
      log(`${row.kind}: ${row.row.name}`);
      rows.push(row);
    });
  }
  for (const [name, run] of Object.entries(extras)) {
    if (!wanted(name)) continue;
    log(name);
    figures.push(...(await run()));
  }
} finally {
  await stopAll();
}

const verdicts = [...rows.flatMap(judgeRow), ...figures.flatMap(judgeFigure)];
if (values.json) console.log(JSON.stringify({ rows, figures, verdicts }, null, 2));
else {
  if (rows.length > 0) console.log(`${cpuTable(rows)}\n`);
  if (figures.length > 0) console.log(`${figureTable(figures)}\n`);
  console.log(verdictList(verdicts));
}
process.exit(values.strict && verdicts.some(({ met }) => !met) ? 1 : 0);
