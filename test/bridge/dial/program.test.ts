import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";
import { type ProgramOptions, startProgram } from "../../../src/bridge/dial/program.ts";
import { eventually } from "../../calm.ts";
import { testClock } from "../../clock.ts";
import { folder } from "../../folder.ts";
import { memoryLog } from "../../gateway.ts";
import { hasEnded } from "../../process.ts";
import { CALLER } from "../admit-request.ts";
import { unexpected } from "../fake-upstream.ts";

/** Starts a process in a group of its own that shares its pipes, says its number, and stays. */
const LEAVES_ONE_BEHIND = `
  const { spawn } = require("node:child_process");
  console.log(spawn("sleep", ["60"], { detached: true, stdio: "inherit" }).pid);
  setInterval(() => {}, 1000);
`;

/** A program of `/bin/sh`, unless `command` is another. `heard` is what it said, `ended` how it went. */
async function programHouse(script: string, options: Partial<ProgramOptions> = {}) {
  const [clock, log] = [testClock(), memoryLog()];
  let heard = "";
  const ended: string[] = [];
  let released = 0;
  const command = ["/bin/sh", "-c", script];
  const handler = {
    data(chunk: Buffer) {
      heard += chunk;
    },
    drain: () => {},
    end: () => void ended.push("end"),
    close: (error: Error | undefined) => void ended.push(error === undefined ? "close" : error.message),
  };
  const release = () => {
    released += 1;
  };
  const slot = { handler, target: "exec:sh", release, failed: unexpected };
  const settings = { command, caller: CALLER, clock, log, route: "/b", ...options };
  const upstream = await startProgram(settings, slot);
  onTestFinished(() => {
    upstream.terminate();
    upstream.terminate();
  });
  upstream.resume();
  const said = (text: string) => log.lines.filter((line) => line.text === text);
  return {
    clock,
    upstream,
    write: (text: string) => upstream.write(Buffer.from(text)),
    lines: () => said("the program says").map(({ line }) => line),
    exits: () => said("the program has ended").map(({ status }) => status),
    gone: () => eventually("the program's end", () => ended.includes("close")),
    hears: (text: string) => eventually(`it says ${text}`, () => heard.includes(text)),
    get heard() {
      return heard;
    },
    ended,
    get released() {
      return released;
    },
  };
}

describe("a program", () => {
  test("has the stream as its stdin and stdout, and the end of the one as the end of its input", async () => {
    const house = await programHouse("cat; echo done");
    house.write("hello\n");
    await house.hears("hello");
    house.upstream.shutdown();
    await house.gone();
    expect(house.heard).toBe("hello\ndone\n");
    expect([house.ended, house.exits(), house.released]).toEqual([["end", "close"], [0], 1]);
  });

  test("ends the stream by its exit, whatever its status, and the log has that", async () => {
    const house = await programHouse("echo last words; exit 3");
    await house.gone();
    expect([house.heard, house.ended, house.exits()]).toEqual(["last words\n", ["end", "close"], [3]]);
  });

  test("gets its arguments as they are: no shell reads them", async () => {
    const house = await programHouse("", { command: ["/bin/echo", "$HOME", "a  b", ";", "*", "`id`"] });
    await house.gone();
    expect(house.heard).toBe("$HOME a  b ; * `id`\n");
  });

  test("knows who is there, and nothing of the gateway's environment that may be secret", async () => {
    process.env["FAIRLEAD_TEST_SECRET"] = "hunter2";
    onTestFinished(() => void delete process.env["FAIRLEAD_TEST_SECRET"]);
    const house = await programHouse("env");
    await house.gone();
    expect(house.heard).toContain("REMOTE_ADDR=192.0.2.7\n");
    expect(house.heard).toContain("REMOTE_PORT=4000\n");
    expect(house.heard).toContain(`PATH=${process.env["PATH"]}\n`);
    expect(house.heard).not.toContain("hunter2");
  });

  test("that is not there or may not run is refused with the system's reason", async () => {
    const missing = programHouse("", { command: [join(folder(), "missing")] });
    expect(missing).rejects.toThrow(expect.objectContaining({ code: "ENOENT" }));
    const plain = programHouse("", { command: [join(folder({ plain: "text" }), "plain")] });
    expect(plain).rejects.toThrow(expect.objectContaining({ code: "EACCES" }));
  });

  test("that reads nothing is given no more than fits, and is not waited for", async () => {
    const house = await programHouse("echo up; sleep 60");
    await house.hears("up");
    let taken = 0;
    for (let round = 0; round < 100; round += 1) {
      const now = house.upstream.write(new Uint8Array(65_536));
      taken += now;
      if (now === 0) await new Promise((done) => setImmediate(done));
    }
    expect(taken).toBeLessThan(1024 * 1024);
  });

  test("that closes its stdin takes nothing more, and is still heard", async () => {
    const house = await programHouse("exec <&-; echo deaf; sleep 0.05; echo but not mute");
    await house.hears("deaf");
    await eventually("a write fails", () => house.write("x") < 0);
    await house.gone();
    expect(house.heard).toBe("deaf\nbut not mute\n");
  });
});

describe("the end of a program", () => {
  test("is SIGTERM, and what it has started is ended too", async () => {
    const house = await programHouse("sleep 60 & echo $!; wait");
    await house.hears("\n");
    house.upstream.end();
    await house.gone();
    expect(house.exits()).toEqual(["SIGTERM"]);
    await eventually("its child is gone", () => hasEnded(Number(house.heard)));
  });

  test("leaves no timer behind when nothing of it is left", async () => {
    const house = await programHouse("cat");
    house.upstream.shutdown();
    await house.gone();
    expect([house.exits(), house.clock.pending]).toEqual([[0], 0]);
  });

  test("is SIGKILL 5 s later if it does not listen", async () => {
    const house = await programHouse("trap '' TERM; echo up; while :; do sleep 0.02; done");
    await house.hears("up");
    house.upstream.end();
    house.clock.advance(4_999);
    await new Promise((done) => setImmediate(done));
    expect(house.exits()).toEqual([]);
    house.clock.advance(1);
    await house.gone();
    expect(house.exits()).toEqual(["SIGKILL"]);
  });

  test("is SIGKILL 5 s later for what it has started, too, also if that has closed the pipes", async () => {
    const deaf = `trap "" TERM; echo $$; exec sleep 60 <&- >&- 2>&-`;
    const house = await programHouse(`sh -c '${deaf}' & cat`);
    await house.hears("\n");
    const left = Number(house.heard);
    house.upstream.end();
    await house.gone();
    expect(hasEnded(left)).toBe(false);
    house.clock.advance(5_000);
    await eventually("what it has started is gone", () => hasEnded(left));
    expect(house.clock.pending).toBe(0);
  });

  test("is SIGKILL at once if it is ended once more", async () => {
    const house = await programHouse("trap '' TERM; echo up; while :; do sleep 0.02; done");
    await house.hears("up");
    house.upstream.end();
    house.upstream.terminate();
    await house.gone();
    expect(house.exits()).toEqual(["SIGKILL"]);
  });

  test("lets go of its pipes with the SIGKILL, also if something that left its group holds them", async () => {
    const house = await programHouse("", { command: [process.execPath, "-e", LEAVES_ONE_BEHIND] });
    await house.hears("\n");
    const left = Number(house.heard);
    onTestFinished(() => void process.kill(left, "SIGKILL"));
    house.upstream.end();
    await eventually("the program's exit", () => house.exits().length === 1);
    expect(house.ended).toEqual([]);
    house.clock.advance(5_000);
    await house.gone();
    expect([house.released, hasEnded(left)]).toEqual([1, false]);
  });

  test("is that of the stream, also if something that it left behind holds its stdout", async () => {
    const house = await programHouse("sleep 60 & echo $!");
    await house.gone();
    await eventually("what it left is gone", () => hasEnded(Number(house.heard)));
  });
});

describe("stderr of a program", () => {
  test("is in the log, line by line, with the program's name and number, an unfinished last one too", async () => {
    const house = await programHouse(
      "echo one >&2; echo >&2; printf 'two\\r\\nthr' >&2; sleep 0.02; printf ee >&2",
    );
    await house.gone();
    expect(house.lines()).toEqual(["one", "two", "three"]);
  });

  test("is cut where a line is long, and logged no more after a thousand of them", async () => {
    const long = "head -c 100000 /dev/zero | tr '\\0' x";
    const script = `(printf 'short\\n%02000d\\nend\\n' 0; ${long}; echo; yes | head -n 5000) >&2`;
    const house = await programHouse(script);
    await house.gone();
    const lines = house.lines();
    expect(lines.slice(0, 4)).toEqual(["short", "0".repeat(1_024), "end", "x".repeat(1_024)]);
    expect(lines.length).toBe(1_000);
    expect(lines.at(-1)).toBe("(no more of its lines is logged)");
  });
});
