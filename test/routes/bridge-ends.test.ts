import { describe, expect, test } from "bun:test";
import { eventually } from "../calm.ts";
import { memoryLog } from "../gateway.ts";
import { closePayload, frame, OPCODE } from "../raw-client.ts";
import {
  type BridgeHouse,
  binary,
  bridgeHouse,
  noise,
  readBytes,
  readToEnd,
  sha256,
} from "./bridge-house.ts";

const MIB = 1024 * 1024;
/** Messages that the gateway has read from clients. */
const received = ({ gateway }: BridgeHouse) =>
  gateway.metric('fairlead_messages_received_total{route="/bridge"}');
const close = (code: number) => frame(closePayload(code), { opcode: OPCODE.close });

describe("when the target sends FIN", () => {
  test("a client that reads slowly gets everything, and may answer meanwhile", async () => {
    await using house = await bridgeHouse({ halfCloseTimeout: "50ms" });
    const { client, peer } = await house.join();
    const all = noise(4 * MIB);
    client.pause();
    const written = peer.write(all);
    await eventually("the gateway has begun to read", () => house.service.open === 1);
    client.write(binary("from the client"));
    await peer.has(15);
    client.resume();
    await written;
    peer.end();
    const { bytes, code } = await readToEnd(client);
    expect([sha256(bytes), code]).toEqual([sha256(all), 1000]);
    await house.expectCalm();
  });

  test("the client can go on until it is silent for halfCloseTimeout", async () => {
    await using house = await bridgeHouse({ halfCloseTimeout: "60ms" });
    const { client, peer } = await house.join();
    peer.end();
    for (let i = 1; i <= 10; i += 1) {
      client.write(binary("x"));
      await peer.has(i);
      await Bun.sleep(15); // what is tested is time: the client says something every now and then
    }
    expect((await client.ending()).code).toBe(1000);
    expect(await peer.ended()).toBe("end");
    expect(peer.text()).toBe("x".repeat(10));
    await house.expectCalm();
  });

  test("and is gone altogether, the client gets what it said and 1000, if it says nothing itself", async () => {
    await using house = await bridgeHouse({ halfCloseTimeout: "20ms" });
    const { client, peer } = await house.join();
    await peer.write("last words");
    peer.destroy();
    const { bytes, code } = await readToEnd(client);
    expect([bytes.toString(), code]).toEqual(["last words", 1000]);
    await house.expectCalm();
  });

  test("and takes no more while the client sends, the client gets what it said, then 1014", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    const all = noise(100_000);
    await peer.write(all);
    peer.destroy();
    for (let i = 0; i < 20; i += 1) client.write(binary(noise(10_000)));
    const { bytes, code } = await readToEnd(client);
    expect([sha256(bytes), code]).toEqual([sha256(all), 1014]);
    await house.expectCalm();
  });
});

describe("when the target resets", () => {
  test("the client gets what came before it, then 1014", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    const all = noise(300_000);
    await peer.write(all);
    const got = await readBytes(client, all.length);
    await peer.write("last words");
    peer.reset();
    const { bytes, code } = await readToEnd(client);
    expect([sha256(got), bytes.toString(), code]).toEqual([sha256(all), "last words", 1014]);
    await house.expectCalm();
  });

  test("a client that reads slowly gets all that had come, then 1014", async () => {
    await using house = await bridgeHouse({ slow: { highWater: "64KiB" } });
    const { client, peer } = await house.join();
    client.pause();
    const all = noise(3 * MIB);
    await peer.write(all);
    peer.reset();
    client.resume();
    const { bytes, code } = await readToEnd(client);
    // What its kernel had not sent when it reset is gone, and nobody could have it; but nothing in the middle.
    expect(all.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(bytes.length).toBeGreaterThan(0);
    expect(code).toBe(1014);
    await house.expectCalm();
  });

  test("while bytes wait for it, the client gets 1014", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    peer.pause();
    const all = noise(1_000_000);
    for (let i = 0; i < 16; i += 1) client.write(binary(all));
    await eventually("the gateway has read much", async () => (await received(house)) >= 4);
    peer.reset();
    expect((await client.ending()).code).toBe(1014);
    await house.expectCalm();
  });
});

describe("when the client closes", () => {
  test("the target gets everything, then FIN, even if it reads slowly", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    peer.pause();
    const all = noise(12 * MIB);
    for (let at = 0; at < all.length; at += 700_001) client.write(binary(all.subarray(at, at + 700_001)));
    client.write(close(1000));
    client.halfClose();
    await eventually("the gateway waits for the target", async () => (await received(house)) > 0);
    peer.resume();
    expect(await peer.ended()).toBe("end");
    expect([peer.received, peer.hash()]).toEqual([all.length, sha256(all)]);
    expect((await client.ending()).code).toBe(1000);
    await house.expectCalm();
  });

  test("the target gets what came in the same segment as the close frame", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.write(Buffer.concat([binary("one"), binary("two"), close(1000)]));
    expect(await peer.ended()).toBe("end");
    expect(peer.text()).toBe("onetwo");
  });

  test("the target may still be sending, and its bytes go nowhere", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.pause();
    const written = peer.write(noise(20 * MIB));
    client.write(close(1000));
    client[Symbol.dispose]();
    await peer.ended();
    await written;
    await house.expectCalm();
  });

  test("with a reset, the target gets what was received, then FIN", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.write(binary("last words"));
    await peer.has(10);
    client.reset();
    expect(await peer.ended()).toBe("end");
    await house.expectCalm();
  });

  test("with a reset while the gateway reads nothing of it, the target gets what was received once it reads", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    peer.pause();
    const all = noise(12 * MIB);
    for (let at = 0; at < all.length; at += MIB) client.write(binary(all.subarray(at, at + MIB)));
    await eventually("the gateway has read much", async () => (await received(house)) >= 4);
    client.reset();
    peer.resume();
    expect(await peer.ended()).toBe("end");
    expect(peer.received % MIB).toBe(0);
    expect(peer.hash()).toBe(sha256(all.subarray(0, peer.received)));
    await house.expectCalm();
  });
});

describe("when the gateway stops", () => {
  const stopping = { config: { drain: { window: "3s" } } } as const;

  test("what it holds reaches both ends first, then the client gets 1012", async () => {
    await using house = await bridgeHouse({}, stopping);
    const { client, peer } = await house.join();
    peer.pause();
    const up = noise(MIB, 2);
    for (let i = 0; i < 8; i += 1) client.write(binary(up));
    await eventually("the client is not read any more", async () => (await received(house)) >= 4);
    const stopped = house.gateway.gateway.stop();
    peer.resume();
    expect((await client.ending()).code).toBe(1012);
    expect(await peer.ended()).toBe("end");
    expect(peer.received % MIB).toBe(0);
    expect(peer.hash()).toBe(sha256(Buffer.concat(Array(peer.received / MIB).fill(up))));
    await stopped;
  });

  test("a target that reads slowly gets what the system has of it, though the gateway is gone by then", async () => {
    await using house = await bridgeHouse({}, stopping);
    const { client, peer } = await house.join();
    peer.pause();
    const up = noise(MIB);
    client.write(binary(up));
    await eventually("the gateway has read it", async () => (await received(house)) === 1);
    await house.gateway.gateway.stop();
    peer.resume();
    expect(await peer.ended()).toBe("end");
    expect(peer.hash()).toBe(sha256(up));
  });

  test("a client and a target that take nothing are given up at the deadline", async () => {
    const log = memoryLog();
    await using house = await bridgeHouse({}, { config: { drain: { window: "100ms" } }, parts: { log } });
    const { client, peer } = await house.join();
    peer.pause();
    client.pause();
    for (let i = 0; i < 12; i += 1) client.write(binary(noise(MIB)));
    void peer.write(noise(20 * MIB));
    await eventually("the gateway has read much", async () => (await received(house)) >= 4);
    await house.gateway.gateway.stop();
    expect(log.lines).toContainEqual(expect.objectContaining({ text: "goodbye", code: 1012, local: true }));
    peer.reset();
  });
});
