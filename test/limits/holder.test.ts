import { expect, test } from "bun:test";
import { EVERYBODY, holderOf } from "../../src/limits/holder.ts";

test("a holder is a user, or the address of one who is none: IPv6 by its /64, and no user is an address", () => {
  const of = (user: string | null, remoteAddress: string) => holderOf({ user, remoteAddress });
  expect(of("alice", "192.0.2.1")).toBe(of("alice", "192.0.2.2"));
  expect(of(null, "2001:db8::1")).toBe(of(null, "2001:db8::ffff:1"));
  expect(of(null, "2001:db8::1")).not.toBe(of(null, "2001:db8:0:1::1"));
  expect(of(null, "192.0.2.1")).not.toBe(of(null, "192.0.2.2"));
  expect(["127.0.0.1", "::1", ""].map((address) => of(null, address))).toEqual(Array(3).fill(EVERYBODY));
  expect(of("everybody", "127.0.0.1")).not.toBe(EVERYBODY);
  expect(of("address 192.0.2.1", "")).not.toBe(of(null, "192.0.2.1"));
});
