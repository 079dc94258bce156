import { describe, expect, test } from "bun:test";
import { envelope, heard } from "../routes/relay-house.ts";
import { v1House } from "./v1-house.ts";

const send = (idem: string, more = {}) => ({ t: "send", idem, data: idem, ...more });

describe("relay v1: beside plain clients", () => {
  test("content is data both ways; handing over to a plain one is delivery", () => {
    const house = v1House();
    const [center, local] = [house.join("center"), house.plain("g", "local")];
    center.told();
    local.say(envelope({ content: "hi", message_type: "chat" }));
    expect(center.told()).toEqual([{ t: "data", seq: 1, from: "local", data: "hi", type: "chat" }]);
    expect(heard(local)).toEqual(["-: 消息已发送"]);
    center.say(send("a", { data: "text" }));
    center.say(send("b", { data: { n: 1 } }));
    expect(heard(local)).toEqual(["-: text", '-: {"n":1}']);
    expect(center.heard()).toEqual(["receipt 1 delivered", "receipt 2 delivered"]);
  });

  test("binary is refused for a plain partner, and dropped if it waited when one came", () => {
    const house = v1House();
    const center = house.join("center");
    const binary = (id: number) => {
      const header = `{"t":"send","id":${id},"idem":"i${id}"}`;
      return Buffer.concat([Buffer.from([0, header.length]), Buffer.from(header), Buffer.from([1])]);
    };
    center.conn.say(binary(5));
    const local = house.plain("g", "local");
    expect(center.heard()).toEqual(["ok undefined", "local online joined", "receipt 1 dropped"]);
    center.conn.say(binary(6));
    expect(center.told()).toMatchObject([{ t: "err", id: 6, code: "bad_request" }]);
    expect(heard(local)).toEqual([]);
  });

  test("binary for a plain partner does not count as nonsense, however often it comes", () => {
    const house = v1House();
    const [center] = [house.join("center"), house.plain("g", "local")];
    for (let n = 0; n < 12; n += 1)
      center.conn.say(Buffer.from([0, 23, ...Buffer.from('{"t":"send","idem":"a"}'), 1]));
    expect(center.heard().filter((word) => word === "err bad_request")).toHaveLength(12);
    expect(center.conn.ended).toBeUndefined();
  });

  test("a plain one that does not read makes v1 messages wait in the queue", () => {
    const house = v1House({ slow: { policy: "pause", highWater: 1_000 } });
    const [center, local] = [house.join("center"), house.plain("g", "local")];
    local.stall();
    center.say(send("a", { data: "x".repeat(2_000) }));
    center.say(send("b"));
    expect(center.conn.isPaused).toBe(false);
    expect(house.route.stats()).toMatchObject({ queued: 1 });
    center.told();
    local.catchUp();
    expect(heard(local)).toEqual([expect.stringContaining("xxx"), "-: b"]);
    expect(center.heard()).toEqual(["receipt 2 delivered"]);
  });

  test("a plain one is paused while its v1 partner acknowledges nothing, and loses nothing", () => {
    const house = v1House({ queue: { size: 4, bytes: 0, total: 0, ttl: 0, plain: false } });
    const [center, local] = [house.join("center"), house.plain("g", "local")];
    for (let i = 1; i <= 10; i += 1) local.say(envelope({ content: String(i) }));
    expect(local.isPaused).toBe(true);
    for (let upto = 4; upto <= 8; upto += 4) center.say({ t: "ack", upto });
    expect(local.isPaused).toBe(false);
    const data = center.heard().filter((line) => line.startsWith("data"));
    expect(data).toEqual(Array.from({ length: 10 }, (_, i) => `data ${i + 1} "${i + 1}"`));
    expect(heard(local)).toHaveLength(10);
    expect(house.counters).toMatchObject({ due: 10, delivered: 10 });
  });

  test("a plain one's message_type counts as the bytes that it is", () => {
    const house = v1House({ queue: { size: 0, bytes: 1_000, total: 0, ttl: 0, plain: false } });
    const [center, local] = [house.join("center"), house.plain("g", "local")];
    for (let n = 0; n < 4; n += 1) local.say(envelope({ content: "", message_type: "x".repeat(600) }));
    expect(center.heard().filter((line) => line.startsWith("data"))).toHaveLength(2);
    expect(local.isPaused).toBe(true);
  });

  test("a plain one goes on when all queues together are full: what it says then is dropped", () => {
    const house = v1House({ queue: { size: 0, bytes: 0, total: 1_000, ttl: 0, plain: false } });
    const [center, local] = [house.join("center"), house.plain("g", "local")];
    for (let n = 0; n < 4; n += 1) local.say(envelope({ content: "x".repeat(600) }));
    expect(center.heard().filter((line) => line.startsWith("data"))).toHaveLength(1);
    expect(local.isPaused).toBe(false);
    center.say({ t: "ack", upto: 1 });
    local.say(envelope({ content: "again" }));
    expect(center.heard()).toContain('data 5 "again"');
    expect(house.counters).toMatchObject({ due: 5, delivered: 2, dropped: { full: 3 } });
  });

  test("messages of plain ones wait too where the route says so, and are confirmed when handed over", () => {
    const house = v1House({ queue: { size: 2, bytes: 0, total: 0, ttl: 1_000, plain: true } });
    const local = house.plain("g", "local");
    for (const content of ["a", "b", "c"]) local.say(envelope({ content }));
    expect(heard(local)).toEqual([]);
    const center = house.openPlain();
    center.say(envelope());
    expect(heard(local)).toEqual(["connect: center已上线连接", "-: 消息已发送", "-: 消息已发送"]);
    expect(heard(center).slice(1)).toEqual(["-: a", "-: b"]);
    expect(house.counters).toMatchObject({ due: 3, delivered: 2, dropped: { full: 1, absent: 0 } });
  });
});
