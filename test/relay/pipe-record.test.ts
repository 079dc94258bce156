import { describe, expect, test } from "bun:test";
import { folder } from "../folder.ts";
import { startGateway } from "../gateway.ts";
import { upgrade } from "../raw-client.ts";
import { bytesOf, framesOf, recordingsIn } from "../recording/read-folder.ts";
import { binary, noise, oddPieces, readBytes, sha256 } from "../routes/bridge-house.ts";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

describe("a pipe that is recorded", () => {
  test("has what both ends said: center as in, local as out, what was kept too", async () => {
    const dir = folder();
    const house = pipeHouse({ record: dir });
    const local = house.join("local");
    local.say("I was here first");
    const center = house.join("center");
    center.say(new Uint8Array([1, 2]));
    local.say("");
    await turnEnd();
    center.leave();
    await house.route.dispose();
    const [lines] = recordingsIn(dir);
    expect(lines?.[0]).toMatchObject({
      header: { route: "/pipe", about: { conn: center.id, partner: local.id, group: "g" } },
    });
    expect(framesOf(lines)).toEqual([
      ["out", "I was here first"],
      ["in", new Uint8Array([1, 2])],
      ["out", ""],
    ]);
    expect(lines?.at(-1)).toMatchObject({ type: "end", end: "closed" });
  });

  test("has one recording for each pair, and none of who only waits", async () => {
    const dir = folder();
    const house = pipeHouse({ record: { dir, bytes: 10_000, files: 5 } });
    house.join("center", "alone").say("anybody?");
    for (const group of ["a", "b"]) {
      const { center } = house.pair(group);
      center.say(group);
      center.leave();
    }
    await house.route.dispose();
    const said = recordingsIn(dir).map((lines) => framesOf(lines));
    expect(said.toSorted()).toEqual([[["in", "a"]], [["in", "b"]]]);
  });

  test("goes on if nothing can be recorded", async () => {
    const house = pipeHouse({ record: "/dev/null/nowhere" });
    const { center, local } = house.pair();
    center.say("hello");
    await turnEnd();
    await house.route.dispose();
    expect([local.sent, house.counters.recordings.failed]).toEqual([["hello"], 1]);
  });

  test("carries a stream whole, and the recording has all of it", async () => {
    const dir = folder();
    const whole = noise(8 * 1_048_576);
    {
      await using gateway = await startGateway({ "/pipe": { kind: "relay", mode: "pipe", record: dir } });
      using center = await upgrade(gateway.host, { path: "/pipe?group=g&role=center" });
      using local = await upgrade(gateway.host, { path: "/pipe?group=g&role=local" });
      for (const piece of oddPieces(whole)) center.write(binary(piece));
      expect(sha256(await readBytes(local, whole.length))).toBe(sha256(whole));
    }
    const [lines] = recordingsIn(dir);
    expect(lines?.at(-1)).toMatchObject({ end: "closed" });
    expect(sha256(bytesOf(lines, "in"))).toBe(sha256(whole));
  });
});
