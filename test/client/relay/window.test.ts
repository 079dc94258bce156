import { describe, expect, test } from "bun:test";
import { fate, relayHouse, sent } from "./house.ts";

describe("what is under way", () => {
  test("is at most 128 messages, and the next one goes when the oldest is released", async () => {
    const house = relayHouse();
    const { relay, join, receipt, command, said } = house;
    await join();
    for (let n = 0; n < 130; n += 1) relay.send(n).catch(() => {});
    expect(said().length).toBe(128);
    const idems = said().map(({ idem }) => String(idem));
    sent(house);
    receipt(2, idems[1] ?? "");
    expect(said()).toEqual([]);
    receipt(1, idems[0] ?? "");
    expect(said().map(({ data, done }) => [data, done])).toEqual([
      [128, 2],
      [129, undefined],
    ]);
    command("send");
  });

  test("is at most 512 KiB, but for one larger message", async () => {
    const house = relayHouse();
    await house.welcome({}, { maxMessage: 0 });
    house.ok("join", { partner: "online", queued: 0, session: "s1" });
    house.relay.send("x".repeat(600_000)).catch(() => {});
    house.relay.send("y").catch(() => {});
    expect(sent(house)).toHaveLength(1);
  });

  test("counts bytes, not characters", async () => {
    const house = relayHouse();
    await house.join();
    for (let n = 0; n < 20; n += 1) house.relay.send("€".repeat(16_000)).catch(() => {});
    expect(sent(house)).toHaveLength(10);
  });

  test("and what waits for it is bounded: 256 messages, then buffer_full", async () => {
    const { relay } = relayHouse();
    const ends = Array.from({ length: 257 }, (_, n) => fate(relay.send(n)));
    expect(await ends[256]).toBe("buffer_full");
    await relay.close();
    expect(await ends[0]).toBe("closed");
  });

  test("and what waits for it is bounded: 1 MiB, then buffer_full", async () => {
    const { relay, join } = relayHouse();
    const part = "x".repeat(60_000);
    const ends = Array.from({ length: 18 }, () => fate(relay.send(part)));
    expect(await ends[17]).toBe("buffer_full");
    await join();
    relay.send(part).catch(() => {});
  });
});

test("what is sent after what waits goes after it", async () => {
  const house = relayHouse();
  for (const data of [1, 2]) house.relay.send(data).catch(() => {});
  await house.join();
  house.relay.send(3).catch(() => {});
  expect(sent(house)).toEqual([1, 2, 3]);
});
