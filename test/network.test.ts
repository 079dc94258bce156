import { describe, expect, test } from "bun:test";
import { parseNetwork } from "../src/config/network.ts";
import { isSpecial, networkOf, plainAddress } from "../src/network.ts";

const network = (text: string) => {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`no network: ${text}`);
  return networkOf(parsed);
};

/** The first and the last address of each range, from RFC 6890 and IANA's registries. */
describe("leads inside:", () => {
  test.each([
    ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
    ...["127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.8"],
    ...["192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255"],
    ...["198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
    ...[
      "::",
      "::1",
      "::127.0.0.1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "0:0:0:0:0:FFFF:7F00:1",
      "::ffff:8.8.8.8",
    ],
    ...["64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1"],
    ...["5f00::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "4000::1", "ffff::1"],
  ])("%s", (address) => expect(isSpecial(address)).toBe(true));
});

describe("is public:", () => {
  test.each([
    ...[
      "1.1.1.1",
      "9.255.255.255",
      "11.0.0.0",
      "100.63.255.255",
      "100.128.0.0",
      "126.255.255.255",
      "128.0.0.0",
    ],
    ...["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"],
    ...["223.255.255.255", "2000::1", "2001:200::1", "2003::1", "2606:4700::1111", "3ffe::1"],
  ])("%s", (address) => expect(isSpecial(address)).toBe(false));
});

describe("a network", () => {
  test("has the addresses that begin with its bits", () => {
    expect(["10.0.0.0", "10.0.0.255"].every(network("10.0.0.0/24").has)).toBe(true);
    expect(["10.0.1.0", "9.255.255.255", "fd00::1"].some(network("10.0.0.0/24").has)).toBe(false);
    expect(["fd00::", "FDFF:ffff::1"].every(network("fd00::/8").has)).toBe(true);
    expect(["fe00::", "10.0.0.1"].some(network("fd00::/8").has)).toBe(false);
    expect(network("10.0.0.77/24").has("10.0.0.1")).toBe(true);
  });

  test("of IPv4 has no address of IPv6, also none that carries one of its own", () => {
    for (const address of ["::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1"])
      expect(network("10.0.0.0/8").has(address)).toBe(false);
    expect(network("::ffff:0:0/96").has("10.0.0.1")).toBe(false);
  });

  test("is special if all of it lies in one special range", () => {
    for (const special of ["10.0.0.0/8", "127.0.0.1", "192.168.1.0/24", "::1", "fd00::/8", "::ffff:0:0/96"])
      expect([special, network(special).isSpecial]).toEqual([special, true]);
    for (const wider of ["0.0.0.0/0", "10.0.0.0/7", "8.0.0.0/5", "172.0.0.0/8", "::/0", "::/2", "2000::/3"])
      expect([wider, network(wider).isSpecial]).toEqual([wider, false]);
  });
});

test("an address of IPv4 that a listener for both families gives another form is written plainly", () => {
  expect(plainAddress("::ffff:192.0.2.7")).toBe("192.0.2.7");
  for (const other of ["192.0.2.7", "::1", "::ffff:c000:207", "::ffff:999.0.0.1", "", "x"])
    expect(plainAddress(other)).toBe(other);
});
