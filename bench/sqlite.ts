/**
 * sqlite: what a publish of 128 B costs in the engine with a file, in time and in CPU, with both promises about the disk. Without
 * sockets: 16 topics in this process, each with a window of publishes that wait for their commit. The file lies where temporary
 * files do; a disk in memory makes `always` look better than it is.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import type { Topics } from "../src/engine.ts";
import { createSqliteEngine } from "../src/engines/sqlite.ts";
import type { Figure } from "./report.ts";

const TOPICS = 16;
const LIMITS = { size: 100, ttl: 300_000, bytes: 1024 * 1024 };
const MESSAGE = { data: "x".repeat(128), json: false, size: 128, conn: "bench-1" };
/** 50,000 messages a second. */
const BAR_US = 20;

interface Cost {
  /** Microseconds per publish. */
  readonly wall: number;
  readonly cpu: number;
}

const silent = { info() {}, warn() {}, error() {} };

export async function sqlite(): Promise<Figure[]> {
  const batch = await costs("batch", 64, 100_000);
  const always = await costs("always", 64, 20_000);
  const alone = await costs("always", 0, 300);
  const figure = { server: "fairlead", unit: "µs" };
  return [
    { ...figure, name: "publish into sqlite, batch: time", value: batch.wall, bar: BAR_US },
    { ...figure, name: "publish into sqlite, batch: CPU", value: batch.cpu },
    { ...figure, name: "publish into sqlite, always: time", value: always.wall },
    { ...figure, name: "publish into sqlite, always: CPU", value: always.cpu },
    { ...figure, name: "publish into sqlite, always, one at a time: time", value: alone.wall },
  ];
}

/** `window` publishes under way per topic; 0: one in all. */
async function costs(sync: "batch" | "always", window: number, publishes: number): Promise<Cost> {
  const folder = mkdtempSync(join(tmpdir(), "fairlead-bench-"));
  const file = join(folder, "engine.db");
  const onError = ({ error }: { error: unknown }) => {
    throw error;
  };
  const engine = createSqliteEngine({ file, sync, clock: systemClock, log: silent, onError });
  await engine.start();
  try {
    const topics = engine.topics("/bench", LIMITS);
    const names = Array.from({ length: window === 0 ? 1 : TOPICS }, (_, i) => `topic.${i}`);
    const run = (count: number) =>
      Promise.all(names.map((name) => publishAll(topics, name, window || 1, count / names.length)));
    await run(publishes / 2);
    const cpu = process.cpuUsage();
    const began = performance.now();
    await run(publishes);
    const wall = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    return { wall: (wall * 1000) / publishes, cpu: (user + system) / publishes };
  } finally {
    await engine.close();
    rmSync(folder, { recursive: true });
  }
}

/** Publishes the next when one is answered. */
function publishAll(topics: Topics, name: string, window: number, count: number): Promise<void> {
  const all = Promise.withResolvers<void>();
  let sent = 0;
  let answered = 0;
  const next = () => {
    if (sent >= count) return;
    sent++;
    topics.publish(name, MESSAGE, (result) => {
      if ("code" in result) all.reject(new Error(result.text));
      answered++;
      if (answered >= count) all.resolve();
      else next();
    });
  };
  for (let i = 0; i < window; i++) next();
  return all.promise;
}
