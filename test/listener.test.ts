import { describe, expect, test } from "bun:test";
import { createListener } from "../src/listener.ts";
import { eventually, expectCalm, expectEcho } from "./calm.ts";
import { testClock } from "./clock.ts";
import { memoryLog, startGateway } from "./gateway.ts";
import { closePayload, frame, OPCODE, upgrade } from "./raw-client.ts";
import { type ServedRoute, serveRoute } from "./serve-route.ts";

const here = { path: "/x/y" };
const thrower = (what: string) => () => {
  throw new Error(`thrown by ${what}`);
};
const goodbye = () => frame(closePayload(1000), { opcode: OPCODE.close });

/** Stages and error texts that were logged for a connection. */
const failures = ({ lines }: Pick<ServedRoute, "lines">, id: string) =>
  lines
    .filter(({ level, conn }) => level === "error" && conn === id)
    .map(({ stage, err }) => `${stage}: ${err instanceof Error ? err.message : err}`);

describe("a hook of a route that throws", () => {
  test.each(["open", "message"])(
    "in %s closes its connection with 1011 and touches nobody else",
    async (hook) => {
      let isBroken = false;
      const throws = thrower(hook);
      const served = serveRoute({
        open: () => void (isBroken && hook === "open" && throws()),
        message(connection, data) {
          if (isBroken) throws();
          connection.send(data);
        },
      });
      using other = await upgrade(served.host, here);
      isBroken = true;
      using client = await upgrade(served.host, here);
      client.write(frame("x"));
      expect(await client.ending()).toEqual({
        code: 1011,
        reason: `internal error in ${hook}, see the log for ${client.id}`,
      });
      isBroken = false;
      expect(failures(served, client.id)).toEqual([`${hook}: thrown by ${hook}`]);
      expect(served.endpoint.counters).toMatchObject({ errors: 1, connections: 1 });
      expect(served.endpoint.counters.closed).toEqual(new Map([[1011, 1]]));
      expect(served.capacity.used).toBe(1);
      await expectEcho(other, "untouched");
      using next = await upgrade(served.host, here);
      await expectEcho(next, "served");
    },
  );

  test("ignores the frames behind the one that broke it", async () => {
    let calls = 0;
    const served = serveRoute({
      message() {
        calls += 1;
        throw new Error("no");
      },
    });
    using client = await upgrade(served.host, here);
    client.write(Buffer.concat(Array.from({ length: 50 }, () => frame("x"))));
    expect((await client.ending()).code).toBe(1011);
    expect([calls, served.endpoint.counters.errors]).toEqual([1, 1]);
  });

  test("in close and in onClose is logged twice and leaks nothing", async () => {
    const served = serveRoute({ close: thrower("close") }, { endpoint: { onClose: thrower("onClose") } });
    using client = await upgrade(served.host, here);
    client.write(goodbye());
    expect((await client.ending()).code).toBe(1000);
    await eventually("given back", () => served.capacity.used === 0);
    expect(failures(served, client.id)).toEqual(["close: thrown by close", "onClose: thrown by onClose"]);
    expect(served.endpoint.counters).toMatchObject({ errors: 2, connections: 0 });
    expect(served.listener.connections.size).toBe(0);
  });

  test("in onOpen means that the route never sees the connection, and gives back what admit took", async () => {
    const events: string[] = [];
    const served = serveRoute(
      {
        admit: () => ({ admitted: { release: () => void events.push("release") } }),
        open: () => void events.push("open"),
        close: () => void events.push("close"),
      },
      { endpoint: { onOpen: thrower("onOpen"), onClose: () => void events.push("onClose") } },
    );
    using client = await upgrade(served.host, here);
    expect((await client.ending()).code).toBe(1011);
    await eventually("given back", () => served.capacity.used === 0);
    expect(events).toEqual(["release", "onClose"]);
    expect(failures(served, client.id)).toEqual(["onOpen: thrown by onOpen"]);
  });

  test("in describe costs the log line its fields, nothing else", async () => {
    const served = serveRoute({ describe: thrower("describe") });
    using client = await upgrade(served.host, here);
    await expectEcho(client, "still here");
    expect(served.lines.find(({ text }) => text === "connected")).toMatchObject({
      conn: client.id,
      describe: "Error: thrown by describe",
    });
  });

  test("in onOpen is in the log between the connection's first line and its last", async () => {
    const served = serveRoute({}, { endpoint: { onOpen: thrower("onOpen") } });
    using client = await upgrade(served.host, here);
    expect((await client.ending()).code).toBe(1011);
    await eventually("given back", () => served.capacity.used === 0);
    const lines = served.lines.filter(({ conn }) => conn === client.id).map(({ text }) => text);
    expect(lines).toEqual(["! a hook of the route threw", "connected", "goodbye"]);
  });

  test("in the config of a gateway does the same", async () => {
    const log = memoryLog();
    const onClose = thrower("onClose");
    const echo = { kind: "echo", welcome: false } as const;
    const routes = {
      "/echo": echo,
      "/a": { ...echo, onOpen: thrower("onOpen") },
      "/b": { ...echo, onClose },
    };
    await using gateway = await startGateway(routes, {}, { log });
    using a = await upgrade(gateway.host, { path: "/a" });
    expect((await a.ending()).code).toBe(1011);
    using b = await upgrade(gateway.host, { path: "/b" });
    b.write(goodbye());
    expect((await b.ending()).code).toBe(1000);
    await expectCalm(gateway);
    expect(failures(log, a.id)).toEqual(["onOpen: thrown by onOpen"]);
    expect(failures(log, b.id)).toEqual(["onClose: thrown by onClose"]);
    expect(await gateway.metric('fairlead_route_errors_total{route="/a"}')).toBe(1);
    expect(await gateway.metric('fairlead_route_errors_total{route="/b"}')).toBe(1);
  });
});

describe("a connection", () => {
  test.each(["close", "terminate"] as const)(
    "that its route ends by %s hears of it once, at once",
    async (how) => {
      const events: string[] = [];
      const { host, capacity } = serveRoute({
        message(connection, data) {
          events.push(`message ${data}`);
          connection[how](1013, "enough");
          connection.close(1000, "again");
          connection.terminate(1000, "again");
          events.push(`open ${connection.isOpen} sent ${connection.send("late")}`);
        },
        close: (_, { code, reason, local }) => void events.push(`closed ${code} ${reason} ${local}`),
      });
      using client = await upgrade(host, here);
      client.write(Buffer.concat([frame("1"), frame("2")]));
      expect((await client.ending()).code).toBe(how === "close" ? 1013 : 1006);
      await eventually("given back", () => capacity.used === 0);
      expect(events).toEqual(["message 1", "closed 1013 enough true", "open false sent true"]);
    },
  );

  test("is watched by the heartbeat from its open to its end", async () => {
    const watched = new Set<unknown>();
    const heartbeat = {
      add: (peer: unknown) => void watched.add(peer),
      remove: (peer: unknown) => void watched.delete(peer),
      stop() {},
    };
    const { host, listener } = serveRoute({}, { endpoint: { heartbeat } });
    using client = await upgrade(host, here);
    await expectEcho(client, "open");
    expect(watched).toEqual(new Set(listener.connections));
    client.write(goodbye());
    await client.ending();
    await eventually("the end", () => watched.size === 0);
  });

  test("gives its route the peer's code and reason", async () => {
    const infos: unknown[] = [];
    const { host } = serveRoute({ close: (_, info) => void infos.push(info) });
    using client = await upgrade(host, here);
    client.write(frame(closePayload(4_999, "so long \u2603"), { opcode: OPCODE.close }));
    await client.ending();
    await eventually("close", () => infos.length > 0);
    expect(infos).toEqual([{ code: 4_999, reason: "so long \u2603", local: false }]);
  });

  test("that stays paused by its route delivers nothing, and everything in order afterwards", async () => {
    const seen: string[] = [];
    let resume = () => {};
    const { host } = serveRoute({
      open(connection) {
        if (connection.params["name"] !== "paused") return;
        connection.pause();
        resume = () => connection.resume();
      },
      message(connection, data) {
        if (connection.params["name"] === "paused") seen.push(String(data));
        else connection.send(data);
      },
    });
    using client = await upgrade(host, { path: "/x/paused" });
    const expected = Array.from({ length: 500 }, (_, n) => `message ${n}`);
    for (const text of expected) client.write(frame(text));
    using next = await upgrade(host, here);
    await expectEcho(next, "served meanwhile");
    expect(seen).toEqual([]);
    resume();
    await eventually("all", () => seen.length === 500);
    expect(seen).toEqual(expected);
  });
});

describe("binding", () => {
  const options = {
    maxMessage: 0,
    maxPings: 0,
    maxBody: 1024,
    clock: testClock(),
    reception: { answer: () => undefined },
    onGone: () => {},
    log: memoryLog(),
  };

  test("says that the port is in use", async () => {
    const first = createListener({ ...options, host: "127.0.0.1", port: 0 });
    expect(() => createListener({ ...options, host: "127.0.0.1", port: first.port })).toThrow(
      `127.0.0.1:${first.port} is in use by another program. Stop it, or choose another port with --port.`,
    );
    await first.stop();
  });

  test("says that the address is none of this machine", () => {
    expect(() => createListener({ ...options, host: "192.0.2.1", port: 8_080 })).toThrow(
      /^192\.0\.2\.1:8080 cannot be bound \(\w+\)\. Is 192\.0\.2\.1 an address of this machine\?$/,
    );
  });
});
