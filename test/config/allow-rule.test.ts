import { describe, expect, test } from "bun:test";
import { isHostName, parseAllowRule, portOf } from "../../src/config/allow-rule.ts";

describe("a rule", () => {
  test("names a host and a port", () => {
    expect(parseAllowRule("DB.internal:5432")).toEqual({ port: 5432, of: { name: "db.internal" } });
    expect(parseAllowRule("my_host-1:*")).toEqual({ port: undefined, of: { name: "my_host-1" } });
  });

  test("names a network, of which an address alone is the smallest", () => {
    expect(parseAllowRule("10.0.0.0/24:22")).toEqual({ port: 22, of: { address: "10.0.0.0", prefix: 24 } });
    expect(parseAllowRule("10.0.0.7:*")).toEqual({
      port: undefined,
      of: { address: "10.0.0.7", prefix: 32 },
    });
    expect(parseAllowRule("[fd00::]/8:*")).toEqual({ port: undefined, of: { address: "fd00::", prefix: 8 } });
    expect(parseAllowRule("[::1]:65535")).toEqual({ port: 65_535, of: { address: "::1", prefix: 128 } });
    expect(parseAllowRule("0.0.0.0/0:443")).toEqual({ port: 443, of: { address: "0.0.0.0", prefix: 0 } });
  });

  test.each([
    ...["", "a", "a:", ":1", "a:0", "a:65536", "a:01", "a:x", "a:1-2", "a b:1", "a/8:1", "*:1", "*", "a:1\n"],
    ...["10.0.0.0/33:1", "10.0.0.0/:1", "10.0.0/24:1", "127.1:1", "0x7f.1:1", "2130706433:1", "010.0.0.1:1"],
    ...["fd00::/8:1", "[fd00::/8]:1", "[fd00::]/129:1", "[10.0.0.1]:1", "[a]:1", "[fe80::1%eth0]:1"],
  ])("is not %p", (text) => expect(parseAllowRule(text)).toBeUndefined());
});

describe("a host's name", () => {
  test.each(["a", "localhost", "db-1.internal", "_dmarc.x", "1a.b2", "xn--bcher-kva.example", "a.x0"])(
    "may be %p",
    (name) => expect(isHostName(name)).toBe(true),
  );

  test.each([
    ...[
      "",
      ".",
      "a.",
      ".a",
      "a..b",
      "-a",
      "a-",
      "a b",
      "a\r\nb",
      "a\0",
      "ü",
      "a/b",
      "a:1",
      "a@b",
      "a%2e",
      "*.a",
    ],
    ...[
      "127.1",
      "1",
      "2130706433",
      "0x7f000001",
      "0x7f.1",
      "a.1",
      "a.0x",
      "1.2.3.4",
      "0177.0.0.1",
      "1.2.3.4.5",
    ],
    ...["a".repeat(64), `${"a.".repeat(127)}a`],
  ])("is not %p", (name) => expect(isHostName(name)).toBe(false));

  test("has at most 253 characters", () => {
    expect(isHostName(`${"a.".repeat(126)}a`)).toBe(true);
    expect(isHostName(`${"a.".repeat(126)}aa`)).toBe(false);
  });

  test("is found to be none in no time, however it was made to look like one", () => {
    const started = performance.now();
    for (const text of [`${"a-".repeat(50_000)}.`, "a.".repeat(50_000), "0".repeat(100_000)])
      isHostName(text);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

test("a port is 1 to 65535 in plain digits", () => {
  expect(["1", "65535"].map(portOf)).toEqual([1, 65_535]);
  for (const none of ["", "0", "65536", "022", "+1", "1.0", "1e3", "0x16", " 1", "1 ", "٣", "22\n"])
    expect([none, portOf(none)]).toEqual([none, undefined]);
});
