import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { byteLength, createCapacity, defaultCapacity } from "../src/limits.ts";
import { eventually, expectCalm, expectEcho } from "./calm.ts";
import { startGateway } from "./gateway.ts";
import { ask, dial, head, upgrade } from "./raw-client.ts";
import { serveRoute } from "./serve-route.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;

describe("capacity", () => {
  test("gives what it has, and takes it back", () => {
    const capacity = createCapacity(2);
    expect([capacity.take(), capacity.take(), capacity.take()]).toEqual([true, true, false]);
    expect(capacity.isFull).toBe(true);
    capacity.give();
    expect(capacity.isFull).toBe(false);
    expect(capacity.used).toBe(1);
    expect(capacity.take()).toBe(true);
  });

  test("gives several at once, or none of them", () => {
    const capacity = createCapacity(4);
    expect([capacity.take(3), capacity.take(3), capacity.used]).toEqual([true, false, 3]);
    expect([capacity.take(), capacity.take()]).toEqual([true, false]);
    capacity.give(3);
    expect(capacity.used).toBe(1);
  });

  test("has no end if the maximum is 0", () => {
    const capacity = createCapacity(0);
    for (let n = 0; n < 100_000; n += 1) expect(capacity.take()).toBe(true);
    expect(capacity.isFull).toBe(false);
    expect(capacity.used).toBe(100_000);
  });

  test("is by default 80 % of the descriptors that a shell says this process may open", () => {
    const nofile = Number(Bun.spawnSync(["sh", "-c", "ulimit -n"]).stdout.toString());
    expect(defaultCapacity()).toBe(Math.floor(nofile * 0.8));
  });

  test("is by default less where the process may open few, so that all it needs itself fits beside it", () => {
    const { stdout } = Bun.spawnSync(
      [
        "sh",
        "-c",
        `ulimit -n 128; exec "$0" -e 'import { defaultCapacity } from "./src/limits.ts"; console.log(defaultCapacity())'`,
        process.execPath,
      ],
      { cwd: join(import.meta.dir, "..") },
    );
    expect(Number(stdout.toString())).toBeWithin(60, 96);
  });
});

describe("byteLength", () => {
  test("counts UTF-8 of text and bytes of binary", () => {
    expect(byteLength("a\u2603\u{1f600}")).toBe(8);
    expect(byteLength(new Uint8Array(5).subarray(2))).toBe(3);
    expect(byteLength("")).toBe(0);
  });
});

describe("the connection cap", () => {
  test("answers 503 with Retry-After, and has room again when one leaves", async () => {
    await using gateway = await startGateway(routes, { limits: { connections: 2 } });
    {
      using first = await upgrade(gateway.host);
      using _second = await upgrade(gateway.host);
      const { status, headers, body } = await ask(gateway.host);
      expect([status, headers.get("retry-after"), body.split(":")[0]]).toEqual([503, "5", "full"]);
      expect(await gateway.metric("fairlead_descriptors_used")).toBe(2);
      first.reset();
      await eventually("room", async () => (await gateway.metric("fairlead_descriptors_used")) === 1);
      using third = await upgrade(gateway.host);
      await expectEcho(third, "in");
    }
    await expectCalm(gateway);
  });

  test("comes before any other work on an upgrade", async () => {
    const admitted: string[] = [];
    const { host } = serveRoute(
      {
        admit({ params }) {
          admitted.push(String(params["name"]));
          return { admitted: {} };
        },
      },
      { connections: 1 },
    );
    using _only = await upgrade(host, { path: "/x/y" });
    const spoiled = { path: "/nope", method: "POST", headers: { Host: "a b", "Sec-WebSocket-Key": null } };
    for (const request of [{ path: "/x/z" }, spoiled]) expect((await ask(host, request)).status).toBe(503);
    expect(admitted).toEqual(["y"]);
  });

  test("leaves the gateway's own pages alone", async () => {
    await using gateway = await startGateway(routes, { limits: { connections: 1 } });
    using _only = await upgrade(gateway.host);
    expect((await fetch(gateway.http("/healthz"))).status).toBe(200);
    expect((await fetch(gateway.http("/readyz"))).status).toBe(200);
  });

  test("counts a bridge as two: its connection and its upstream", async () => {
    using target = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const bridge = { kind: "bridge", target: `127.0.0.1:${target.port}` } as const;
    await using gateway = await startGateway(
      { ...routes, "/bridge": bridge },
      { limits: { connections: 3 } },
    );
    const first = await upgrade(gateway.host, { path: "/bridge" });
    expect(await gateway.metric("fairlead_descriptors_used")).toBe(2);
    expect((await ask(gateway.host, { path: "/bridge" })).status).toBe(503);
    first.reset();
    await expectCalm(gateway);
    using _next = await upgrade(gateway.host, { path: "/bridge" });
  });

  test("takes nothing for a refused handshake, however many there are", async () => {
    await using gateway = await startGateway(routes, { limits: { connections: 2 } });
    const bad = [{ path: "/nope" }, { headers: { "Sec-WebSocket-Key": null } }, { method: "POST" }];
    for (let round = 0; round < 5; round += 1) for (const request of bad) await ask(gateway.host, request);
    await expectCalm(gateway);
  });

  test("gets every slot back from clients that reset during and after the handshake", async () => {
    await using gateway = await startGateway(routes, { limits: { connections: 2 } });
    for (let round = 0; round < 30; round += 1) {
      const client = await dial(gateway.host);
      client.write(round % 3 ? head() : head().slice(0, 40));
      if (round % 3 === 2) await client.answer();
      client.reset();
    }
    await expectCalm(gateway);
    using _first = await upgrade(gateway.host);
    using _second = await upgrade(gateway.host);
  });

  test("is off if it is 0", async () => {
    await using gateway = await startGateway(routes, { limits: { connections: 0 } });
    const clients = await Promise.all(Array.from({ length: 50 }, () => upgrade(gateway.host)));
    expect(await gateway.metric("fairlead_descriptors_used")).toBe(50);
    for (const client of clients) client.reset();
    await expectCalm(gateway);
  });
});
