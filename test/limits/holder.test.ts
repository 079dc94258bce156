import { expect, test } from "bun:test";
import { EVERYBODY, holderOf } from "../../src/limits/holder.ts";
import { createClientOf } from "../../src/reception/forwarded.ts";

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

test("whoever makes a proxy's headers contradict each other is one holder, and not free of shares", () => {
  const clientOf = createClientOf(["127.0.0.1"]);
  const holder = (forwarded: string) => {
    const headers = new Headers({ Forwarded: forwarded, "X-Forwarded-For": "192.0.2.1" });
    return holderOf({
      user: null,
      remoteAddress: clientOf({ address: "127.0.0.1", port: 1 }, headers).address,
    });
  };
  expect(holder("for=192.0.2.7")).toBe(holder("for=127.0.0.1"));
  expect(holder("for=192.0.2.7")).not.toBe(EVERYBODY);
});
