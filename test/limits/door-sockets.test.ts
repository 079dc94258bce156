/** The shares of addresses over real sockets: a proxy that is trusted lets a test come from anywhere. */
import { describe, expect, test } from "bun:test";
import { eventually, expectCalm } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { ask, dial, type HeadOptions, head, upgrade } from "../raw-client.ts";

const routes = { "/echo": { kind: "echo", welcome: false }, "/feed": { kind: "feed" } } as const;
const trustProxy = ["127.0.0.1"];

const from = (address: string, options: HeadOptions = {}): HeadOptions => ({
  ...options,
  headers: { ...options.headers, "X-Forwarded-For": address },
});

const EVENTS = { path: "/feed", headers: { Upgrade: null, Connection: null, Accept: "text/event-stream" } };

describe("limits.perAddress", () => {
  test("refuses one more WebSocket with 429, until one of that address has gone", async () => {
    await using gateway = await startGateway(routes, { trustProxy, limits: { perAddress: 2 } });
    {
      using first = await upgrade(gateway.host, from("192.0.2.1"));
      using _second = await upgrade(gateway.host, from("192.0.2.1"));
      using _other = await upgrade(gateway.host, from("192.0.2.2"));
      const { status, headers, body } = await ask(gateway.host, from("192.0.2.1"));
      expect([status, headers.get("retry-after")]).toEqual([429, "5"]);
      expect(body).toStartWith("too_many_connections: ");
      first.reset();
      const gone = async () => (await gateway.metric("fairlead_descriptors_used")) === 2;
      await eventually("it is gone", gone);
      using _third = await upgrade(gateway.host, from("192.0.2.1"));
    }
    await expectCalm(gateway);
  });

  test("counts event streams and WebSockets together", async () => {
    await using gateway = await startGateway(routes, { trustProxy, limits: { perAddress: 2 } });
    using socket = await upgrade(gateway.host, from("192.0.2.1"));
    using stream = await dial(gateway.host);
    stream.write(head(from("192.0.2.1", EVENTS)));
    expect((await stream.answer()).status).toBe(200);
    expect((await ask(gateway.host, from("192.0.2.1", EVENTS))).status).toBe(429);
    expect((await ask(gateway.host, from("192.0.2.1"))).status).toBe(429);
    stream.reset();
    await eventually("the stream is gone", async () => {
      return (await gateway.metric("fairlead_descriptors_used")) === 1;
    });
    using _next = await upgrade(gateway.host, from("192.0.2.1"));
    socket.reset();
  });

  test("counts a bridge while it dials, so that slow targets multiply nothing", async () => {
    // Takes the connection and never speaks TLS.
    using target = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const bridge = { kind: "bridge", target: `tls://127.0.0.1:${target.port}` } as const;
    await using gateway = await startGateway(
      { ...routes, "/bridge": bridge },
      { trustProxy, limits: { perAddress: 1 } },
    );
    using dialling = await dial(gateway.host);
    dialling.write(head(from("192.0.2.1", { path: "/bridge" })));
    await eventually("it dials", async () => (await gateway.metric("fairlead_descriptors_used")) === 2);
    expect((await ask(gateway.host, from("192.0.2.1"))).status).toBe(429);
    using _other = await upgrade(gateway.host, from("192.0.2.2"));
  });

  test("is not got around by a header that contradicts the proxy's", async () => {
    await using gateway = await startGateway(routes, { trustProxy, limits: { perAddress: 1 } });
    const hidden = (n: number) => from("192.0.2.1", { headers: { Forwarded: `for=198.51.100.${n}` } });
    using _first = await upgrade(gateway.host, hidden(1));
    expect((await ask(gateway.host, hidden(2))).status).toBe(429);
  });

  test("counts nobody on this machine, nor a header without a proxy that is trusted", async () => {
    await using gateway = await startGateway(routes, { limits: { perAddress: 1, perSecond: 1 } });
    using _first = await upgrade(gateway.host);
    using _second = await upgrade(gateway.host);
    using _third = await upgrade(gateway.host, from("192.0.2.1"));
    using _fourth = await upgrade(gateway.host, from("192.0.2.1"));
  });
});

describe("limits.perSecond", () => {
  test("refuses a storm with 429 and Retry-After, and leaves room for another address", async () => {
    await using gateway = await startGateway(routes, { trustProxy, limits: { perSecond: 8 } });
    const storm = await Promise.all(Array.from({ length: 12 }, () => ask(gateway.host, from("192.0.2.1"))));
    const refused = storm.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(8);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
    expect(refused[0]?.body).toStartWith("too_fast: ");
    expect((await ask(gateway.host, from("192.0.2.2"))).status).toBe(101);
    expect(await gateway.metric('fairlead_handshakes_rejected_total{reason="too_fast"}')).toBe(
      refused.length,
    );
    await expectCalm(gateway);
  });

  test("is not used up by handshakes that are refused for another reason", async () => {
    await using gateway = await startGateway(routes, { trustProxy, limits: { perSecond: 4 } });
    for (let n = 0; n < 20; n += 1) {
      const bad = from("192.0.2.1", { headers: { "Sec-WebSocket-Key": null } });
      expect((await ask(gateway.host, bad)).status).toBe(400);
    }
    using _client = await upgrade(gateway.host, from("192.0.2.1"));
  });
});
