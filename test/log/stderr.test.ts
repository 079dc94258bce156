import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";
import { createLineSink } from "../../src/log/stderr.ts";
import { folder } from "../folder.ts";
import { bounded } from "../raw-client.ts";

const AGAIN = Object.assign(new Error("not now"), { code: "EAGAIN" });
const FULL = Object.assign(new Error("disk full"), { code: "ENOSPC" });

/** A sink whose reader takes so many bytes of each attempt, or answers with an error; everything, when there is no more to say. */
function sinkThatTakes(...answers: (number | Error)[]) {
  let taken = "";
  const retries: (() => void)[] = [];
  const sink = createLineSink(
    (bytes) => {
      const answer = answers.shift() ?? bytes.length;
      if (answer instanceof Error) throw answer;
      taken += Buffer.from(bytes.subarray(0, answer)).toString();
      return Math.min(answer, bytes.length);
    },
    (run) => void retries.push(run),
  );
  return { sink, taken: () => taken, answers, retries };
}

const exits = () => process.listenerCount("exit");

describe("a line for stderr", () => {
  test("is written whole, at once, and nothing is left to do", () => {
    const { sink, taken, retries } = sinkThatTakes();
    sink.write("one\n");
    sink.write("zwei ü\n");
    expect([taken(), sink.dropped, retries.length]).toEqual(["one\nzwei ü\n", 0, 0]);
  });

  test("waits if it is not taken yet, and goes before the next one", () => {
    const { sink, taken } = sinkThatTakes(AGAIN, AGAIN);
    for (const line of ["one\n", "two\n", "three\n"]) sink.write(line);
    expect([taken(), sink.dropped]).toEqual(["one\ntwo\nthree\n", 0]);
  });

  test("is finished before another one begins, if only its beginning was taken", () => {
    const { sink, taken, retries } = sinkThatTakes(2, AGAIN, 1, AGAIN);
    for (const line of ["one\n", "two\n", "three\n", "four\n"]) sink.write(line);
    expect([taken(), retries.length]).toEqual(["one", 1]);
    retries[0]?.();
    expect([taken(), sink.dropped]).toEqual(["one\ntwo\nthree\nfour\n", 0]);
  });

  test("is tried again a hundred times while no other comes, and then with the next one or at the exit", () => {
    const before = exits();
    const { sink, taken, answers, retries } = sinkThatTakes(...Array.from({ length: 101 }, () => AGAIN));
    sink.write("one\n");
    expect(exits()).toBe(before + 1);
    let tries = 0;
    for (let run = retries.shift(); run !== undefined; run = retries.shift(), tries += 1) run();
    expect([tries, answers.length, taken()]).toEqual([100, 0, ""]);
    sink.write("two\n");
    expect([taken(), exits(), retries.length]).toEqual(["one\ntwo\n", before, 0]);
  });

  test("is dropped and counted past 1 MiB that waits", () => {
    const { sink, taken, answers, retries } = sinkThatTakes();
    answers.push(...Array.from({ length: 50 }, () => AGAIN));
    const line = `${"x".repeat(65_535)}\n`;
    for (let n = 0; n < 20; n += 1) sink.write(line);
    expect([taken(), sink.dropped, retries.length]).toEqual(["", 4, 1]);
    answers.length = 0;
    retries[0]?.();
    expect(taken()).toBe(line.repeat(16));
    sink.write("after\n");
    expect([taken().endsWith("\nafter\n"), sink.dropped]).toEqual([true, 4]);
  });

  test("is dropped at once where nothing will ever take it, and the next one is tried all the same", () => {
    const { sink, taken, retries } = sinkThatTakes(FULL, FULL);
    for (const line of ["one\n", "two\n", "three\n"]) sink.write(line);
    expect([taken(), sink.dropped, retries.length]).toEqual(["three\n", 2, 0]);
  });
});

const LOG = join(import.meta.dir, "../../src/log.ts");

/** Nobody reads until the program has said on stdout what it lost, or for ten seconds. */
const UNREAD =
  '{ "$0" -e "$1" 2>&1 1>"$2"; } | { n=0; while [ ! -s "$2" ] && [ $n -lt 500 ]; do n=$((n+1)); sleep 0.02; done; cat; }';

async function unread(script: string): Promise<{ lost: number; said: string[] }> {
  const lost = join(folder(), "lost");
  const child = Bun.spawn(["sh", "-c", UNREAD, process.execPath, script, lost], { stdout: "pipe" });
  onTestFinished(() => child.kill("SIGKILL"));
  const said = await bounded("the end of the log", new Response(child.stdout).text());
  return { lost: Number(await Bun.file(lost).text()), said: said.trimEnd().split("\n") };
}

/** Together more than what waits and what a pipe holds. */
const LINES = 3_000;

test.each(["json", "pretty"])(
  "a %s log that nobody reads holds up nobody, and what was lost is counted",
  async (format) => {
    const { lost, said } = await unread(`
      const { createLog } = await import(${JSON.stringify(LOG)});
      const log = createLog({ level: "info", format: "${format}" });
      for (let n = 0; n < ${LINES}; n += 1) log.info({ n, rest: "x".repeat(1_000) }, "said");
      await new Promise((done) => setTimeout(done, 50));
      console.log(log.dropped);
      await new Promise((done) => setTimeout(done, 200));
    `);
    expect(lost).toBeGreaterThan(500);
    expect(said).toHaveLength(LINES - lost);
  },
);

test("a burst that a reader is too slow for is there when the process has ended", async () => {
  const script = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    const log = createLog({ level: "info", format: "json" });
    for (let n = 0; n < 5_000; n += 1) log.info({ n }, "said");
    process.exit(0);
  `;
  const child = Bun.spawn(["sh", "-c", '"$0" -e "$1" 2>&1 | cat', process.execPath, script], {
    stdout: "pipe",
  });
  const said = await bounded("the end of the log", new Response(child.stdout).text());
  expect(said.trimEnd().split("\n")).toHaveLength(5_000);
});
