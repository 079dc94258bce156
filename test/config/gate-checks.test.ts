import { describe, expect, test } from "bun:test";
import { combinationProblems } from "../../src/config/checks.ts";

const told = (config: object) =>
  combinationProblems(config).map(({ path, text, hint }) => `${path.join(".")}: ${text}.${hint}`);

describe("origins", () => {
  test.each([
    "https://app.example.com",
    "http://127.0.0.1:3000",
    "http://[::1]:8080",
    "https://xn--bcher-kva.example",
    "chrome-extension://abcdefghijklmnop",
    "null",
    "*",
  ])("take %s", (origin) => {
    expect(told({ origins: [origin] })).toEqual([]);
  });

  test.each<[origin: string, meant: string]>([
    ["https://App.Example.com", "https://app.example.com"],
    ["https://app.example.com/", "https://app.example.com"],
    ["https://app.example.com:443", "https://app.example.com"],
    ["http://app.example.com:80/chat?x#y", "http://app.example.com"],
    ["HTTPS://app.example.com", "https://app.example.com"],
    ["https://user@app.example.com", "https://app.example.com"],
    ["app.example.com", "https://app.example.com"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
    ["http://127.1:3000", "http://127.0.0.1:3000"],
  ])("tell of %s how browsers write it", (origin, meant) => {
    expect(told({ origins: ["null", origin] })).toEqual([
      `origins.1: expected the origin of a page. Browsers write it "${meant}".`,
    ]);
  });

  test.each(["", "https://", "https://*.example.com", "ws://", "://", "https://a b", "NULL "])(
    "refuse %p, which no browser could send",
    (origin) => {
      expect(told({ origins: [origin] })[0]).toStartWith("origins.0: expected the origin of a page.");
    },
  );
});

describe("hosts", () => {
  test.each([
    "gateway.example.com",
    "Gateway.Example.com.",
    "gateway:8080",
    "*.example.com",
    "*.example.com:443",
    "192.0.2.1",
    "[2001:db8::1]:8080",
    "my_host",
  ])("take %s", (host) => {
    expect(told({ hosts: [host] })).toEqual([]);
  });

  test.each([
    "",
    "*",
    "*.",
    "a.*.example",
    "https://a.example",
    "a.example/",
    "a b",
    "a:b",
    "2001:db8::1",
    "bücher.example",
    "x".repeat(261),
  ])("refuse %p, which no request could have", (host) => {
    expect(told({ hosts: ["a", host] })).toEqual([
      "hosts.1: expected a host's name. Like gateway.example.com, gateway.example.com:8080, or *.example.com for all below it.",
    ]);
  });
});

describe("listen", () => {
  test.each<[listen: object, problem: string]>([
    [{ tls: { cert: "a" }, devTls: true }, "listen.devTls: stands beside tls."],
    [{ plainPort: 80 }, "listen.plainPort: stands alone."],
    [{ devTls: true, plainPort: 80, unix: "/run/a.sock" }, "listen.plainPort: stands beside unix."],
  ])("refuses %j", (listen, problem) => {
    expect(told({ listen })).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    { tls: { cert: "a" }, plainPort: 0 },
    { devTls: true, plainPort: 80 },
    { devTls: false, tls: {} },
    {},
    5,
    undefined,
  ])("takes %j", (listen) => {
    expect(told({ listen })).toEqual([]);
  });
});

test("what is no list of texts is left to the schema", () => {
  expect(told({ hosts: "a b", origins: 5 })).toEqual([]);
  expect(told({ hosts: [5], origins: [{}] })).toEqual([]);
});
