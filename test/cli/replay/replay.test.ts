/** What `fairlead replay` prints and plays, inside the test's process, to real sockets. */
import { describe, expect, test } from "bun:test";
import { openTcp, openWebSocket } from "../../../src/cli/replay/far-end.ts";
import { playRecording, printRecording, type ReplayIo } from "../../../src/cli/replay/replay.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Data } from "../../../src/connection.ts";
import { type Direction, endLine, frameLine, headerLine } from "../../../src/recording/lines.ts";
import { startGateway, type TestGateway } from "../../gateway.ts";
import { startService } from "../../tcp-service.ts";

const HEADER = headerLine({ version: "1", route: "/r", started: "2026", about: {} });
const SAID: readonly (readonly [Direction, Data])[] = [
  ["in", "hello"],
  ["out", "who is there?"],
  ["in", new Uint8Array([0, 255])],
  ["in", ""],
  ["out", new Uint8Array([7])],
];
const FRAMES = SAID.map(([dir, data], i) => frameLine({ t: i * 10, dir, data })).join("");
const WHOLE = HEADER + FRAMES + endLine(60, "closed");

function house(file: string | Error) {
  const printed: Data[] = [];
  const lines: string[] = [];
  let reads = true;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    if (file instanceof Error) throw file;
    yield Buffer.from(file);
  }
  const io: ReplayIo = {
    file: bytes(),
    name: "f",
    async print(data) {
      printed.push(data);
      return reads;
    },
    talk: (line) => void lines.push(line),
    clock: systemClock,
  };
  const leave = () => {
    reads = false;
  };
  return { io, printed, lines, leave };
}

const missing = Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT" });
const all = { direction: undefined, isRaw: false, speed: 0 } as const;

describe("a recording that is printed", () => {
  test("is a line for each frame, both directions or one", async () => {
    const { io, printed, lines } = house(WHOLE);
    expect(await printRecording(all, io)).toBe(0);
    expect(printed).toHaveLength(7);
    expect(printed.every((line) => String(line).endsWith("\n"))).toBe(true);
    const one = house(WHOLE);
    await printRecording({ ...all, direction: "out" }, one.io);
    expect(one.printed).toHaveLength(4);
    expect(lines).toEqual([]);
  });

  test("is the frames and nothing else if it is raw", async () => {
    const { io, printed } = house(WHOLE);
    await printRecording({ direction: "in", isRaw: true, speed: 0 }, io);
    expect(printed).toEqual(["hello", new Uint8Array([0, 255]), ""]);
  });

  test("takes its time if it has a speed", async () => {
    const { io } = house(WHOLE);
    const began = performance.now();
    await printRecording({ ...all, speed: 0.5 }, io);
    expect(performance.now() - began).toBeGreaterThan(75);
  });

  test("is printed as far as it can be read, then one line says what could not", async () => {
    const { io, printed, lines } = house(`${HEADER}{"t":1}\n?\n${FRAMES}`);
    expect(await printRecording(all, io)).toBe(1);
    expect(printed).toHaveLength(6);
    expect(lines).toEqual([
      "fairlead: f: line 2: dir: expected in or out, received nothing; of 3 problems this is the first",
    ]);
  });

  test("fails with one line if the file cannot be read", async () => {
    const { io, printed, lines } = house(missing);
    expect([await printRecording(all, io), printed]).toEqual([1, []]);
    expect(lines).toEqual(["fairlead: f: ENOENT: no such file"]);
  });

  test("shows what a terminal would obey in the file's name and the system's words", async () => {
    const { io, lines } = house(missing);
    await printRecording(all, { ...io, name: "\u001b[2J" });
    expect(lines).toEqual(["fairlead: \\u001b[2J: ENOENT: no such file"]);
  });

  test("ends when nobody reads any more", async () => {
    const { io, printed, leave } = house(WHOLE);
    leave();
    expect([await printRecording({ ...all, speed: 1 }, io), printed.length]).toEqual([0, 1]);
  });
});

describe("a recording that is played to a WebSocket", () => {
  const pipes = () =>
    startGateway({
      "/echo": { kind: "echo", welcome: false },
      "/small": { kind: "echo", welcome: false, maxMessage: 4 },
    });

  const play = (
    gateway: TestGateway,
    path: string,
    io: ReplayIo,
    asked: { direction?: Direction; speed?: number } = {},
  ) => {
    const url = gateway.ws(path);
    const options = { headers: [], tls: {}, perMessageDeflate: false } as const;
    const handshake = { url, options: { ...options, headers: [] }, warnings: [] };
    const open = () => openWebSocket(handshake, [], systemClock);
    return playRecording({ direction: "in", speed: 0, url, open, ...asked }, io);
  };

  test("says what one side said, text as text, and counts what comes back", async () => {
    await using gateway = await pipes();
    // It stays until the session ended: long enough for an echo on a machine that is busy.
    const { io, lines } = house(HEADER + FRAMES + endLine(1_000, "closed"));
    expect(await play(gateway, "/echo", io, { speed: 1 })).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(/^fairlead: played 3 frames, 7 B in \d\.\d s; 7 B came back$/),
    ]);
    expect(await gateway.metric('fairlead_messages_received_total{route="/echo"}')).toBe(3);
  });

  test("may be the other side's words", async () => {
    await using gateway = await pipes();
    const { io, lines } = house(WHOLE);
    expect(await play(gateway, "/echo", io, { direction: "out" })).toBe(0);
    expect(lines[0]).toContain("played 2 frames, 14 B");
  });

  test("stops where the file has a problem, because the rest would be another stream", async () => {
    await using gateway = await pipes();
    const { io, lines } = house(`${HEADER}${frameLine({ t: 0, dir: "in", data: "one" })}?\n${FRAMES}`);
    expect(await play(gateway, "/echo", io)).toBe(1);
    expect(lines).toEqual([
      expect.stringContaining("played 1 frame, 3 B"),
      "fairlead: f: line 3: is not a JSON object",
    ]);
  });

  test("says what the server closed with", async () => {
    await using gateway = await pipes();
    const { io, lines } = house(WHOLE);
    expect(await play(gateway, "/small", io, { speed: 0.1 })).toBe(1);
    expect(lines[0]).toContain("played 1 frame, 5 B");
    expect(lines[1]).toContain("it closed with 1009 too big");
  });

  test("connects to nobody if the file is none, and says why nobody could be connected to", async () => {
    await using gateway = await pipes();
    const bad = house("not a recording\n");
    expect(await play(gateway, "/echo", bad.io)).toBe(1);
    expect(bad.lines).toEqual(["fairlead: f: line 1: is not how a recording begins"]);
    expect(await gateway.metric('fairlead_connections_opened_total{route="/echo"}')).toBe(0);
    const { io, lines } = house(WHOLE);
    expect(await play(gateway, "/nowhere", io)).toBe(1);
    expect(lines).toEqual([expect.stringMatching(/: the handshake was refused with HTTP 404: not_found/)]);
  });
});

describe("a recording that is played to TCP", () => {
  const address = (target: string) => ({ host: "127.0.0.1", port: Number(target.split(":")[1]) });
  const play = (target: string, io: ReplayIo, speed = 0) =>
    playRecording(
      { direction: "in", speed, url: `tcp://${target}`, open: () => openTcp(address(target), systemClock) },
      io,
    );

  test("is the bytes of its frames, then the end", async () => {
    using service = await startService((peer) => peer.echo());
    const { io, lines } = house(WHOLE);
    const played = play(service.target, io);
    const peer = await service.next();
    await peer.ended();
    expect(peer.text()).toBe("hello\0\ufffd");
    expect(await played).toBe(0);
    expect(lines[0]).toContain("played 3 frames, 7 B");
    expect(lines[0]).toContain("7 B came back");
  });

  test("waits for a service that is slow to read", async () => {
    using service = await startService((peer) => peer.pause());
    const big = new Uint8Array(1_048_576);
    const frames = Array.from({ length: 40 }, () => frameLine({ t: 0, dir: "in", data: big })).join("");
    const { io } = house(HEADER + frames + endLine(0, "closed"));
    const played = play(service.target, io);
    const peer = await service.next();
    peer.resume();
    await peer.has(40 * big.length);
    expect(await played).toBe(0);
  });

  test("says it when the service goes away in the middle", async () => {
    using service = await startService();
    const { io, lines } = house(HEADER + FRAMES + endLine(60_000, "closed"));
    const played = play(service.target, io, 1);
    const peer = await service.next();
    await peer.has(1);
    peer.destroy();
    expect(await played).toBe(1);
    expect(lines[1]).toMatch(/it closed the connection|ECONNRESET|EPIPE/);
  });

  test("says it when nobody listens", async () => {
    const { io, lines } = house(WHOLE);
    expect(await play("127.0.0.1:1", io)).toBe(1);
    expect(lines).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });
});
