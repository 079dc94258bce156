/**
 * A pipe that is recorded while the disk fills up. The disk is a limit of the process on the size of its files: the system refuses a write
 * like a full disk does.
 */
import { expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { main, run } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { upgrade } from "../raw-client.ts";
import { binary, noise, oddPieces, readBytes, sha256 } from "../routes/bridge-house.ts";
import { start } from "./program.ts";

const MIB = 1_048_576;

test("loses the recording and nothing else, says so, and what was written can be replayed", async () => {
  const cwd = folder();
  const command = [main, "relay", "--mode", "pipe", "--record", "tapes", "--port", "0"];
  const quoted = [process.execPath, ...command].map((word) => `'${word}'`).join(" ");
  const program = start(["sh", "-c", `ulimit -S -f 2000; exec ${quoted}`], { cwd });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  {
    using center = await upgrade(host, { path: "/?group=g&role=center" });
    using local = await upgrade(host, { path: "/?group=g&role=local" });
    const whole = noise(8 * MIB);
    for (const piece of oddPieces(whole)) center.write(binary(piece));
    expect(sha256(await readBytes(local, whole.length))).toBe(sha256(whole));
    await program.says(/EFBIG.*! a recording stopped, the session goes on/);
    local.write(binary("still here"));
    expect(String(await readBytes(center, 10))).toBe("still here");
  }
  const metrics = await (await fetch(`http://${host}/metrics`)).text();
  expect(metrics).toContain('fairlead_recordings_total{route="/*",result="failed"} 1\n');
  program.kill("SIGTERM");
  expect(await program.ended(15)).toBe(0);

  const [name = ""] = readdirSync(join(cwd, "tapes"));
  const file = join(cwd, "tapes", name);
  expect(statSync(file).size).toBeGreaterThan(100_000);
  const { code, out, talk } = run(["replay", file]);
  expect([code, out.split("\n").length > 5]).toEqual([1, true]);
  expect(talk).toMatch(/: line \d+: is not a JSON object\n$/);
});
