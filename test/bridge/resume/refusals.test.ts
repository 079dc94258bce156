/** Who comes back to a stream that is not theirs, or not there any more, and clients that break the rules of frames. */
import { describe, expect, test } from "bun:test";
import { SSH_FORM } from "../../../src/bridge/resume/stream-form.ts";
import { streamHouse } from "./stream-house.ts";

describe("a refusal", () => {
  const refused = (ack: number, user: string | null = null) => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open("alice");
    upstream.say("hello world");
    client.ack(5);
    client.connection.leave(1006);
    const other = house.resume(sid, ack, { user });
    return { house, other, upstream, sid };
  };

  test.each([
    ["an ack before what is kept", 4],
    ["an ack behind what was sent", 12],
    ["the largest ack there is", Number.MAX_SAFE_INTEGER],
  ])("meets %s with 4510", (_, ack) => {
    const { house, other } = refused(ack, "alice");
    expect([other.code, other.connection.sent.length]).toEqual([4510, 0]);
    expect(house.counters.recoveries).toEqual({ recovered: 0, lost: 1 });
  });

  test.each([["bob"], [null]])("meets another user, %p, with 4510, and the owner still gets in", (user) => {
    const { house, other, sid } = refused(5, user);
    expect(other.code).toBe(4510);
    expect(house.resume(sid, 5, { user: "alice" }).hear().bytes).toBe(" world");
  });

  test("leaves the stream to the connection that has it", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open("alice");
    for (const [ack, user] of [
      [1, "alice"],
      [0, "mallory"],
    ] as const) {
      expect(house.resume(sid, ack, { user }).code).toBe(4510);
    }
    upstream.say("hello");
    expect([client.code, client.hear().bytes]).toEqual([undefined, "hello"]);
  });

  test("meets a sid that nobody has with 4510", () => {
    const house = streamHouse();
    house.open();
    expect(house.resume("A".repeat(22), 0).code).toBe(4510);
  });

  test("meets a sid of another form with 4510", () => {
    const house = streamHouse();
    const { client, sid } = house.open();
    client.connection.leave(1006);
    const asSsh = house.resume(sid, 0, { as: SSH_FORM });
    expect(asSsh.code).toBe(4510);
  });

  test.each([
    ["a sid that is too short", "A".repeat(21), "0"],
    ["a sid of other characters", `${"A".repeat(21)}=`, "0"],
    ["no sid", "", "0"],
    ["no ack", "A".repeat(22), ""],
    ["an ack that is negative", "A".repeat(22), "-1"],
    ["an ack that is no whole number", "A".repeat(22), "1.5"],
    ["an ack above 2^53 - 1", "A".repeat(22), "9007199254740992"],
    ["an ack in hexadecimal", "A".repeat(22), "0x10"],
  ])("meets %s with 4500", (_, sid, ack) => {
    expect(streamHouse().resume(sid, ack).code).toBe(4500);
  });
});

describe("a frame that breaks a rule", () => {
  test.each([
    ["a text", "hello", 1002],
    ["nothing", new Uint8Array(0), 1002],
    ["a CONNECT_SUCCESS", Buffer.from("00010000000178", "hex"), 1002],
    ["a RECONNECT_SUCCESS", Buffer.from("00020000000000000000", "hex"), 1002],
    ["an ACK above 2^53 - 1", Buffer.from("0007ffffffffffffffff", "hex"), 1002],
    ["a DATA that announces more than it has", Buffer.from("0004000000056162", "hex"), 1002],
    ["a DATA that announces less than it has", Buffer.from("0004000000016162", "hex"), 1002],
    [
      "a DATA over the limit",
      Buffer.concat([Buffer.from("000400010001", "hex"), new Uint8Array(65_537)]),
      1009,
    ],
    ["a forged ACK", Buffer.from("00070000000000000006", "hex"), 4510],
  ])("closes for %s", (_, frame, code) => {
    const house = streamHouse();
    const { client, upstream } = house.open();
    upstream.say("hello");
    client.raw(frame);
    expect(client.code).toBe(code);
  });

  test("closes with 4510 if an ACK runs backwards, and the stream is gone", () => {
    const house = streamHouse();
    const { client, upstream, sid } = house.open();
    upstream.say("hello");
    client.ack(5);
    client.ack(5);
    expect(client.code).toBeUndefined();
    client.ack(4);
    expect([client.code, upstream.calls]).toEqual([4510, ["shutdown"]]);
    expect(house.resume(sid, 5).code).toBe(4510);
  });

  test("is ignored if nobody knows its tag", () => {
    const { client } = streamHouse().open();
    client.raw(Buffer.from("00ff", "hex"));
    expect(client.code).toBeUndefined();
  });
});
