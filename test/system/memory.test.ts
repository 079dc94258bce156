/**
 * Memory under readers that do not read. What may wait for one reader is 1 MiB and one read of its source; the bounds are
 * a few times that, because allocators need room, and a fiftieth of what is offered, because a leak needs more.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually, expectEcho } from "../calm.ts";
import { dial, type FrameOptions, frame, head, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { type House, KIB, MIB, OFFERED, offer, openHouse, PATTERN, write } from "./memory-house.ts";

/** One read of 20,000 small messages is an object each in the runtime's hands: 6 to 16 MiB, as the collector finds time. */
const STILL = 20 * MIB;
/** While hundreds of MiB flow in a second, what is not yet collected counts too. */
const FLOWING = 48 * MIB;
/** One read of the socket may bring 75,000 one-byte messages, a kilobyte each in the runtime's hands. */
const SWARMING = 192 * MIB;

const blob = (size: number, byte = 1) => frame(Buffer.alloc(size, byte), { opcode: OPCODE.binary });
const many = (
  payload: string | Uint8Array,
  times: number,
  options: FrameOptions = { opcode: OPCODE.binary },
) => Buffer.concat(Array.from({ length: times }, () => frame(payload, options)));

const SAID = (256 * MIB) / (64 * KIB);
const envelope = (sender: string, content: string) =>
  frame(JSON.stringify({ group_id: "g", sender_type: sender, receiver_type: "", content }));

let house: House;
beforeAll(async () => {
  house = await openHouse();
  using warm = await upgrade(house.host, { path: "/echo" });
  for (let n = 0; n < 200; n += 1) await expectEcho(warm, "x".repeat(100_000));
  // Compiled code and the heap's first objects are paid for before anything is measured.
  for (let n = 0; n < 20; n += 1) {
    warm.write(many(Buffer.alloc(20), 4_000));
    for (let m = 0; m < 4_000; m += 1) await warm.next();
  }
});
afterAll(() => house[Symbol.asyncDispose]());

/** Runs an attack; afterwards the next client is served, every descriptor is back, and so is the memory. */
async function attack(run: () => Promise<void>): Promise<void> {
  const before = house.residentBytes();
  await run();
  await eventually("descriptors back", async () => (await house.metric("fairlead_descriptors_used")) === 0);
  using next = await upgrade(house.host, { path: "/echo" });
  await expectEcho(next, "next, please");
  await eventually("the memory back", () => house.residentBytes() - before < STILL);
}

describe("memory stays flat while somebody sends and reads nothing:", () => {
  test.each([
    ["64 KiB messages to an echo", "/echo", blob(64 * KIB)],
    ["1 MiB messages to an echo", "/echo", blob(MIB)],
    ["20-byte messages to an echo", "/echo", many(Buffer.alloc(20), 2_000)],
    ["empty messages to an echo", "/echo", many("", 8_000)],
    ["256 KiB messages to a bridge whose target does not read", "/bridge", blob(256 * KIB)],
    ["20-byte messages to a bridge whose target does not read", "/bridge", many(Buffer.alloc(20), 2_000)],
    ["64 KiB messages to a room", "/room/alone", blob(64 * KIB)],
    ["64 KiB messages to a pipe without a partner", "/pipe?group=alone&role=center", blob(64 * KIB)],
    ["empty messages to a pipe without a partner", "/pipe?group=alone&role=center", many("", 8_000)],
    ["pings", "/echo", many("x".repeat(125), 1_000, { opcode: OPCODE.ping })],
  ])("%s", async (_, path, bytes) => {
    house.target = { sends: 0, reads: false };
    await attack(async () => {
      using client = await upgrade(house.host, { path });
      client.pause();
      expect(await house.growthDuring(() => offer(client, bytes))).toBeLessThan(STILL);
    });
  });

  test.each([
    ["64 KiB", blob(64 * KIB), FLOWING],
    ["20 B", many(Buffer.alloc(20), 2_000), SWARMING],
    ["1 B", many(Buffer.alloc(1), 8_000), SWARMING],
  ])("messages of %s to a feed, which pauses nobody", async (_, bytes, bound) => {
    await attack(async () => {
      using client = await upgrade(house.host, { path: "/feed/own" });
      client.pause();
      expect(await house.growthDuring(() => offer(client, bytes))).toBeLessThan(bound);
    });
  });

  test("four million empty fragments of one message", async () => {
    await attack(async () => {
      using client = await upgrade(house.host, { path: "/echo" });
      client.write(frame("", { fin: false }));
      const fragments = many("", 8_000, { opcode: OPCODE.continuation, fin: false });
      const flood = () => write(client, 500, () => fragments);
      expect(await house.growthDuring(flood)).toBeLessThan(STILL);
      client.write(frame("done", { opcode: OPCODE.continuation }));
      expect((await client.next()).payload.toString()).toBe("done");
    });
  });
});

describe("memory stays flat while somebody else does not read", () => {
  test("a bridge whose target sends 1 GiB, and then every byte arrives", async () => {
    house.target = { sends: OFFERED, reads: true };
    await attack(async () => {
      using client = await upgrade(house.host, { path: "/bridge" });
      client.pause();
      expect(await house.growthDuring(() => Bun.sleep(1_000))).toBeLessThan(8 * MIB);
      client.resume();
      expect(await house.growthDuring(() => readPattern(client, OFFERED))).toBeLessThan(FLOWING);
    });
  });

  test("a room in which another one says 256 MiB; the others hear everything", async () => {
    await attack(async () => {
      const closed = await house.metric('fairlead_connections_closed_total{route="/room/:name",code="1013"}');
      using stalled = await upgrade(house.host, { path: "/room/a" });
      using speaker = await upgrade(house.host, { path: "/room/a" });
      stalled.pause();
      expect(await house.growthDuring(() => converse(speaker))).toBeLessThan(FLOWING);
      expect(await house.metric('fairlead_connections_closed_total{route="/room/:name",code="1013"}')).toBe(
        closed + 1,
      );
    });
  });

  test("a feed with 256 MiB; the reader loses some and gets the newest", async () => {
    await attack(async () => {
      using stalled = await upgrade(house.host, { path: "/feed/a" });
      using speaker = await upgrade(house.host, { path: "/feed/a" });
      stalled.pause();
      expect(await house.growthDuring(() => converse(speaker))).toBeLessThan(FLOWING);
      stalled.resume();
      speaker.write(frame("the end"));
      let received = 0;
      while ((await stalled.next()).opcode !== OPCODE.text) received += 1;
      expect(received).toBeGreaterThan(0);
      expect(received).toBeLessThan(SAID);
    });
  });

  test("an event stream of a feed with 256 MiB", async () => {
    await attack(async () => {
      using stalled = await dial(house.host);
      using speaker = await upgrade(house.host, { path: "/feed/events" });
      stalled.pause();
      const headers = { Upgrade: null, Connection: null, Accept: "text/event-stream" };
      stalled.write(head({ path: "/feed/events", headers }));
      const streams = "fairlead_descriptors_used";
      await eventually("the stream", async () => (await house.metric(streams)) === 2);
      expect(await house.growthDuring(() => converse(speaker))).toBeLessThan(FLOWING);
    });
  });

  test("a relay whose partner sends 256 MiB; the partner is paused, and every message arrives", async () => {
    await attack(async () => {
      using local = await upgrade(house.host, { path: "/relay" });
      using center = await upgrade(house.host, { path: "/relay" });
      local.write(envelope("local", "hello"));
      await local.next();
      center.write(envelope("center", "hello"));
      await center.next();
      const count = (256 * MIB) / (64 * KIB);
      const text = "x".repeat(64 * KIB);
      local.pause();
      const writing = write(center, count, (n) => envelope("center", `${n} ${text}`));
      expect(await house.growthDuring(() => Bun.sleep(500))).toBeLessThan(STILL);
      local.resume();
      let arrived = 0;
      while (arrived < count) {
        const { content, sender_type } = JSON.parse((await local.next()).payload.toString());
        if (sender_type !== "center") continue;
        if (!content.startsWith(`${arrived} `)) continue;
        arrived += 1;
      }
      await writing;
    });
  });
});

test("a pipe with a stalled reader holds next to nothing of 128 MiB, and every message arrives", async () => {
  const count = (128 * MIB) / (64 * KIB);
  await attack(async () => {
    using local = await upgrade(house.host, { path: "/pipe?group=g&role=local" });
    using center = await upgrade(house.host, { path: "/pipe?group=g&role=center" });
    local.pause();
    const writing = write(center, count, (n) => blob(64 * KIB, n % 251));
    expect(await house.growthDuring(() => Bun.sleep(500))).toBeLessThan(STILL);
    local.resume();
    expect(await house.growthDuring(() => readBlobs(local, count))).toBeLessThan(FLOWING);
    await writing;
  });
});

test("1 GiB goes through an echo whose client begins to read late, every byte in order", async () => {
  await attack(async () => {
    using client = await upgrade(house.host, { path: "/echo" });
    client.pause();
    const count = OFFERED / (256 * KIB);
    const frames = Array.from({ length: 251 }, (_, n) => blob(256 * KIB, n));
    const echo = async () => {
      const writing = write(client, count, (n) => frames[n % 251] ?? Buffer.alloc(0));
      await Bun.sleep(500);
      client.resume();
      await readBlobs(client, count);
      await writing;
    };
    expect(await house.growthDuring(echo)).toBeLessThan(FLOWING);
  });
});

/** Says SAID messages to everybody, and hears each of them, never more than a few ahead. */
async function converse(speaker: RawClient): Promise<void> {
  for (let n = 0; n < SAID; n += 1) {
    speaker.write(blob(64 * KIB, n % 251));
    if (n < 8) continue;
    const { payload } = await speaker.next();
    expect(payload[0]).toBe((n - 8) % 251);
  }
  await readBlobs(speaker, 8, (SAID - 8) % 251);
}

/** Reads `count` messages, each full of the number it has, modulo 251. */
async function readBlobs(client: RawClient, count: number, first = 0): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const { payload } = await client.next();
    const byte = (first + n) % 251;
    if (payload[0] !== byte || payload.at(-1) !== byte) throw new Error(`message ${n} holds ${payload[0]}`);
  }
}

async function readPattern(client: RawClient, size: number): Promise<void> {
  for (let at = 0; at < size; ) {
    const { payload } = await client.next();
    const start = at % 251;
    if (!payload.equals(PATTERN.subarray(start, start + payload.length)))
      throw new Error(`other bytes at ${at}`);
    at += payload.length;
  }
}
