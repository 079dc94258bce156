import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { roomOptions } from "../../src/config/kinds/room.ts";
import type { Topics } from "../../src/engine.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createRoom } from "../../src/routes/room.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { connect, memoryLog, startGateway, type TestClient, type TestGateway } from "../gateway.ts";
import { ask } from "../raw-client.ts";
import { NOBODY_ASKS } from "../topics/fake-topics.ts";

const ROOM = { "/room/:name": { kind: "room" } } as const;

const join = (gateway: TestGateway, name: string, count: number): Promise<TestClient[]> =>
  Promise.all(Array.from({ length: count }, () => connect(gateway.ws(`/room/${name}`))));

const leave = (clients: readonly TestClient[]) => {
  for (const { socket } of clients) socket.close();
};

describe("room", () => {
  test("says nothing by itself, then everybody hears everything unchanged, the sender too", async () => {
    await using gateway = await startGateway(ROOM);
    const clients = await join(gateway, "a", 3);
    const messages = [
      "hi",
      "",
      "snow \u2603 and 😀",
      new Uint8Array([0, 255]),
      new Uint8Array(0),
      '{"a" : 1}',
    ];
    for (const message of messages) clients[0]?.send(message);
    for (const client of clients)
      for (const message of messages) expect(await client.next()).toEqual(message);
    expect(clients.map(({ waiting }) => waiting)).toEqual([0, 0, 0]);
    leave(clients);
  });

  test("leaves a plain sender out with echo false, and only of its own messages", async () => {
    await using gateway = await startGateway({ "/room/:name": { kind: "room", echo: false } });
    const [a, b] = await join(gateway, "a", 2);
    a?.send("from a");
    expect(await b?.next()).toBe("from a");
    b?.send("from b");
    expect(await a?.next()).toBe("from b");
    expect(b?.waiting).toBe(0);
    leave([a, b].filter((each) => each !== undefined));
  });

  test("ignores binary with binary false, counts it, and goes on", async () => {
    await using gateway = await startGateway({ "/room/:name": { kind: "room", binary: false } });
    const clients = await join(gateway, "a", 2);
    clients[0]?.send(new Uint8Array([1, 2]));
    clients[0]?.send("text");
    for (const client of clients) expect(await client.next()).toBe("text");
    const dropped = 'fairlead_messages_dropped_total{route="/room/:name",reason="ignored"}';
    expect(await gateway.metric(dropped)).toBe(1);
    leave(clients);
  });

  test("is apart from other rooms, and from the same name on another route", async () => {
    await using gateway = await startGateway({ ...ROOM, "/other/:name": { kind: "room" } });
    using a = await connect(gateway.ws("/room/a"));
    using b = await connect(gateway.ws("/room/b"));
    using other = await connect(gateway.ws("/other/a"));
    a.send("for a");
    expect(await a.next()).toBe("for a");
    for (const [client, text] of [
      [b, "for b"],
      [other, "for the other a"],
    ] as const) {
      client.send(text);
      expect(await client.next()).toBe(text);
    }
  });

  test("is one room where the path has no parameter", async () => {
    await using gateway = await startGateway({ "/ws": { kind: "room" } });
    using a = await connect(gateway.ws("/ws"));
    using b = await connect(gateway.ws("/ws?ignored=1"));
    a.send("hi");
    expect([await a.next(), await b.next()]).toEqual(["hi", "hi"]);
  });

  test("serves who is still there when others have left, and who comes back to an empty room", async () => {
    await using gateway = await startGateway(ROOM);
    const [a, b] = await join(gateway, "a", 2);
    a?.socket.close();
    await a?.closed;
    b?.send("alone");
    expect(await b?.next()).toBe("alone");
    b?.socket.close();
    await b?.closed;
    using c = await connect(gateway.ws("/room/a"));
    c.send("again");
    expect(await c.next()).toBe("again");
  });
});

describe("room: names", () => {
  test.each([
    ["a%2Fb", "a/b"],
    ["%E2%98%83", "\u2603"],
    ["%252f", "%2f"],
    ["A.b-c_1", "A.b-c_1"],
    ["__proto__", "__proto__"],
  ])("%s in a path is the room %s", async (path, room) => {
    const log = memoryLog();
    await using gateway = await startGateway(ROOM, {}, { log });
    using a = await connect(gateway.ws(`/room/${path}`));
    using b = await connect(gateway.ws(`/room/${path}`));
    a.send("hi");
    expect(await b.next()).toBe("hi");
    expect(log.lines.flatMap((line) => line["room"] ?? [])).toEqual([room, room]);
  });

  test.each([
    ["a..b", "bad_topic"],
    [".", "bad_path"],
    [".a", "bad_topic"],
    ["*", "bad_topic"],
    ["a.*", "bad_topic"],
    ["%3E", "bad_topic"],
    ["a%20b", "bad_topic"],
    ["%E2%80%AE", "bad_topic"],
    ["%00", "bad_path"],
    ["%0A", "bad_path"],
    ["", "bad_path"],
    ["x".repeat(256), "bad_path"],
    ["%", "bad_path"],
  ])("%p in a path is refused as %s", async (path, code) => {
    await using gateway = await startGateway(ROOM);
    const { status, body } = await ask(gateway.host, { path: `/room/${path}` });
    expect(body).toStartWith(`${code}: `);
    expect(status).toBe(400);
  });

  test("of 255 bytes are taken", async () => {
    await using gateway = await startGateway(ROOM);
    using client = await connect(gateway.ws(`/room/${"x".repeat(255)}`));
    client.send("hi");
    expect(await client.next()).toBe("hi");
  });
});

describe("room: the log", () => {
  test("has connected and goodbye at info and messages at debug, with id, room and number", async () => {
    const log = memoryLog(true);
    await using gateway = await startGateway(ROOM, {}, { log });
    const [a] = await join(gateway, "a", 1);
    const [b] = await join(gateway, "a", 1);
    using _other = await connect(gateway.ws("/room/b"));
    b?.send("hi");
    await b?.next();
    b?.socket.close(1000);
    await b?.closed;
    await eventually("the goodbye", () => log.lines.some(({ text }) => text === "goodbye"));
    using _c = await connect(gateway.ws("/room/a"));
    const lines = log.lines.filter(({ conn }) => conn !== undefined);
    const ids = new Set(lines.map(({ conn }) => conn));
    expect(ids.size).toBe(4);
    expect(lines.map(({ level, text, room, member }) => [level, text, room, member])).toEqual([
      ["info", "connected", "a", 1],
      ["info", "connected", "a", 2],
      ["info", "connected", "b", 1],
      ["debug", "< text 2 B", "a", 2],
      ["info", "goodbye", "a", 2],
      ["info", "connected", "a", 3],
    ]);
    expect(lines.every(({ route }) => route === "/room/:name")).toBe(true);
    if (a !== undefined) leave([a]);
  });
});

describe("room: order", () => {
  /** Who sends in which order; each message names its sender and its number there. */
  const turns = fc.array(fc.nat(4), { minLength: 1, maxLength: 200, size: "max" });

  test("is one for everybody, and each sender's own, whoever speaks in between", async () => {
    await using gateway = await startGateway(ROOM);
    let rooms = 0;
    await fc.assert(
      fc.asyncProperty(turns, async (order) => {
        rooms += 1;
        const clients = await join(gateway, `r${rooms}`, 5);
        const sent = [0, 0, 0, 0, 0];
        for (const who of order) {
          sent[who] = (sent[who] ?? 0) + 1;
          clients[who]?.send(`${who}:${sent[who]}`);
        }
        const heard: string[][] = [];
        for (const client of clients) {
          const own: string[] = [];
          for (const _ of order) own.push(String(await client.next()));
          heard.push(own);
        }
        for (const each of heard) expect(each).toEqual(heard[0] ?? []);
        for (const [who, count] of sent.entries()) {
          const own = heard[0]?.filter((message) => message.startsWith(`${who}:`)) ?? [];
          expect(own).toEqual(Array.from({ length: count }, (_, i) => `${who}:${i + 1}`));
        }
        leave(clients);
      }),
      { numRuns: 15 },
    );
  });
});

describe("room: books", () => {
  test("say what was due and delivered, and how many rooms and readers there are", async () => {
    await using gateway = await startGateway(ROOM);
    const clients = await join(gateway, "a", 3);
    clients[0]?.send("12345");
    for (const client of clients) await client.next();
    const value = (name: string) => gateway.metric(`fairlead_${name}`);
    const route = '{route="/room/:name"}';
    expect(await value(`messages_due_total${route}`)).toBe(3);
    expect(await value(`messages_delivered_total${route}`)).toBe(3);
    expect(await value(`messages_queued${route}`)).toBe(0);
    expect(await value(`messages_received_total${route}`)).toBe(1);
    expect(await value(`messages_sent_total${route}`)).toBe(3);
    expect(await value('message_bytes_total{route="/room/:name",direction="out"}')).toBe(15);
    leave(clients);
  });

  const speaking = () => {
    const clock = testClock();
    const { presence } = createMemoryEngine({ clock, onError: () => undefined });
    return { clock, presence, maxSubscriptions: 0 };
  };

  function house(topics: Topics) {
    const counters = createRouteCounters("/room", "room");
    const hub = { route: "/room", publisher: { publish() {} }, log: memoryLog() };
    const options = roomOptions.parse({ kind: "room" });
    return { counters, route: createRoom({ options, topics, counters, hub, ...speaking() }) };
  }

  test("come out for a slow member too, who goes on when it reads again", () => {
    const engine = createMemoryEngine({ clock: testClock(), onError: () => undefined });
    const members: FakeConnection[] = [];
    const counters = createRouteCounters("/room", "room");
    const options = roomOptions.parse({ kind: "room", slow: { policy: "drop-oldest", highWater: 10 } });
    const route = createRoom({
      options,
      counters,
      topics: engine.topics("/room", options.history),
      ...speaking(),
      hub: {
        route: "/room",
        log: memoryLog(),
        publisher: {
          publish(channel, data) {
            for (const each of members) if (each.channels.has(channel)) each.send(data);
          },
        },
      },
    });
    const [slow, other] = [openFake(route), openFake(route)];
    members.push(slow, other);
    slow.stall();
    for (const text of ["12345", "67890", "12345", "late"]) other.say(text);
    expect([slow.take().length, route.stats()["queued"]]).toEqual([3, 1]);
    slow.catchUp();
    expect([slow.take(), route.stats()["queued"]]).toEqual([["late"], 0]);
    expect(counters).toMatchObject({ due: 8, delivered: 8 });
  });

  test("count a message that the engine refuses as refused", () => {
    const { counters, route } = house({
      publish: (_topic, _message, done) => done?.({ code: "engine_down", text: "down" }),
      subscribe: () => ({ close() {} }),
      ...NOBODY_ASKS,
    });
    openFake(route).say("x");
    expect(counters.dropped.refused).toBe(1);
  });

  test("are empty again when the engine could not take the room's first member", async () => {
    const { route } = house({
      publish() {},
      subscribe(_topic, _deliver, done) {
        done?.({ code: "engine_down", text: "the engine is down" });
        return { close() {} };
      },
      ...NOBODY_ASKS,
    });
    const first = openFake(route);
    await Promise.resolve();
    expect(first.ended).toMatchObject({ code: 1013, reason: "the engine is down" });
    expect(route.stats()).toMatchObject({ topics: 0, readers: 0 });
    expect(route.describe?.(openFake(route))).toEqual({ room: "room", member: 1 });
  });
});
