import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RecordOptions, recordOptions } from "../../src/config/kinds/every.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import type { Folder } from "../../src/recording/folder.ts";
import { type Line, readLine } from "../../src/recording/lines.ts";
import { createRecordings } from "../../src/recording/recorder.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { folder as temporary } from "../folder.ts";
import { memoryLog } from "../gateway.ts";

const KIB = 1024;

/** `folder`: instead of a real one, to fail or to be slow. */
function house(options: Partial<RecordOptions>, folder?: Folder) {
  const clock = testClock();
  const log = memoryLog();
  const { recordings: counts } = createRouteCounters("/r", "bridge");
  const all = { ...recordOptions(options.dir ?? "unused"), ...options } as RecordOptions;
  const recordings = createRecordings(
    { options: all, route: "/r", counters: { recordings: counts }, clock, log },
    folder,
  );
  return { recordings, clock, log, counts };
}

/** The lines of the only recording in a folder. */
function linesOf(dir: string): Line[] {
  const [name = ""] = readdirSync(dir);
  const text = readFileSync(join(dir, name), "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n").map(readLine);
}

/** A file in memory, whose disk does what the test says. */
function slowFolder() {
  let written = "";
  let take: PromiseWithResolvers<void> | undefined;
  const file = {
    path: "/memory",
    handle: {
      async appendFile(text: string) {
        take = Promise.withResolvers();
        await take.promise;
        written += text;
      },
    },
    release: async () => {},
  };
  const folder = { create: async () => file } as unknown as Folder;
  return {
    folder,
    written: () => written,
    isWriting: () => take !== undefined,
    /** The write that is under way comes to its end. */
    async turn(error?: Error) {
      await eventually("a write is under way", () => take !== undefined);
      const { resolve, reject } = take ?? Promise.withResolvers<void>();
      take = undefined;
      if (error === undefined) resolve();
      else reject(error);
    },
  };
}

describe("a recording", () => {
  test("has who and when, each frame with its time, and the end", async () => {
    const tmp = temporary();
    const { recordings, clock, counts } = house({ dir: tmp });
    const recorder = recordings.start({ conn: "c1", target: "db:1" });
    recorder.frame("in", "hällo");
    clock.advance(1_500);
    recorder.frame("out", new Uint8Array([1, 2]));
    recorder.end();
    await recordings.dispose();
    const started = new Date(clock.wall() - 1_500).toISOString();
    expect(linesOf(tmp)).toEqual([
      {
        type: "header",
        header: { version: expect.any(String), route: "/r", started, about: { conn: "c1", target: "db:1" } },
      },
      { type: "frame", frame: { t: 0, dir: "in", data: "hällo" } },
      { type: "frame", frame: { t: 1_500, dir: "out", data: new Uint8Array([1, 2]) } },
      { type: "end", t: 1_500, end: "closed" },
    ]);
    expect([counts, clock.pending]).toEqual([{ whole: 1, full: 0, failed: 0 }, 0]);
  });

  test("has the bytes as they were when they were said, though they change at once", async () => {
    const tmp = temporary();
    const { recordings } = house({ dir: tmp });
    const bytes = new Uint8Array([1, 2]);
    recordings.start({ conn: "c1" }).frame("in", bytes);
    bytes.fill(9);
    await recordings.dispose();
    expect(linesOf(tmp)[1]).toMatchObject({ frame: { data: new Uint8Array([1, 2]) } });
  });

  test("takes nothing after its end, and ends once", async () => {
    const tmp = temporary();
    const { recordings, counts } = house({ dir: tmp });
    const recorder = recordings.start({ conn: "c1" });
    recorder.end();
    recorder.frame("in", "late");
    recorder.end();
    await recordings.dispose();
    expect(linesOf(tmp)).toHaveLength(2);
    expect(counts.whole).toBe(1);
  });

  test("ends with a marker before it grows past bytes, and the session may go on talking", async () => {
    const tmp = temporary();
    const { recordings, counts } = house({ dir: tmp, bytes: 10 * KIB });
    const recorder = recordings.start({ conn: "c1" });
    for (let i = 0; i < 100; i += 1) recorder.frame("out", new Uint8Array(1_000));
    recorder.frame("in", "x");
    recorder.end();
    await recordings.dispose();
    const lines = linesOf(tmp);
    expect(lines).toHaveLength(9);
    expect(lines.at(-1)).toMatchObject({ type: "end", end: "full" });
    const [name = ""] = readdirSync(tmp);
    expect(readFileSync(join(tmp, name)).length).toBeWithin(8 * KIB, 10 * KIB + 1);
    expect(counts).toEqual({ whole: 0, full: 1, failed: 0 });
  });

  test("is never larger than bytes, wherever that falls", async () => {
    const tmp = temporary();
    for (let bytes = 1_000; bytes < 1_060; bytes += 1) {
      const { recordings } = house({ dir: tmp, bytes });
      const recorder = recordings.start({ conn: `c${bytes}` });
      for (let i = 0; i < 40; i += 1) recorder.frame("out", new Uint8Array(9));
      await recordings.dispose();
      const name = readdirSync(tmp).find((each) => each.includes(`-c${bytes}.`)) ?? "";
      expect(readFileSync(join(tmp, name)).length).toBeLessThanOrEqual(bytes);
    }
  });

  test("has no bound if bytes is 0", async () => {
    const tmp = temporary();
    const { recordings } = house({ dir: tmp, bytes: 0 });
    const recorder = recordings.start({ conn: "c1" });
    for (let i = 0; i < 100; i += 1) recorder.frame("out", new Uint8Array(1_000));
    recorder.end();
    await recordings.dispose();
    expect(linesOf(tmp)).toHaveLength(102);
  });

  test("is one of many at a time, each whole in its own file", async () => {
    const tmp = temporary();
    const { recordings } = house({ dir: tmp });
    const all = Array.from({ length: 20 }, (_, i) => recordings.start({ conn: `c${i}` }));
    for (let round = 0; round < 10; round += 1)
      for (const [i, recorder] of all.entries()) recorder.frame("in", `${i} says ${round}`);
    await recordings.dispose();
    for (const name of readdirSync(tmp)) {
      const id = /-c(\d+)\./.exec(name)?.[1];
      const lines = readFileSync(join(tmp, name), "utf8").trimEnd().split("\n").map(readLine);
      const said = lines.flatMap((line) => (line.type === "frame" ? [line.frame.data] : []));
      expect(said).toEqual(Array.from({ length: 10 }, (_, round) => `${id} says ${round}`));
    }
    expect(readdirSync(tmp)).toHaveLength(20);
  });
});

describe("a recording on a disk that is slow or fails", () => {
  const big = new Uint8Array(6_000 * KIB);

  test("ends with a marker when 16 MiB wait, and says so", async () => {
    const disk = slowFolder();
    const { recordings, counts, log } = house({}, disk.folder);
    const recorder = recordings.start({ conn: "c1" });
    for (let i = 0; i < 9; i += 1) recorder.frame("out", big);
    recorder.frame("in", "after the end");
    expect(log.lines).toMatchObject([
      { level: "warn", conn: "c1", route: "/r", reason: "the disk does not keep up" },
    ]);
    await disk.turn();
    await eventually("it is closed", () => counts.failed === 1);
    const lines = disk.written().trimEnd().split("\n").map(readLine);
    expect(lines.map(({ type }) => type)).toEqual(["header", "frame", "frame", "end"]);
    expect(lines.at(-1)).toMatchObject({ end: "slow" });
  });

  test("ends when 64 MiB of all sessions wait", () => {
    const { recordings, log } = house({}, slowFolder().folder);
    for (const conn of ["c1", "c2", "c3", "c4", "c5"])
      recordings.start({ conn }).frame("out", new Uint8Array(11 * KIB * KIB));
    expect(log.lines).toMatchObject([{ conn: "c5", reason: "the disk does not keep up" }]);
  });

  test("leaves its room to others when it has failed", async () => {
    const handle = { appendFile: () => Promise.reject(new Error("no")) };
    const failing = { create: async () => ({ handle, release: async () => {} }) } as unknown as Folder;
    const { recordings, counts, log, clock } = house({}, failing);
    for (let i = 0; i < 8; i += 1) {
      clock.advance(60_000);
      recordings.start({ conn: `c${i}` }).frame("out", new Uint8Array(11 * KIB * KIB));
      await eventually("it has failed", () => counts.failed === i + 1);
    }
    expect(new Set(log.lines.map(({ reason }) => reason))).toEqual(new Set(["Error: no"]));
  });

  test("is counted once, though its end comes behind the error", async () => {
    const disk = slowFolder();
    const { recordings, counts } = house({}, disk.folder);
    const recorder = recordings.start({ conn: "c1" });
    await eventually("a write is under way", () => disk.isWriting());
    recorder.frame("in", "x");
    recorder.end();
    await disk.turn(new Error("ENOSPC"));
    await recordings.dispose();
    expect(counts).toEqual({ whole: 0, full: 0, failed: 1 });
  });

  test("takes one frame of any size when nothing else waits", async () => {
    const disk = slowFolder();
    const { recordings, counts } = house({ bytes: 0 }, disk.folder);
    const recorder = recordings.start({ conn: "c1" });
    await disk.turn();
    await eventually("the header is written", () => disk.written() !== "");
    recorder.frame("out", new Uint8Array(16 * KIB * KIB));
    recorder.end();
    await disk.turn();
    await eventually("it is closed", () => counts.whole === 1);
  });

  test("stops for good at the first error, and the session's next words go nowhere", async () => {
    const disk = slowFolder();
    const { recordings, counts, log } = house({}, disk.folder);
    const recorder = recordings.start({ conn: "c1" });
    await disk.turn(new Error("ENOSPC: no space left on device"));
    await eventually("it has failed", () => counts.failed === 1);
    recorder.frame("in", "more");
    recorder.end();
    await recordings.dispose();
    expect(disk.written()).toBe("");
    expect(log.lines).toMatchObject([{ reason: expect.stringContaining("ENOSPC") }]);
    expect(counts).toEqual({ whole: 0, full: 0, failed: 1 });
  });

  test("is warned of once a minute, and counted each time", async () => {
    const { recordings, counts, log, clock } = house({
      dir: "/dev/null/nowhere",
    });
    for (let i = 0; i < 3; i += 1) recordings.start({ conn: `c${i}` }).frame("in", "x");
    await eventually("all have failed", () => counts.failed === 3);
    expect(log.lines).toHaveLength(1);
    clock.advance(60_000);
    recordings.start({ conn: "c4" });
    await eventually("that one too", () => counts.failed === 4);
    expect(log.lines).toHaveLength(2);
  });

  test("does not hold up the end of the gateway for more than a second", async () => {
    const disk = slowFolder();
    const { recordings, clock } = house({}, disk.folder);
    recordings.start({ conn: "c1" });
    const disposed = recordings.dispose();
    clock.advance(1_000);
    await disposed;
    expect(clock.pending).toBe(0);
  });
});
