import { describe, expect, test } from "bun:test";
import {
  checkUpgrade,
  hostIsUsable,
  offeredProtocols,
  pathOf,
  queryOf,
  wantsUpgrade,
} from "../../src/reception/admission.ts";

const GOOD = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

/** A correct handshake but for these headers; null leaves one out. */
function handshake(changes: Record<string, string | null> = {}): Headers {
  const headers = new Headers(GOOD);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) headers.delete(name);
    else headers.set(name, value);
  }
  return headers;
}

describe("checkUpgrade", () => {
  test.each([
    ["as RFC 6455 shows it", {}],
    ["with Upgrade in another case", { upgrade: "WebSocket" }],
    ["with Connection as a list", { connection: "keep-alive, UPGRADE" }],
    ["with a length of no bytes", { "content-length": "0" }],
    ["with subprotocols", { "sec-websocket-protocol": "mqtt, binary" }],
  ])("admits a handshake %s", (_, changes) => {
    expect(checkUpgrade(handshake(changes))).toBeUndefined();
  });

  test.each([
    ["upgrade_required", 426, "Upgrade is missing", { upgrade: null }],
    ["upgrade_required", 426, "Upgrade names something else", { upgrade: "h2c" }],
    ["upgrade_required", 426, "Upgrade is a list", { upgrade: "h2c, websocket" }],
    ["bad_version", 426, "the version is missing", { "sec-websocket-version": null }],
    ["bad_version", 426, "the version is a draft's", { "sec-websocket-version": "8" }],
    ["bad_version", 426, "the version is to come", { "sec-websocket-version": "14" }],
    ["bad_version", 426, "the version has a leading zero", { "sec-websocket-version": "013" }],
    ["bad_version", 426, "the version is a list", { "sec-websocket-version": "13, 8" }],
    ["bad_connection", 400, "Connection is missing", { connection: null }],
    ["bad_connection", 400, "Connection does not name Upgrade", { connection: "keep-alive, close" }],
    ["bad_connection", 400, "Connection only begins with Upgrade", { connection: "upgradex" }],
    ["bad_body", 400, "there is a body", { "content-length": "5" }],
    ["bad_body", 400, "the body is chunked", { "transfer-encoding": "chunked" }],
    ["bad_key", 400, "the key is missing", { "sec-websocket-key": null }],
    ["bad_key", 400, "the key is empty", { "sec-websocket-key": "" }],
    ["bad_key", 400, "the key is short", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA" }],
    ["bad_key", 400, "the key is long", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAAAAAA==" }],
    ["bad_key", 400, "the key is not base64", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA!A==" }],
    ["bad_key", 400, "the key is base64url", { "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAA_-==" }],
    ["bad_protocol", 400, "only a token is offered", { "sec-websocket-protocol": "fairlead.token.abc" }],
  ])("refuses with %s (%d) if %s", (code, status, _, changes) => {
    expect(checkUpgrade(handshake(changes))).toMatchObject({ code, status });
  });

  test("names the version it speaks, and the protocol, where RFC 6455 and RFC 9110 ask for it", () => {
    expect(checkUpgrade(handshake({ "sec-websocket-version": "8" }))?.headers).toMatchObject({
      "Sec-WebSocket-Version": "13",
    });
    expect(checkUpgrade(handshake({ upgrade: null }))?.headers).toMatchObject({ Upgrade: "websocket" });
  });
});

describe("wantsUpgrade", () => {
  test.each([
    ["websocket", true],
    ["WebSocket", true],
    ["h2c, websocket", true],
  ])("is true for `Upgrade: %s`", (value) => {
    expect(wantsUpgrade(new Headers({ upgrade: value }))).toBe(true);
  });

  test("is false without Upgrade, and for an upgrade to anything else, which a server may ignore", () => {
    expect(wantsUpgrade(new Headers())).toBe(false);
    expect(wantsUpgrade(new Headers({ upgrade: "h2c" }))).toBe(false);
    expect(wantsUpgrade(new Headers({ upgrade: "" }))).toBe(false);
  });
});

describe("offeredProtocols", () => {
  const offered = (list: string) => offeredProtocols(new Headers({ "sec-websocket-protocol": list }));

  test("gives the names in the client's order", () => {
    expect(offered("b, a,c")).toEqual(["b", "a", "c"]);
    expect(offeredProtocols(new Headers())).toEqual([]);
  });

  test("leaves token entries out, wherever they stand", () => {
    expect(offered("fairlead.token.x, a, fairlead.token.y")).toEqual(["a"]);
  });

  test.each([
    ["only tokens", "fairlead.token.x, fairlead.token.y"],
    ["an empty token", "fairlead.token."],
    ["nothing", ""],
    ["a comma", ","],
    ["an empty name", "a,,b"],
    ["a name with a blank", "a b"],
    ["a quoted name", '"a"'],
    ["a parameter", "a;q=1"],
    ["a name that is not ASCII", "caf\u00e9"],
    ["33 names", Array.from({ length: 33 }, (_, index) => `n${index}`).join()],
  ])("refuses an offer of %s", (_, list) => {
    expect(offered(list)).toBeUndefined();
  });

  test("takes 32 names", () => {
    expect(offered(Array.from({ length: 32 }, (_, index) => `n${index}`).join())).toHaveLength(32);
  });

  test.each([
    ["10,000 names", Array.from({ length: 10_000 }, (_, index) => `n${index}`).join()],
    ["15,000 blanks", `b${" ".repeat(15_000)}x`],
    ["15,000 commas", ",".repeat(15_000)],
    ["an unclosed quote", `"${"\\a".repeat(7_500)}`],
  ])("reads %s in no time", (_, list) => {
    const start = performance.now();
    for (let round = 0; round < 10; round += 1) expect(offered(list)).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe("hostIsUsable", () => {
  const usable = (host: string) => hostIsUsable(new Headers({ host }));

  test.each([
    "localhost",
    "127.0.0.1:8080",
    "my_host.example",
    "[::1]",
    "[::1]:8080",
    "xn--bcher-kva.example",
  ])("takes %s", (host) => {
    expect(usable(host)).toBe(true);
  });

  test.each([
    ["is missing", ""],
    ["came twice", "a, b"],
    ["holds a blank", "a b"],
    ["holds a path", "ev/room/x"],
    ["holds a query", "a?b"],
    ["holds a fragment", "a#b"],
    ["holds a user", "user@host"],
    ["is an unfinished address", "[::"],
    ["is a URL", "http://a"],
    ["is percent-encoded", "%61"],
    ["has a port of six digits", "a:123456"],
    ["is longer than any name can be", "x".repeat(254)],
    ["is 10 KiB", "x".repeat(10_240)],
  ])("is false if the Host %s", (_, host) => {
    expect(usable(host)).toBe(false);
  });

  test("takes the longest name there is, with a port", () => {
    expect(usable(`${"x".repeat(253)}:65535`)).toBe(true);
  });
});

describe("pathOf and queryOf", () => {
  test.each([
    ["http://a/echo", "/echo", ""],
    ["http://a/echo?x=1&y=%20", "/echo", "x=1&y=+"],
    ["http://a/", "/", ""],
    ["http://a:8080//b/?", "//b/", ""],
    ["http://a/p/%2f?u=/x", "/p/%2f", "u=%2Fx"],
    ["http://[::1]:80/x", "/x", ""],
  ])("take %s apart", (url, path, query) => {
    expect(pathOf(url)).toBe(path);
    expect(queryOf(url).toString()).toBe(query);
  });
});
