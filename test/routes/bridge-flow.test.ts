import { describe, expect, test } from "bun:test";
import { eventually } from "../calm.ts";
import { memoryLog } from "../gateway.ts";
import { frame, OPCODE, upgrade } from "../raw-client.ts";
import {
  type BridgeHouse,
  binary,
  bridgeHouse,
  noise,
  oddPieces,
  readBytes,
  sha256,
} from "./bridge-house.ts";

const MIB = 1024 * 1024;
/** More than two kernels and the gateway hold between client and target. */
const PLENTY = 24 * MIB;

const received = ({ gateway }: BridgeHouse) =>
  gateway.metric('fairlead_messages_received_total{route="/bridge"}');

/** Resolves when the gateway reads nothing more, though the client has more to say. */
async function untilPaused(house: BridgeHouse): Promise<number> {
  let before = -1;
  await eventually("the gateway reads nothing more", async () => {
    const now = await received(house);
    const isStill = now === before && now > 0;
    before = now;
    return isStill;
  });
  return before;
}

describe("bytes are the same at the other end", () => {
  test("in pieces of odd sizes, up and back", async () => {
    await using house = await bridgeHouse({}, { serve: (peer) => peer.echo() });
    const { client, peer } = await house.join();
    const all = noise(8 * MIB);
    for (const piece of oddPieces(all)) client.write(binary(piece));
    expect(sha256(await readBytes(client, all.length))).toBe(sha256(all));
    expect(peer.hash()).toBe(sha256(all));
  });

  test("if both ends speak at once", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    const [up, down] = [noise(4 * MIB, 2), noise(4 * MIB, 3)];
    for (const piece of oddPieces(up)) client.write(binary(piece));
    for (const piece of oddPieces(down)) void peer.write(piece);
    expect(sha256(await readBytes(client, down.length))).toBe(sha256(down));
    await peer.has(up.length);
    expect(peer.hash()).toBe(sha256(up));
  });

  test("if the target stops reading again and again, and the gateway's buffer is used by another bridge meanwhile", async () => {
    await using house = await bridgeHouse();
    const [slow, other] = [await house.join(), await house.join()];
    const [up, more] = [noise(PLENTY, 2), noise(PLENTY, 3)];
    slow.peer.pause();
    const pieces = [...oddPieces(up)];
    const others = [...oddPieces(more)];
    for (const [index, piece] of pieces.entries()) {
      slow.client.write(binary(piece));
      other.client.write(binary(others[index] ?? ""));
    }
    for (let read = 0; read < up.length; read = slow.peer.received) {
      slow.peer.resume();
      await slow.peer.has(Math.min(up.length, read + 2 * MIB));
      slow.peer.pause();
    }
    await other.peer.has(more.length);
    expect([slow.peer.hash(), other.peer.hash()]).toEqual([sha256(up), sha256(more)]);
  });

  test("for each of two clients whose small frames come in one turn", async () => {
    await using house = await bridgeHouse();
    const both = [await house.join(), await house.join()];
    for (let i = 0; i < 500; i += 1) {
      for (const [index, { client }] of both.entries()) client.write(binary(`${index}:${i};`));
    }
    const expected = both.map((_, index) => Array.from({ length: 500 }, (_, i) => `${index}:${i};`).join(""));
    for (const [index, { peer }] of both.entries()) {
      await peer.has(expected[index]?.length ?? 0);
      expect(peer.text()).toBe(expected[index] ?? "");
    }
  });

  test("if messages are larger than what the gateway gathers", async () => {
    await using house = await bridgeHouse({ maxMessage: "8MiB" });
    const { client, peer } = await house.join();
    const all = noise(5 * MIB + 1);
    client.write(Buffer.concat([binary("before"), binary(all), binary("after")]));
    await peer.has(all.length + 11);
    expect(peer.hash()).toBe(sha256(Buffer.concat([Buffer.from("before"), all, Buffer.from("after")])));
  });
});

describe("a side that stops reading stops the other", () => {
  test("a target, and once it reads on everything arrives", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    peer.pause();
    const all = noise(PLENTY);
    for (let at = 0; at < all.length; at += MIB) client.write(binary(all.subarray(at, at + MIB)));
    expect(await untilPaused(house)).toBeLessThan(PLENTY / MIB);
    peer.resume();
    await peer.has(all.length);
    expect(peer.hash()).toBe(sha256(all));
  });

  test("a client, and once it reads on everything arrives", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.pause();
    const all = noise(PLENTY);
    let isWritten = false;
    const written = peer.write(all).then(() => {
      isWritten = true;
    });
    // The other way is open all the while, and what goes there shows that the gateway has had many turns.
    for (let i = 1; i <= 50; i += 1) {
      client.write(binary("x"));
      await peer.has(i);
    }
    expect(isWritten).toBe(false);
    client.resume();
    expect(sha256(await readBytes(client, all.length))).toBe(sha256(all));
    await written;
  });

  test("a target that takes nothing for stallTimeout costs the client its connection with 1013", async () => {
    await using house = await bridgeHouse({ stallTimeout: "150ms" });
    const { client, peer } = await house.join();
    peer.pause();
    for (let i = 0; i < PLENTY / MIB; i += 1) client.write(binary(noise(MIB)));
    expect(await client.ending()).toEqual({ code: 1013, reason: "the target takes nothing" });
    peer.resume();
    expect(await peer.ended()).toBe("reset");
    await house.expectCalm();
  });

  test("a client that takes nothing for stallTimeout is cut, and the log says 1013", async () => {
    const log = memoryLog();
    await using house = await bridgeHouse({ stallTimeout: "150ms" }, { parts: { log } });
    const { client, peer } = await house.join();
    client.pause();
    void peer.write(noise(PLENTY));
    await peer.ended();
    expect(log.lines).toContainEqual(expect.objectContaining({ text: "goodbye", code: 1013, local: true }));
    await house.expectCalm();
  });
});

describe("a heartbeat on a bridge", () => {
  const quick = { heartbeat: { ping: "50ms", pong: "50ms" } } as const;

  test("keeps a client that answers", async () => {
    await using house = await bridgeHouse(quick);
    const { client } = await house.join();
    for (let i = 0; i < 4; i += 1) {
      const { opcode, payload } = await client.next();
      expect(opcode).toBe(OPCODE.ping);
      client.write(frame(payload, { opcode: OPCODE.pong }));
    }
  });

  test("closes one that does not with 4008, and the target gets FIN", async () => {
    await using house = await bridgeHouse(quick);
    const { client, peer } = await house.join();
    client.write(binary("last words"));
    expect(await client.ending()).toEqual({ code: 4008, reason: "no pong" });
    expect(await peer.ended()).toBe("end");
    expect(peer.text()).toBe("last words");
    await house.expectCalm();
  });

  test("leaves one alone that merely reads nothing while data waits for it", async () => {
    await using house = await bridgeHouse(quick);
    const { client, peer } = await house.join();
    client.pause();
    const all = noise(PLENTY);
    const written = peer.write(all);
    // One that came later and is silent has been given up, a whole ping and pong long.
    for (let i = 0; i < 2; i += 1) {
      using silent = await upgrade(house.gateway.host, { path: "/bridge" });
      expect((await silent.ending()).code).toBe(4008);
    }
    client.resume();
    expect(sha256(await readBytes(client, all.length))).toBe(sha256(all));
    await written;
  });

  test("leaves one alone that the gateway does not read from, because its target is slow", async () => {
    await using house = await bridgeHouse(quick);
    const { client, peer } = await house.join();
    peer.pause();
    const all = noise(PLENTY);
    for (let at = 0; at < all.length; at += MIB) client.write(binary(all.subarray(at, at + MIB)));
    await untilPaused(house);
    for (let i = 0; i < 2; i += 1) {
      using silent = await upgrade(house.gateway.host, { path: "/bridge" });
      expect((await silent.ending()).code).toBe(4008);
    }
    peer.resume();
    await peer.has(all.length);
    expect(peer.hash()).toBe(sha256(all));
  });
});

test("200 clients that come and go leave nothing, whoever ends first", async () => {
  await using house = await bridgeHouse({ halfCloseTimeout: "5ms" });
  for (let i = 0; i < 50; i += 1) {
    const joined = await Promise.all(
      Array.from({ length: 4 }, () => upgrade(house.gateway.host, { path: "/bridge" })),
    );
    const peers = await Promise.all([0, 1, 2, 3].map(() => house.service.next()));
    for (const client of joined) client.write(binary("x"));
    for (const peer of peers) await peer.has(1);
    joined[0]?.reset();
    joined[1]?.[Symbol.dispose]();
    for (const peer of peers) peer.end();
    for (const client of joined.slice(2)) expect((await client.ending()).code).toBe(1000);
    for (const client of joined) client[Symbol.dispose]();
  }
  await house.expectCalm();
  await eventually("the service has no connection", () => house.service.open === 0);
  expect(house.service.accepted).toBe(200);
});
