/** What one request may hold. How long it may take to come in is in test/system/slow-head.test.ts. */
import { describe, expect, test } from "bun:test";
import { expectCalm, expectNextIsServed } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { ask, type HeadOptions, upgrade } from "../raw-client.ts";

const routes = {
  "/echo": { kind: "echo", welcome: false },
  "/feed": { kind: "feed", publish: true },
} as const;

/** Beside the five of a handshake. */
const crowd = (count: number): HeadOptions => ({
  headers: Object.fromEntries(Array.from({ length: count }, (_, n) => [`X-${n}`, "y"])),
});

describe("limits.headers", () => {
  test("refuses one more with 431, counted, before any other look at the request", async () => {
    await using gateway = await startGateway(routes);
    (await upgrade(gateway.host, crowd(95)))[Symbol.dispose]();
    for (const request of [crowd(96), { ...crowd(150), path: "/nope", method: "POST" }]) {
      const { status, body } = await ask(gateway.host, request);
      expect([status, body.split(":")[0]]).toEqual([431, "too_many_headers"]);
    }
    expect(await gateway.metric('fairlead_handshakes_rejected_total{reason="too_many_headers"}')).toBe(2);
    await expectCalm(gateway);
  });

  test("is what the config says, and off if it is 0", async () => {
    await using few = await startGateway(routes, { limits: { headers: 8 } });
    expect((await ask(few.host, crowd(4))).status).toBe(431);
    await using any = await startGateway(routes, { limits: { headers: 0 } });
    using _client = await upgrade(any.host, crowd(180));
  });
});

describe("limits.body", () => {
  const post = (url: string, bytes: number) =>
    fetch(url, { method: "POST", body: new Uint8Array(bytes) }).then(({ status }) => status);

  test("refuses one more byte with 413, chunked or with its length", async () => {
    await using gateway = await startGateway(routes, { limits: { body: "1KiB" } });
    expect(await post(gateway.http("/feed"), 1024)).toBe(200);
    expect(await post(gateway.http("/feed"), 1025)).toBe(413);
    const chunked = {
      path: "/feed",
      method: "POST",
      headers: { "Transfer-Encoding": "chunked", Upgrade: null },
    };
    const chunk = `400\r\n${"x".repeat(1024)}\r\n`;
    expect((await ask(gateway.host, chunked, `${chunk}1\r\nx\r\n0\r\n\r\n`)).status).toBe(413);
    await expectNextIsServed(gateway);
  });

  test("is off if it is 0: then only maxMessage bounds a publish", async () => {
    const feed = { kind: "feed", publish: true, maxMessage: 0 } as const;
    await using gateway = await startGateway({ "/feed": feed }, { limits: { body: 0 } });
    expect(await post(gateway.http("/feed"), 2 * 1024 ** 2)).toBe(200);
  });
});
