import { describe, expect, test } from "bun:test";
import { proxyHeader } from "../../../src/bridge/dial/proxy-header.ts";

const HERE = { address: "10.0.0.1", port: 443 };
const HERE6 = { address: "2001:db8::1", port: 443 };
const v1 = (address: string, port: number, to = HERE) =>
  Buffer.from(proxyHeader("v1", { address, port }, to)).toString("latin1");
const v2 = (address: string, port: number, to = HERE) =>
  Buffer.from(proxyHeader("v2", { address, port }, to)).toString("hex");
const SIGNATURE = "0d0a0d0a000d0a515549540a";

describe("version 1", () => {
  test("is one line with both addresses and both ports", () => {
    expect(v1("192.0.2.7", 56324)).toBe("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n");
    expect(v1("2001:db8::7", 56324, HERE6)).toBe("PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n");
    expect(v1("192.0.2.7", 0)).toBe("PROXY TCP4 192.0.2.7 10.0.0.1 0 443\r\n");
  });

  test("is at most 107 bytes long, as the protocol promises", () => {
    const long = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    expect(v1(long, 65_535, { address: long, port: 65_535 }).length).toBeLessThanOrEqual(107);
  });
});

describe("version 2", () => {
  test("has the addresses as bytes, in the order of the network", () => {
    expect(v2("192.0.2.7", 56_324)).toBe(`${SIGNATURE}2111000cc00002070a000001dc0401bb`);
    expect(v2("2001:db8::7", 56_324, HERE6)).toBe(
      `${SIGNATURE}2121002420010db800000000000000000000000720010db8000000000000000000000001dc0401bb`,
    );
  });

  test.each([
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["fe80::", "fe800000000000000000000000000000"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1::8", "00010000000000000000000000000008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
    ["FFFF:abcd::", "ffffabcd000000000000000000000000"],
  ])("reads %s", (address, bytes) => {
    expect(v2(address, 1, HERE6)).toStartWith(`${SIGNATURE}21210024${bytes}`);
  });
});

describe("in both versions", () => {
  test("an address that is not known is said not to be", () => {
    expect(v1("", 0)).toBe("PROXY UNKNOWN\r\n");
    expect(v2("", 0)).toBe(`${SIGNATURE}20000000`);
  });

  test.each([
    "192.0.2.7\r\nEVIL 1",
    "192.0.2.7 10.0.0.1 1 1\r\n",
    "192.0.2",
    "0x7f.1",
    "::g",
    "a.example",
    "1.2.3.4\0",
    "192.0.2.7 ",
  ])("nothing but an address gets into the header: %p does not", (address) => {
    expect(v1(address, 1)).toBe("PROXY UNKNOWN\r\n");
    expect(v2(address, 1)).toBe(`${SIGNATURE}20000000`);
  });

  test("a zone stays with the gateway", () => {
    expect(v1("fe80::7%eth0\r\nEVIL", 1, HERE6)).toBe("PROXY TCP6 fe80::7 2001:db8::1 1 443\r\n");
  });

  test("a listener of the other family, or with a name, is told of by its port alone", () => {
    expect(v1("192.0.2.7", 1, HERE6)).toBe("PROXY TCP4 192.0.2.7 0.0.0.0 1 443\r\n");
    expect(v1("2001:db8::7", 1)).toBe("PROXY TCP6 2001:db8::7 :: 1 443\r\n");
    expect(v1("192.0.2.7", 1, { address: "localhost", port: 80 })).toBe(
      "PROXY TCP4 192.0.2.7 0.0.0.0 1 80\r\n",
    );
    expect(v2("192.0.2.7", 1, HERE6)).toBe(`${SIGNATURE}2111000cc000020700000000000101bb`);
  });
});
