import { expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOfV4, bytesOfV6, textOfV6 } from "../src/ip-bytes.ts";

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

test.each([
  ["::", "::"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["1::", "1::"],
  ["0::0:0:0:0.0.0.0", "::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["::ffff:10.0.0.7", "::ffff:a00:7"],
  ["10:0:0:0:100:0:0:1", "10::100:0:0:1"],
])("%s is written %s", (address, text) => {
  expect(textOfV6(bytesOfV6(address))).toBe(text);
});

test("whatever form an address has, its text stands for the same bytes", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      const bytes = bytesOfV6(address);
      expect(bytesOfV6(textOfV6(bytes))).toEqual(bytes);
      expect(textOfV6(bytes)).toMatch(/^[0-9a-f:]+$/);
    }),
    { numRuns: 1_000 },
  );
});
