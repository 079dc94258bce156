import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseAddress, readAddress } from "../../../src/bridge/targets/address.ts";

const nameOf = (host: string, port = "22") => {
  const address = readAddress(host, port);
  return "failure" in address ? address.failure : address.name;
};

describe("what is asked for", () => {
  test.each([
    ["db.internal", "db.internal:22"],
    ["DB.Internal", "db.internal:22"],
    ["10.0.0.7", "10.0.0.7:22"],
    ["fd00::1", "[fd00::1]:22"],
    ["[FD00:0:0::0001]", "[fd00::1]:22"],
    ["::ffff:10.0.0.7", "[::ffff:a00:7]:22"],
  ])("as %s is called %s", (host, name) => {
    expect(nameOf(host)).toBe(name);
  });

  test.each([
    "db.internal.",
    "127.1",
    "0x7f.1",
    "2130706433",
    "010.0.0.7",
    "fe80::1%lo",
    "a/b",
    "a:1",
    "ａ.b",
    "é",
  ])("as %s is neither a name nor an address", (host) => {
    expect(nameOf(host)).toBe("forbidden");
  });

  test("in one text has its port behind the last colon", () => {
    expect(parseAddress("[FD00::1]:22")).toMatchObject({ name: "[fd00::1]:22", host: "fd00::1", port: 22 });
    expect(parseAddress("DB:5432")).toMatchObject({ name: "db:5432", isName: true });
    for (const text of ["db", "", ":", ":22", "db:", "db:0", "db:22x", "db: 22"])
      expect(parseAddress(text)).toMatchObject({ failure: "bad" });
  });
});

test("whatever is asked for, its name says exactly what is dialled, and asks for the same again", () => {
  const hosts = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4Extended(),
    fc.domain(),
    fc.string(),
    fc.constant("LocalHost"),
  );
  fc.assert(
    fc.property(hosts, fc.integer({ min: 0, max: 70_000 }), (host, port) => {
      const address = readAddress(host, String(port));
      if ("failure" in address) return;
      expect(parseAddress(address.name)).toEqual(address);
      expect(address.name).toBe(`${address.host.includes(":") ? `[${address.host}]` : address.host}:${port}`);
      expect(address.host).toBe(address.host.toLowerCase());
    }),
  );
});
