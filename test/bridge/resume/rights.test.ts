/** Rights of those who come back to a stream. */
import { expect, test } from "bun:test";
import { streamHouse } from "./stream-house.ts";

const REASON = 'no right to `connect` on "target"';

test("a stream is not gone on with by one who may not be led there any more, and waits for one who may", () => {
  let lacking: string | undefined;
  const house = streamHouse({}, (name) => lacking?.replace("target", name));
  const { client, sid, upstream } = house.open("alice");
  client.connection.leave(1006);
  upstream.say("secret");
  lacking = REASON;
  const refused = house.resume(sid, 0, { user: "alice" });
  expect([refused.connection.ended?.code, refused.connection.ended?.reason]).toEqual([3003, REASON]);
  expect([refused.hear().bytes, house.streams.stats()]).toEqual(["", { resumable: 1, parked: 1 }]);
  expect(house.resume("AAAAAAAAAAAAAAAAAAAAAA", 0, { user: "alice" }).code).toBe(4510);
  lacking = undefined;
  expect(house.resume(sid, 0, { user: "alice" }).hear().bytes).toBe("secret");
});

test("a stream whose client is closed with 3003 ends, and so does its target", () => {
  const house = streamHouse();
  const { client, upstream } = house.open("alice");
  client.connection.close(3003, REASON);
  expect([upstream.calls, house.streams.stats()]).toEqual([["shutdown"], { resumable: 0, parked: 0 }]);
});

test("a stream whose client's token has expired waits for the same user with a new one", () => {
  const house = streamHouse();
  const { client, sid } = house.open("alice");
  client.connection.close(3000, "the token has expired");
  expect(house.resume(sid, 0, { user: "bob" }).code).toBe(4510);
  expect(house.resume(sid, 0).code).toBe(4510);
  expect(house.resume(sid, 0, { user: "alice" }).code).toBeUndefined();
});
