import { expect, test } from "bun:test";
import { bytesOfV4, bytesOfV6 } from "../src/ip-bytes.ts";

const hex = (bytes: readonly number[]) => Buffer.from(bytes).toString("hex");

test("an address of IPv4 is four bytes", () => {
  expect(bytesOfV4("192.0.2.255")).toEqual([192, 0, 2, 255]);
});

test.each([
  ["::", "0".repeat(32)],
  ["::1", `${"0".repeat(31)}1`],
  ["2001:db8::", `20010db8${"0".repeat(24)}`],
  ["2001:db8::a:0:ff", "20010db8000000000000000a000000ff"],
  ["1:2:3:4:5:6:7:ffff", "0001000200030004000500060007ffff"],
  ["::ffff:192.0.2.1", `${"0".repeat(20)}ffffc0000201`],
  ["64:ff9b::192.0.2.255", "0064ff9b0000000000000000c00002ff"],
])("the address %s of IPv6 is sixteen", (address, expected) => {
  expect(hex(bytesOfV6(address))).toBe(expected);
});
