import { expect, test } from "bun:test";
import { listenSettings, reachable } from "../../src/cli/address.ts";

const read = (text: string) =>
  Object.fromEntries(listenSettings(text).map(({ path, value }) => [path[1], value]));

test.each<[string, Record<string, unknown>]>([
  ["9000", { port: 9000 }],
  [":9000", { port: 9000 }],
  ["0.0.0.0:80", { host: "0.0.0.0", port: 80 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["[::1]:8080", { host: "::1", port: 8080 }],
  ["[::]:8080", { host: "::", port: 8080 }],
])("reads %s, and leaves the host alone where none is given", (text, settings) => {
  expect(read(text)).toEqual(settings);
});

test.each([
  "",
  "localhost",
  "::1:80",
  "[::1]",
  "http://a:80",
  "a:b",
  "a:80/x",
  "a:-1",
  "1:2:3",
  "a b:80",
  ":",
])("refuses %p in one line that says what an address is", (text) => {
  expect(() => listenSettings(text)).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: expect.stringContaining("is not port, :port, host:port or [v6]:port"),
    }),
  );
});

test("shows an address that a client on this machine can use", () => {
  expect(reachable({ host: "0.0.0.0", port: 80 })).toBe("127.0.0.1:80");
  expect(reachable({ host: "::", port: 80 })).toBe("[::1]:80");
  expect(reachable({ host: "::1", port: 80 })).toBe("[::1]:80");
  expect(reachable({ host: "gw.internal", port: 80 })).toBe("gw.internal:80");
});
