import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { endLine, frameLine, headerLine } from "../../../src/recording/lines.ts";
import { folder } from "../../folder.ts";
import { startService } from "../../tcp-service.ts";
import { main, run } from "../fairlead.ts";

const SESSION =
  headerLine({ version: "1", route: "/r", started: "2026-11-21T14:30:47.123Z", about: { conn: "c1" } }) +
  frameLine({ t: 0, dir: "in", data: "hello\n" }) +
  frameLine({ t: 5, dir: "out", data: new Uint8Array([0xff, 0x00]) }) +
  endLine(10, "closed");

const replay = (...args: string[]) =>
  run(["replay", ...args], { cwd: folder({ "s.jsonl": SESSION, "cut.jsonl": SESSION.slice(0, -10) }) });

describe("fairlead replay", () => {
  test("prints a recording", () => {
    expect(replay("s.jsonl")).toEqual({
      code: 0,
      out: [
        "2026-11-21T14:30:47.123Z /r, by fairlead 1, conn c1",
        "    0.000  in  text 6 B: hello\\n",
        "    0.005  out binary 2 B: ff 00",
        "    0.010  =   the session ended",
        "",
      ].join("\n"),
      talk: "",
    });
  });

  test("prints the bytes of one side with --raw", () => {
    const cwd = folder({ "s.jsonl": SESSION });
    const { stdout } = Bun.spawnSync(
      [process.execPath, main, "replay", "s.jsonl", "--raw", "--direction", "out"],
      { cwd },
    );
    expect([...stdout]).toEqual([0xff, 0x00]);
  });

  test("prints what is left of one that was cut off, and fails", () => {
    const { code, out, talk } = replay("cut.jsonl");
    expect([code, out.split("\n").length]).toEqual([1, 4]);
    expect(talk).toMatch(/^fairlead: cut\.jsonl: line 4: .+\n$/);
  });

  test("says what is wrong with the command, before anything happens", () => {
    const wrong = [
      [[], "replay needs a file"],
      [["s.jsonl", "--direction", "up"], '--direction is in or out, got "up"'],
      [["s.jsonl", "--speed", "fast"], '--speed is a number like 1, 0.5 or 20, got "fast"'],
      [["s.jsonl", "--speed=-1"], "--speed is a number"],
      [["s.jsonl", "tcp://host"], 'the address "tcp://host" is not tcp://host:port'],
      [["s.jsonl", "tcp://h:99999"], "is not tcp://host:port"],
      [["s.jsonl", "ftp://x"], "is not ws:// or wss://"],
      [["s.jsonl", "ws://127.0.0.1:1", "--raw"], "--raw is for printing"],
    ] as const;
    for (const [args, text] of wrong) {
      const { code, out, talk } = replay(...args);
      expect([code, out]).toEqual([2, ""]);
      expect(talk).toContain(text);
    }
  });

  test("plays one side to a service", async () => {
    using service = await startService((peer) => peer.echo());
    const file = join(folder({ "s.jsonl": SESSION }), "s.jsonl");
    const child = Bun.spawn([process.execPath, main, "replay", file, `tcp://${service.target}`], {
      stdout: "pipe",
      stderr: "pipe",
      timeout: 10_000,
    });
    const peer = await service.next();
    await peer.ended();
    expect([peer.text(), await child.exited]).toEqual(["hello\n", 0]);
    expect(await child.stderr.text()).toMatch(/^fairlead: played 1 frame, 6 B in 0\.\d s; 6 B came back\n$/);
  });
});
