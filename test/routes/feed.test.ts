import { describe, expect, test } from "bun:test";
import type { Source, SourceMessage } from "../../src/config/kinds/feed.ts";
import type { Topics } from "../../src/engine.ts";
import { connect, memoryLog, startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { NOBODY_ASKS } from "../topics/fake-topics.ts";
import { feedHouse } from "./feed-house.ts";

const WELCOME = '{"type":"connected","message":"Connected to the real-time feed"}';
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("feed: a plain client", () => {
  test("is welcomed on open, as the option says", async () => {
    await using gateway = await startGateway({
      "/default": { kind: "feed" },
      "/own": { kind: "feed", welcome: "hello" },
    });
    using client = await connect(gateway.ws("/default"));
    using own = await connect(gateway.ws("/own"));
    expect([await client.next(), await own.next()]).toEqual([WELCOME, "hello"]);
  });

  test("gets the messages of its topic only, as they were published, in order", async () => {
    await using gateway = await startGateway({
      "/feed/:topic": { kind: "feed", publish: true, welcome: false },
    });
    using reader = await connect(gateway.ws("/feed/a"));
    using other = await connect(gateway.ws("/feed/b"));
    using publisher = await connect(gateway.ws("/feed/a"));
    const messages = ["one", new Uint8Array([0, 255]), "", '{"a": 1}', "snow \u2603"];
    for (const message of messages) publisher.send(message);
    for (const message of messages) expect(await reader.next()).toEqual(message);
    for (const message of messages) expect(await publisher.next()).toEqual(message);
    other.send("for b");
    expect(await other.next()).toBe("for b");
  });

  test("is ignored and counted when it says something where clients may not publish", async () => {
    await using gateway = await startGateway({ "/feed": { kind: "feed", welcome: false } });
    using client = await connect(gateway.ws("/feed"));
    client.send("ignored");
    client.send(new Uint8Array([1]));
    client.socket.close();
    await client.closed;
    const dropped = 'fairlead_messages_dropped_total{route="/feed",reason="ignored"}';
    expect(await gateway.metric(dropped)).toBe(2);
    expect(await gateway.metric('fairlead_messages_due_total{route="/feed"}')).toBe(0);
    expect(JSON.parse(await (await fetch(gateway.http("/feed"))).text()).messages).toEqual([]);
  });

  test("may publish what the history then has, with the id of its connection", async () => {
    await using gateway = await startGateway({ "/feed": { kind: "feed", publish: true, welcome: false } });
    using client = await connect(gateway.ws("/feed"));
    client.send("said");
    await client.next();
    const { messages } = JSON.parse(await (await fetch(gateway.http("/feed"))).text());
    expect(messages).toEqual([
      { offset: 1, time: expect.any(Number), conn: expect.any(String), data: "said" },
    ]);
  });

  test.each([
    ["/feed/a..b", "empty segment"],
    ["/feed/*", "* or >"],
    ["/feed/a%20b", "U+0020"],
  ])("is refused on %s with 400 and the reason", async (path, reason) => {
    await using gateway = await startGateway({ "/feed/:topic": { kind: "feed" } });
    const response = await fetch(gateway.http(path), {
      headers: {
        Upgrade: "websocket",
        Connection: "Upgrade",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Sec-WebSocket-Version": "13",
      },
    });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining(reason)]);
  });

  test("is logged with its topic", async () => {
    const log = memoryLog();
    await using gateway = await startGateway({ "/feed/:topic": { kind: "feed" } }, {}, { log });
    using client = await connect(gateway.ws("/feed/news"));
    await client.next();
    expect(log.lines).toContainEqual(
      expect.objectContaining({ text: "connected", route: "/feed/:topic", topic: "news" }),
    );
  });
});

describe("feed: the topic of a path without a parameter", () => {
  const said: Source = async function* (signal) {
    yield { data: "from the source" };
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  };

  test.each([
    ["feed, if nothing names another", {}, "feed"],
    ["what the option topic says", { topic: "prices" }, "prices"],
    ["the source's name", { source: "stocks" as const }, "stocks"],
    ["what the option says, before stocks", { source: "stocks" as const, topic: "prices" }, "prices"],
    ["what the option says, before the source's name", { source: said, topic: "prices" }, "prices"],
    ["feed, if its source is a function", { source: said }, "feed"],
  ])("is %s", async (_, options, topic) => {
    await using gateway = await startGateway({ "/f": { kind: "feed", ...options } });
    expect(JSON.parse(await (await fetch(gateway.http("/f"))).text()).topic).toBe(topic);
  });

  test("is where the source publishes", async () => {
    await using gateway = await startGateway({ "/f": { kind: "feed", source: said, topic: "prices" } });
    const { topic, messages } = JSON.parse(await (await fetch(gateway.http("/f"))).text());
    expect([topic, messages.map(({ data }: { data: unknown }) => data)]).toEqual([
      "prices",
      ["from the source"],
    ]);
  });
});

describe("feed: a source", () => {
  /** Yields these, then waits for the end. */
  const source = (...messages: unknown[]): Source =>
    async function* (signal) {
      yield* messages as SourceMessage[];
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    };

  test("runs from the start of the gateway to its end", async () => {
    let hasEnded = false;
    const house = feedHouse(
      {},
      {
        async *source(signal) {
          yield* source({ data: 1 })(signal);
          hasEnded = true;
        },
      },
    );
    const client = house.open();
    await settle();
    expect(client.sent).toEqual([]);
    house.route.start?.();
    await settle();
    expect(client.sent).toEqual(["1"]);
    await bounded("the end of the route", house.route.dispose());
    expect([hasEnded, house.log.lines]).toEqual([true, []]);
  });

  test("publishes stock prices as often as interval says, to topic stocks of any path", async () => {
    await using gateway = await startGateway({
      "/feed/:topic": { kind: "feed", source: "stocks", interval: 5 },
    });
    using client = await connect(gateway.ws("/feed/stocks"));
    expect(await client.next()).toBe(WELCOME);
    for (let i = 0; i < 3; i += 1) {
      expect(JSON.parse(String(await bounded("a price", client.next())))).toEqual({
        symbol: expect.stringMatching(/^(AAPL|GOOGL|MSFT|AMZN)$/),
        price: expect.any(Number),
        source: expect.stringMatching(/^(alpha_vantage|yahoo_finance)$/),
        timestamp: expect.any(Number),
      });
    }
  });

  test("may name another topic for each message", async () => {
    const house = feedHouse({}, { source: source({ data: "own" }, { data: "other", topic: "b" }) });
    const client = house.open();
    house.route.start?.();
    await settle();
    expect(client.sent).toEqual(['"own"']);
    const { messages } = await house.topics.history("b", { limit: 10 });
    expect(messages).toMatchObject([{ data: '"other"', json: true, offset: 1 }]);
    await house.route.dispose();
  });

  test.each([
    ["undefined as data", { data: undefined }, "its data is not JSON"],
    ["a function as data", { data: () => 1 }, "its data is not JSON"],
    ["a bigint as data", { data: 1n }, "BigInt"],
    ["a topic that cannot be one", { data: 1, topic: "a..b" }, "empty segment"],
    ["a topic that is no string", { data: 1, topic: 5 }, "TypeError"],
    ["nothing at all", undefined, "TypeError"],
  ])("that yields %s has it logged, and goes on", async (_, bad, problem) => {
    const house = feedHouse({}, { source: source(bad, { data: "next" }) });
    const client = house.open();
    house.route.start?.();
    await settle();
    expect(client.sent).toEqual(['"next"']);
    expect(house.log.lines).toMatchObject([
      { level: "error", route: "/feed", problem: expect.stringContaining(problem) },
    ]);
    await house.route.dispose();
  });

  test("that throws is started again, and its clients stay", async () => {
    let starts = 0;
    const house = feedHouse(
      {},
      {
        async *source() {
          starts += 1;
          yield { data: starts };
          throw new Error("lost the upstream");
        },
      },
    );
    const client = house.open();
    house.route.start?.();
    await settle();
    house.clock.advance(1_000);
    await settle();
    expect([client.sent, client.isOpen]).toEqual([["1", "2"], true]);
    expect(house.log.lines[0]).toMatchObject({ level: "error", err: new Error("lost the upstream") });
    await house.route.dispose();
  });
});

describe("feed: keyField", () => {
  const keysOf = async (messages: readonly string[], keyField = "symbol") => {
    const house = feedHouse({ publish: true, keyField });
    const client = house.open();
    for (const message of messages) client.say(message);
    const page = await house.topics.history("feed", { limit: 100 });
    return page.messages.map(({ key }) => key);
  };

  test("takes texts, numbers and booleans of that field as keys", async () => {
    expect(await keysOf(['{"symbol":"A"}', '{"symbol":1}', '{"symbol":false}', '{"symbol":""}'])).toEqual([
      "A",
      "1",
      "false",
      "",
    ]);
  });

  test("finds no key in anything else, so those are not told apart", async () => {
    const without = ["{}", '{"symbol":null}', '{"symbol":{"a":1}}', "[1]", "null", "5", "no JSON", ""];
    expect(await keysOf(without)).toEqual(Array(8).fill(undefined));
    expect(await keysOf(["{}", "[]"], "toString")).toEqual([undefined, undefined]);
  });

  test("makes latest the policy, and drop-oldest is it otherwise", async () => {
    const policyOf = (options: Parameters<typeof feedHouse>[0]) => {
      const house = feedHouse({ publish: true, slow: { highWater: 10, policy: undefined }, ...options });
      const [slow, publisher] = [house.open(), house.open()];
      slow.stall();
      for (let i = 0; i < 5; i += 1) publisher.say('{"k":1}');
      return house.log.lines.find(({ text }) => text === "slow consumer: fell behind")?.["policy"];
    };
    expect(policyOf({})).toBe("drop-oldest");
    expect(policyOf({ keyField: "k" })).toBe("latest");
    expect(policyOf({ keyField: "k", slow: { policy: "drop-oldest", highWater: 10 } })).toBe("drop-oldest");
  });
});

test("feed: a slow client goes on when it reads again, and is forgotten when it leaves", () => {
  const house = feedHouse({ publish: true, slow: { highWater: 10, policy: undefined } });
  const [slow, publisher] = [house.open(), house.open()];
  slow.stall();
  for (const text of ["12345", "67890", "12345", "late"]) publisher.say(text);
  expect(slow.take()).toEqual(["12345", "67890", "12345"]);
  slow.catchUp();
  expect(slow.take()).toEqual(["late"]);
  slow.leave();
  publisher.leave();
  expect(house.route.stats()).toMatchObject({ readers: 0, topics: 0 });
});

test("feed: a message that the engine refuses is counted, and answered with 503 to POST", async () => {
  const topics: Topics = {
    publish: (_topic, _message, done) => done?.({ code: "engine_down", text: "down" }),
    subscribe: () => ({ close() {} }),
    ...NOBODY_ASKS,
  };
  const house = feedHouse({ publish: true }, { topics });
  house.open().say("x");
  expect(house.counters.dropped.refused).toBe(1);
  const { status } = await house.ask({ method: "POST", body: "x" });
  expect(status).toBe(503);
});
