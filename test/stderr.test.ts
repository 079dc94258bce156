import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";
import { createLineSink } from "../src/stderr.ts";
import { folder } from "./folder.ts";
import { bounded } from "./raw-client.ts";

/** A sink whose reader takes so many bytes of each attempt; none at all is an error, as with a full pipe. */
function sinkThatTakes(...counts: number[]) {
  let taken = "";
  const sink = createLineSink((bytes) => {
    const count = Math.min(counts.shift() ?? Number.POSITIVE_INFINITY, bytes.length);
    if (count === 0) throw new Error("EAGAIN");
    taken += Buffer.from(bytes.subarray(0, count)).toString();
    return count;
  });
  return { sink, taken: () => taken };
}

describe("a line for stderr", () => {
  test("is written whole", () => {
    const { sink, taken } = sinkThatTakes();
    sink.write("one\n");
    sink.write("zwei ü\n");
    expect([taken(), sink.dropped]).toEqual(["one\nzwei ü\n", 0]);
  });

  test("is dropped and counted if it is not taken, and the next one is tried again", () => {
    const { sink, taken } = sinkThatTakes(0, 0);
    for (const line of ["one\n", "two\n", "three\n"]) sink.write(line);
    expect([taken(), sink.dropped]).toEqual(["three\n", 2]);
  });

  test("is finished before another one begins, if only its beginning was taken", () => {
    const { sink, taken } = sinkThatTakes(2, 0, 1);
    for (const line of ["one\n", "two\n", "three\n", "four\n"]) sink.write(line);
    expect([taken(), sink.dropped]).toEqual(["one\nfour\n", 2]);
  });
});

const LOG = join(import.meta.dir, "../src/log.ts");

/** Nobody reads until the program has said on stdout what it lost. */
const UNREAD = '{ "$0" -e "$1" 2>&1 1>"$2"; } | { while [ ! -s "$2" ]; do sleep 0.02; done; cat; }';

test.each(["json", "pretty"])(
  "a %s log that nobody reads holds up nobody, and counts what was lost",
  async (format) => {
    const script = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    const log = createLog({ level: "info", format: "${format}" });
    for (let n = 0; n < 5_000; n += 1) log.info({ n }, "said");
    await new Promise((done) => setImmediate(done));
    console.log(log.dropped);
  `;
    const lost = join(folder(), "lost");
    const child = Bun.spawn(["sh", "-c", UNREAD, process.execPath, script, lost], { stdout: "pipe" });
    onTestFinished(() => child.kill("SIGKILL"));
    const said = await bounded("the end of the log", new Response(child.stdout).text());
    const dropped = Number(await Bun.file(lost).text());
    expect(dropped).toBeGreaterThan(1_000);
    expect(5_000 - dropped - said.trimEnd().split("\n").length).toBe(0);
  },
);
