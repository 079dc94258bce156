/** An engine with a file for tests: it can be started again on the same file, and its disk can be made to fail. */
import { Database } from "bun:sqlite";
import { onTestFinished } from "bun:test";
import { join } from "node:path";
import type { EngineError, HistoryLimits, Idem, Message, Position, Topics } from "../../src/engine.ts";
import type { Fault } from "../../src/engines/in-process/down.ts";
import { openFile, type Sync } from "../../src/engines/sqlite/open-file.ts";
import { createSqliteEngine, type SqliteEngine } from "../../src/engines/sqlite.ts";
import { type TestClock, testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { memoryLog } from "../gateway.ts";

export const LIMITS: HistoryLimits = { size: 100, ttl: 300_000, bytes: 1_048_576 };

export type House = ReturnType<typeof sqliteHouse>;

export function sqliteHouse(file = join(folder(), "fairlead.db"), clock: TestClock = testClock()) {
  const log = memoryLog();
  const faults: Fault[] = [];
  /** What the next calls of the disk end with; undefined: it works. */
  const disk: { write: Error | undefined; read: Error | undefined } = { write: undefined, read: undefined };

  const failing: typeof openFile = (options) => {
    if (disk.write !== undefined) throw disk.write;
    const opened = openFile(options);
    const { store } = opened;
    const unless = <Args extends unknown[], T>(which: "read" | "write", call: (...args: Args) => T) => {
      return (...args: Args): T => {
        if (disk[which] !== undefined) throw disk[which];
        return call(...args);
      };
    };
    const broken = {
      ...store,
      saveTopic: unless("write", store.saveTopic),
      setMeta: unless("write", store.setMeta),
      topic: unless("read", store.topic),
      messages: unless("read", store.messages),
    };
    return { ...opened, store: broken, close: unless("write", opened.close) };
  };

  const start = async (sync: Sync = "batch"): Promise<SqliteEngine> => {
    const onError = (fault: Fault) => void faults.push(fault);
    const engine = createSqliteEngine({ file, sync, clock, log, onError, openFile: failing });
    await engine.start();
    onTestFinished(() => engine.close());
    return engine;
  };
  return { file, clock, log, faults, disk, start };
}

/** Changes what a file says of the process that had it open. */
export function rewriteMeta(file: string, meta: Readonly<Record<string, string>>): void {
  using db = new Database(file, { readwrite: true });
  for (const [name, value] of Object.entries(meta))
    db.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", [name, value]);
}

/** As a machine finds it that was started again. */
export const asAfterPowerCut = (file: string) => rewriteMeta(file, { boot: "another", closed: "no" });

export const say = (topics: Topics, topic: string, data: string, idem?: Idem) =>
  new Promise<Position | EngineError>((done) => topics.publish(topic, { data, json: false }, done, idem));

/** The position of a publish that must succeed. */
export async function said(topics: Topics, topic: string, data: string, idem?: Idem): Promise<Position> {
  const result = await say(topics, topic, data, idem);
  if ("code" in result) throw new Error(result.text);
  return { epoch: result.epoch, offset: result.offset };
}

export const texts = (messages: readonly Message[]) => messages.map(({ data }) => data);

export async function held(topics: Topics, topic: string): Promise<unknown[]> {
  return texts((await topics.history(topic, { limit: 1000 })).messages);
}
