/** Heads that no honest client sends, and how long they take to be answered. */
import { describe, expect, test } from "bun:test";
import { expectCalm } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { ask, dial, frame, type HeadOptions, head, type RawClient } from "../raw-client.ts";
import { startService } from "../tcp-service.ts";

const start = () => startGateway({ "/echo": { kind: "echo", welcome: false } });

describe("a header that a slow pattern would never finish (CVE-2021-32640, CVE-2020-7662, CVE-2020-7663)", () => {
  const SLOW = [
    `b${" ".repeat(15_000)}x`,
    `b${"\t".repeat(15_000)}x`,
    `a; b="${"\\a".repeat(7_000)}`,
    `${"a,".repeat(7_000)}b b`,
    `${",".repeat(15_000)}`,
    `for="${"\\".repeat(15_000)}`,
  ];
  /** Those that a proxy or a token comes in; test/attacks/deflate.test.ts has the others. */
  const NAMES = ["Authorization", "Forwarded", "X-Forwarded-For", "Sec-WebSocket-Key", "Accept"];
  /** A busy machine makes an answer late now and then, but not three times. */
  const MAX_MS = 50;

  async function quickest(host: string, options: HeadOptions): Promise<number> {
    const times: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const begun = performance.now();
      const { status } = await ask(host, options);
      times.push(performance.now() - begun);
      expect([101, 400, 403, 421, 426, 431]).toContain(status);
    }
    return Math.min(...times);
  }

  test.each(NAMES)("is answered within 50 ms, if it is %s", async (name) => {
    await using gateway = await startGateway(
      { "/echo": { kind: "echo", welcome: false } },
      { trustProxy: ["127.0.0.1"] },
    );
    for (const value of SLOW)
      expect(await quickest(gateway.host, { headers: { [name]: value } })).toBeLessThan(MAX_MS);
  });
});

describe("many and long headers (CVE-2024-37890, CVE-2023-43669, CVE-2026-54465)", () => {
  test.each<[what: string, headers: NonNullable<HeadOptions["headers"]>]>([
    ["2,500 short headers", Object.fromEntries(Array.from({ length: 2_500 }, (_, nth) => [`X-${nth}`, "1"]))],
    ["one header of 64 KiB", { "X-Long": "x".repeat(65_536) }],
    ["one name 2,500 times", { X: Array.from({ length: 2_500 }, () => "1") }],
  ])("%s are answered with 431", async (_, headers) => {
    await using gateway = await start();
    expect((await ask(gateway.host, { headers })).status).toBe(431);
    await expectCalm(gateway);
  });
});

describe("an upgrade that is none, or of another age (CVE-2026-54463)", () => {
  test.each<[what: string, status: number, options: HeadOptions]>([
    ["version 0", 426, { headers: { "Sec-WebSocket-Version": "0" } }],
    ["version 8", 426, { headers: { "Sec-WebSocket-Version": "8" } }],
    ["version 14", 426, { headers: { "Sec-WebSocket-Version": "14" } }],
    ["two versions", 426, { headers: { "Sec-WebSocket-Version": ["13", "8"] } }],
    ["h2c", 426, { headers: { Upgrade: "h2c", "HTTP2-Settings": "AAMAAABk" } }],
    ["two lengths", 400, { headers: { "Content-Length": ["0", "5"] } }],
    [
      "Transfer-Encoding beside Content-Length",
      400,
      { headers: { "Transfer-Encoding": "chunked", "Content-Length": "5" } },
    ],
  ])("of %s is answered with %d", async (_, status, options) => {
    await using gateway = await start();
    expect((await ask(gateway.host, options)).status).toBe(status);
    await expectCalm(gateway);
  });
});

describe("bytes behind the head of an upgrade that takes time", () => {
  const request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

  /** A client that does not wait for the 101 of a bridge, which has to dial before it. */
  async function hasty(
    behind: Uint8Array | string,
    run: (client: RawClient) => Promise<void>,
  ): Promise<void> {
    using service = await startService((peer) => peer.echo());
    await using gateway = await startGateway({
      "/echo": { kind: "echo", welcome: false },
      "/bridge": { kind: "bridge", target: service.target },
    });
    using client = await dial(gateway.host);
    client.write(Buffer.concat([Buffer.from(head({ path: "/bridge" })), Buffer.from(behind)]));
    await run(client);
    client.reset();
    await expectCalm(gateway);
  }

  test.each([
    ["another request", request],
    ["another upgrade", head()],
    ["a frame", frame("hello")],
  ])("end the connection and are never a request of their own: %s", async (_, behind) => {
    await hasty(behind, async (client) => {
      const answered = await client.answer().catch(() => undefined);
      expect([undefined, 400]).toContain(answered?.status);
      await client.ended();
    });
  });

  test("are nobody's if they are half a request: behind the 101 are frames", async () => {
    await hasty(request.slice(0, 20), async (client) => {
      expect((await client.answer()).status).toBe(101);
      client.write(frame("hello"));
      expect(`${(await client.next()).payload}`).toBe("hello");
    });
  });
});
