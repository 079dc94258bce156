/** The program itself as a bridge, in a process of its own: much data, and memory while one side does not read. */
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type RawClient, upgrade } from "../raw-client.ts";
import { binary, noise, oddPieces, readBytes, sha256 } from "../routes/bridge-house.ts";
import { startService, type TcpPeer } from "../tcp-service.ts";
import { project } from "./clone.ts";
import { start, within } from "./program.ts";

const MIB = 1024 * 1024;
const OFFERED = 1024 * MIB;
/** What a stalled side may cost: what waits for it, one read, and what an allocator needs to hand them around. */
const STALLED = 8 * MIB;
/** Long enough for the offer to stand still; what grows after that grows for ever. */
const STANDSTILL_MS = 300;
const PIECE = noise(MIB);

async function bridge(serve: (peer: TcpPeer) => void = () => {}) {
  const service = await startService(serve);
  // Run by Bun, the launcher becomes the program without a second process.
  const program = start([process.execPath, "bin/fairlead.mjs", "bridge", "0", service.target], {
    cwd: project,
  });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  const join = async () => {
    const client = await upgrade(host, { path: "/" });
    return { client, peer: await service.next() };
  };
  const warm = await join();
  warm.peer.echo();
  for (let i = 0; i < 16; i += 1) {
    warm.client.write(binary(PIECE));
    await readBytes(warm.client, PIECE.length);
  }
  warm.client[Symbol.dispose]();
  return {
    join,
    residentBytes() {
      const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      program.kill("SIGTERM");
      expect(await program.ended()).toBe(0);
    },
  };
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
const times = OFFERED / PIECE.length;

/** sha256 of all that is offered. */
function offeredHash(): string {
  const hash = createHash("sha256");
  for (let i = 0; i < times; i += 1) hash.update(PIECE);
  return hash.digest("hex");
}

/** Says all of it, as fast as it is taken. */
async function offerUp(client: RawClient): Promise<void> {
  const message = binary(PIECE);
  for (let i = 0; i < times; i += 1) {
    client.write(message);
    while (client.unsent > 2 * MIB) await tick();
  }
}

async function offerDown(peer: TcpPeer): Promise<void> {
  for (let i = 0; i < times; i += 1) await peer.write(PIECE);
}

/** The most that memory grew since the start, looked at until nothing moves any more. */
async function growthUntilStill(residentBytes: () => number, moved: () => number): Promise<number> {
  const before = residentBytes();
  let [growth, at, since] = [0, moved(), performance.now()];
  while (performance.now() - since < STANDSTILL_MS) {
    await tick();
    growth = Math.max(growth, residentBytes() - before);
    if (moved() !== at) [at, since] = [moved(), performance.now()];
  }
  return growth;
}

test("64 MiB in pieces of odd sizes are the same up and down", async () => {
  await using house = await bridge();
  const { client, peer } = await house.join();
  peer.echo();
  const all = noise(64 * MIB, 7);
  const saying = (async () => {
    for (const piece of oddPieces(all)) {
      client.write(binary(piece));
      while (client.unsent > 2 * MIB) await tick();
    }
  })();
  expect(sha256(await readBytes(client, all.length))).toBe(sha256(all));
  await saying;
  expect(peer.hash()).toBe(sha256(all));
}, 60_000);

test("memory stands still while a target that is offered 1 GiB does not read, and then everything arrives", async () => {
  await using house = await bridge();
  const { client, peer } = await house.join();
  peer.pause();
  const offering = offerUp(client);
  expect(await growthUntilStill(house.residentBytes, () => client.unsent)).toBeLessThan(STALLED);
  peer.resume();
  await offering;
  await within(30, untilReceived(peer), () => `${peer.received} of ${OFFERED} bytes came`);
  expect(peer.hash()).toBe(offeredHash());
}, 60_000);

test("memory stands still while a client that is offered 1 GiB does not read, and then everything arrives", async () => {
  await using house = await bridge();
  const { client, peer } = await house.join();
  client.pause();
  const offering = offerDown(peer);
  expect(await growthUntilStill(house.residentBytes, house.residentBytes)).toBeLessThan(STALLED);
  client.resume();
  const hash = createHash("sha256");
  for (let got = 0; got < OFFERED; ) {
    const { payload } = await client.next();
    got += payload.length;
    hash.update(payload);
  }
  await offering;
  expect(hash.digest("hex")).toBe(offeredHash());
}, 60_000);

async function untilReceived(peer: TcpPeer): Promise<void> {
  while (peer.received < OFFERED) await tick();
}
