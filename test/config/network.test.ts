import { expect, test } from "bun:test";
import { parseNetwork } from "../../src/config/network.ts";

test("a network is an address with the length of its prefix", () => {
  expect(parseNetwork("10.0.0.0/8")).toEqual({ address: "10.0.0.0", prefix: 8 });
  expect(parseNetwork("::1")).toEqual({ address: "::1", prefix: 128 });
  expect(parseNetwork("127.0.0.1")).toEqual({ address: "127.0.0.1", prefix: 32 });
  for (const none of [
    "",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "a",
    "10/8",
    "10.0.0.0/ 8",
  ])
    expect([none, parseNetwork(none)]).toEqual([none, undefined]);
});
