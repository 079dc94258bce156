/** Advisories about Host and Origin, each with the answer that it must get. The gateway serves on, and nothing is dialled. */
import { describe, expect, test } from "bun:test";
import { expectCalm } from "./calm.ts";
import { startGateway } from "./gateway.ts";
import { ask, dial, type HeadOptions } from "./raw-client.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;
const LISTED = "https://good.com";
const config = { origins: [LISTED], hosts: ["good.com"] };

const statusOf = async (host: string, headers: HeadOptions["headers"] = {}) =>
  (await ask(host, { path: "/echo", headers })).status;

describe("cross-site WebSocket hijacking (PYSEC-2019-170, CVE-2018-14732, CVE-2025-24010, CVE-2015-0259)", () => {
  test.each<[what: string, origin: string | readonly string[]]>([
    ["a foreign one", "https://evil.com"],
    ["null", "null"],
    ["a sub-domain", "https://sub.good.com"],
    ["a suffix", "https://good.com.evil.com"],
    ["a prefix", "https://evilgood.com"],
    ["upper case", "HTTPS://GOOD.COM"],
    ["upper case in the host", "https://Good.com"],
    ["another port", "https://good.com:8443"],
    ["its own default port", "https://good.com:443"],
    ["another scheme", "http://good.com"],
    ["no scheme", "good.com"],
    ["the name as a user", "https://good.com@evil.com"],
    ["the name as user and password", "https://good.com:x@evil.com"],
    ["a user before the name", "https://evil.com@good.com"],
    ["a path behind it", "https://good.com/"],
    ["a fragment behind it", "https://good.com#evil"],
    ["a trailing dot", "https://good.com."],
    ["a blank of another kind behind it", "https://good.com\u00a0"],
    ["two of them in one header", "https://good.com https://evil.com"],
    ["two headers", ["https://good.com", "https://evil.com"]],
    ["two headers that are the same", ["https://good.com", "https://good.com"]],
    ["an empty one", ""],
    ["the list's own wildcard", "*"],
    ["a property of every object", "__proto__"],
    ["10 KiB", `https://${"x".repeat(10_240)}`],
    ["its own host by address", "http://127.0.0.1:1"],
  ])("an Origin is refused with 403 if it is %s", async (_, Origin) => {
    await using gateway = await startGateway(routes, config);
    const { status, body } = await ask(gateway.host, { path: "/echo", headers: { Origin } });
    expect([status, body.length < 300]).toEqual([403, true]);
    expect(await statusOf(gateway.host, { Origin: LISTED })).toBe(101);
    await expectCalm(gateway);
  });

  test("an Origin does not pass because the request says that it came for that host through a proxy", async () => {
    await using gateway = await startGateway(routes);
    const headers = { Origin: "http://evil.com", "X-Forwarded-Host": "evil.com", Forwarded: "host=evil.com" };
    expect(await statusOf(gateway.host, headers)).toBe(403);
  });

  test("the Origin of a page under a rebound name does not pass as the gateway's own", async () => {
    await using gateway = await startGateway(routes);
    expect(await statusOf(gateway.host, { Host: "evil.com", Origin: "http://evil.com" })).toBe(421);
  });
});

describe("DNS rebinding (CVE-2025-66414)", () => {
  test.each([
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "good.com.evil.example",
    "evil-good.com",
  ])("Host %s on a loopback listener gets 421", async (Host) => {
    await using gateway = await startGateway(routes, config);
    expect(await statusOf(gateway.host, { Host })).toBe(421);
    expect(await statusOf(gateway.host, { Host: "good.com" })).toBe(101);
  });
});

describe("a Host that is none (CVE-2026-61666, CVE-2026-54463)", () => {
  test.each<[what: string, host: string | readonly string[] | null]>([
    ["empty", ""],
    ["missing", null],
    ["with a blank", "a b"],
    ["unfinished", "[::"],
    ["there twice", ["127.0.0.1", "127.0.0.1"]],
    ["there twice, one of them foreign", ["127.0.0.1", "evil.example"]],
    ["of 10 KiB", "x".repeat(10_240)],
    ["a user and a host", "evil@127.0.0.1"],
    ["a host and a path", "127.0.0.1/evil"],
    ["a list", "127.0.0.1, evil.example"],
  ])("is refused with 400 if it is %s", async (_, Host) => {
    await using gateway = await startGateway(routes);
    expect(await statusOf(gateway.host, { Host })).toBe(400);
    await expectCalm(gateway);
  });
});

describe("a target in the request line (GHSA-c4j6-fc7j-m34r)", () => {
  /** The status of a handshake with exactly this request line. */
  async function statusFor(host: string, target: string, headers = ""): Promise<number> {
    using client = await dial(host);
    const handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    client.write(
      `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${handshake}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${headers}\r\n`,
    );
    return (await client.answer()).status;
  }

  test("leads nowhere: only the path of an absolute form counts, and only the Host header names the host", async () => {
    await using gateway = await startGateway(routes);
    expect(await statusFor(gateway.host, "http://evil.example/none")).toBe(404);
    expect(await statusFor(gateway.host, "http://evil.example//evil.example/echo")).toBe(404);
    expect(await statusFor(gateway.host, "http://evil.example/echo", "Origin: http://evil.example\r\n")).toBe(
      403,
    );
    expect(await statusFor(gateway.host, "http://evil.example/echo", "Origin: http://127.0.0.1\r\n")).toBe(
      101,
    );
  });

  test.each(["//evil.example/echo", "///echo", "/\\evil.example/echo", "/http://evil.example/echo"])(
    "%s has no route",
    async (target) => {
      await using gateway = await startGateway(routes);
      expect(await statusFor(gateway.host, target)).toBe(404);
    },
  );

  test.each(["evil.example:80", "\\\\evil.example\\echo"])("%s is malformed", async (target) => {
    await using gateway = await startGateway(routes);
    expect(await statusFor(gateway.host, target)).toBe(400);
  });

  test("is not taken from X-Forwarded-Host, also of a proxy that is trusted", async () => {
    await using gateway = await startGateway(routes, { trustProxy: ["127.0.0.1"] });
    const headers = { Host: "evil.example", "X-Forwarded-Host": "127.0.0.1", Forwarded: "host=127.0.0.1" };
    expect(await statusOf(gateway.host, headers)).toBe(421);
    expect(await statusOf(gateway.host, { "X-Forwarded-Host": "evil.example" })).toBe(101);
  });
});
