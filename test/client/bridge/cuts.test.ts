/**
 * Random cuts while both directions flow, against a gateway that keeps to the rules and holds the client to them: every byte arrives once, in
 * order, and both ends are told. The seed is in the test's name; FAIRLEAD_SEED repeats it.
 */
import { expect, test } from "bun:test";
import { openBridge } from "../../../src/client/bridge.ts";
import { testClock } from "../../clock.ts";
import { noise } from "../../routes/bridge-house.ts";
import { newSeed, seeded } from "../../seeded.ts";
import { modelGateway } from "./model-gateway.ts";

const MIB = 1024 * 1024;
const seed = newSeed();

/** A turn of the event loop, and a millisecond of the clock: frames and timers keep pace whatever the machine does. */
const pause = () => new Promise<void>((resolve) => setImmediate(resolve));

async function writeAll(writable: WritableStream<Uint8Array>, bytes: Uint8Array, chance: () => number) {
  const writer = writable.getWriter();
  for (let at = 0; at < bytes.length; ) {
    const most = chance() < 0.5 ? 500 : 300_000;
    const chunk = bytes.slice(at, at + 1 + Math.floor(chance() * most));
    await writer.write(chunk);
    chunk.fill(0);
    at += chunk.length;
    if (chance() < 0.05) await pause();
  }
  await writer.close();
}

/** Readers that take all, readers that bring memory, readers that rest. */
async function readAll(readable: ReadableStream<Uint8Array>, chance: () => number): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  for (;;) {
    const isOwn = chance() < 0.3;
    const reader = isOwn ? readable.getReader({ mode: "byob" }) : readable.getReader();
    for (let n = chance() * 10; n > 0; n--) {
      const own = new Uint8Array(1 + Math.floor(chance() * 9_000));
      const { done, value } = await ("read" in reader && isOwn
        ? (reader as ReadableStreamBYOBReader).read(own)
        : (reader as ReadableStreamDefaultReader<Uint8Array>).read());
      if (done) return Buffer.concat(read);
      read.push(value);
    }
    reader.releaseLock();
    for (let n = chance() < 0.5 ? chance() * 100 : 0; n > 0; n--) await pause();
  }
}

for (const [index, size] of [0, 1, 70_000, 6 * MIB, 6 * MIB].entries()) {
  test(`${size} bytes each way arrive once, in order, whatever is cut (seed ${seed}, run ${index})`, async () => {
    const chance = seeded(seed + index);
    const [up, down] = [new Uint8Array(noise(size, 1)), new Uint8Array(noise(size + index, 2))];
    const gateway = modelGateway(down, chance);
    const { WebSocket } = gateway;
    const clock = testClock();
    const bridge = openBridge("ws://host/", { WebSocket, clock, minDelay: 1, maxDelay: 20 });
    let isOver = false;
    const time = (async () => {
      for (let next = 0; !isOver; next--) {
        await pause();
        clock.advance(1);
        if (next > 0) continue;
        gateway.cut();
        next = chance() * 30;
      }
    })();
    const [read] = await Promise.all([
      readAll(bridge.readable, chance),
      writeAll(bridge.writable, up, chance),
    ]);
    await bridge.closed;
    isOver = true;
    await time;
    expect(gateway.complaints).toEqual([]);
    expect(Buffer.compare(read, down)).toBe(0);
    expect(Buffer.compare(Buffer.concat(gateway.heard), up)).toBe(0);
    expect([gateway.hasEnd, bridge.status.type]).toEqual([true, "closed"]);
    if (size > MIB) expect(gateway.connections).toBeGreaterThan(5);
  });
}
