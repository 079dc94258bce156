import { describe, expect, test } from "bun:test";
import { createHeartbeat } from "../../src/heartbeat.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouter } from "../../src/reception/router.ts";
import { createReception } from "../../src/reception.ts";
import { EVENT_STREAM_TIMEOUT_S } from "../../src/topics/event-stream.ts";
import { testClock } from "../clock.ts";
import { connect, startGateway } from "../gateway.ts";
import { OPEN_GATE } from "../open-access.ts";
import { bounded } from "../raw-client.ts";
import { NOBODY_ASKS } from "../topics/fake-topics.ts";
import { type FeedHouse, feedHouse } from "./feed-house.ts";

const json = (data: unknown) => ({ data: JSON.stringify(data), json: true });
const publish = (house: FeedHouse, data: unknown) => house.topics.publish("feed", json(data));
const data = (event: string) => /^data: (.*)$/m.exec(event)?.[1] ?? event;

describe("feed: an event stream", () => {
  test("begins with a comment, then has each message with its position as id", async () => {
    const house = feedHouse();
    const stream = await house.stream();
    expect(await stream.read()).toBe(": \n\n");
    publish(house, { a: 1 });
    publish(house, [2]);
    expect(await stream.read()).toMatch(/^id: [A-Za-z0-9_-]{1,32}:1\ndata: \{"a":1\}\n\n$/);
    expect(await stream.read()).toMatch(/^id: [A-Za-z0-9_-]{1,32}:2\ndata: \[2\]\n\n$/);
  });

  test("has each line of a text as a data line, and binary as base64", async () => {
    const house = feedHouse();
    const stream = await house.stream();
    await stream.read();
    house.topics.publish("feed", { data: "one\ntwo\r\nid: 9", json: false });
    house.topics.publish("feed", { data: new Uint8Array([0, 255]), json: false });
    expect(await stream.read()).toEndWith("\ndata: one\ndata: two\ndata: id: 9\n\n");
    expect(data(await stream.read())).toBe('{"base64":"AP8="}');
  });

  test("has a comment every 15 s, so that no proxy cuts it", async () => {
    const house = feedHouse();
    const stream = await house.stream();
    await stream.read();
    for (let i = 0; i < 3; i += 1) {
      house.clock.advance(14_000);
      expect(house.counters.streams).toBe(1);
      house.clock.advance(2_000);
      expect(await stream.read()).toBe(": \n\n");
    }
    publish(house, "next");
    expect(data(await stream.read())).toBe('"next"');
  });

  test("is counted while it is open, with what it is sent, and logged", async () => {
    const house = feedHouse();
    const stream = await house.stream();
    publish(house, "abc");
    expect(house.counters).toMatchObject({ streams: 1, due: 1, delivered: 1, sent: 1, sentBytes: 5 });
    expect(house.route.stats()).toMatchObject({ streams: 1, readers: 1, lagging: 0 });
    expect(house.capacity.used).toBe(1);
    const timers = house.clock.pending;
    await stream.goAway();
    expect(house.clock.pending).toBe(timers - 1);
    expect(house.counters).toMatchObject({ streams: 0, connections: 0, opened: 0 });
    expect(house.route.stats()).toMatchObject({ streams: 0, readers: 0 });
    expect(house.capacity.used).toBe(0);
    const conn = "/feed stream 1";
    expect(house.log.lines).toMatchObject([
      { level: "info", text: "connected", conn, route: "/feed", topic: "feed", ip: "127.0.0.1" },
      { level: "info", text: "goodbye", conn, route: "/feed", reason: "the client went away" },
    ]);
  });

  test("is refused with 503 when the gateway is full, and taken when one has gone", async () => {
    const house = feedHouse({}, { capacity: 1 });
    const first = await house.stream();
    const refused = await house.ask({ headers: { Accept: "text/event-stream" } });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await refused.text()).toStartWith("full: ");
    await first.goAway();
    expect((await house.stream()).status).toBe(200);
    expect(house.counters.streams).toBe(1);
  });

  test("ends when the route does, after what waits, and leaves no timer", async () => {
    const house = feedHouse();
    const before = house.clock.pending;
    const streams = [await house.stream(), await house.stream()];
    publish(house, "last");
    await house.route.dispose();
    for (const stream of streams) {
      const events = [await stream.read(), await stream.read(), await stream.read()];
      expect(events.map(data)).toEqual([": \n\n", '"last"', "end"]);
    }
    expect(house.counters.streams).toBe(0);
    expect(house.clock.pending).toBe(before);
    expect(house.log.lines.at(-1)).toMatchObject({ text: "goodbye", reason: "service restart" });
  });

  test("is refused when the engine cannot subscribe, and gives everything back", async () => {
    const down = { code: "engine_down", text: "the engine is down" } as const;
    const house = feedHouse(
      {},
      {
        topics: {
          publish: (_topic, _message, done) => done?.(down),
          subscribe(_topic, _deliver, done) {
            done?.(down);
            return { close() {} };
          },
          ...NOBODY_ASKS,
        },
      },
    );
    const response = await house.ask({ headers: { Accept: "text/event-stream" } });
    expect(response.status).toBe(503);
    expect(house.counters.streams).toBe(0);
    expect(house.route.stats()).toMatchObject({ readers: 0, topics: 0 });
  });
});

describe("feed: an event stream whose reader stalls", () => {
  const slow = { highWater: 1_000 };
  const large = "x".repeat(300);

  test("loses the oldest messages past the mark, counted, and gets the newest when it reads again", async () => {
    const house = feedHouse({ slow });
    const stream = await house.stream();
    for (let i = 0; i < 20; i += 1) publish(house, `${i} ${large}`);
    const { due, delivered, dropped } = house.counters;
    const queued = house.route.stats()["queued"] ?? 0;
    expect(queued).toBe(3);
    expect(dropped.slow).toBeGreaterThan(0);
    expect(due).toBe(delivered + dropped.slow + queued);
    const numbers: number[] = [];
    await stream.read();
    const gaps: string[] = [];
    while (numbers.at(-1) !== 19) {
      const event = await stream.read();
      if (event.includes("event: gap")) gaps.push(event);
      else numbers.push(Number.parseInt(data(event).slice(1), 10));
    }
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.length).toBe(20 - dropped.slow);
    expect(gaps).toHaveLength(1);
    const { from, to } = JSON.parse(data(gaps[0] ?? ""));
    expect([to - from + 1, from - 2, gaps[0]?.match(/^id: .*:(\d+)$/m)?.[1]]).toEqual([
      dropped.slow,
      numbers.findIndex((number, at) => number !== at) - 1,
      String(to),
    ]);
    expect(house.route.stats()).toMatchObject({ queued: 0, lagging: 0, held: 0 });
  });

  test("gets the newest of each key under latest", async () => {
    const house = feedHouse({ slow, keyField: "k" });
    const stream = await house.stream();
    await stream.read();
    for (let i = 0; i < 5; i += 1) house.topics.publish("feed", { ...json(large), key: "filler" });
    for (let i = 0; i < 50; i += 1)
      house.topics.publish("feed", { ...json({ k: i % 3, i }), key: String(i % 3) });
    const seen: string[] = [];
    while (seen.at(-1) !== '{"k":1,"i":49}') seen.push(data(await stream.read()));
    expect(seen.slice(-3)).toEqual(['{"k":2,"i":47}', '{"k":0,"i":48}', '{"k":1,"i":49}']);
    expect(house.counters.dropped.conflated).toBeGreaterThan(40);
  });

  test("is cut past the mark under close; its descriptor counts until the runtime has let it go", async () => {
    const house = feedHouse({ slow: { ...slow, policy: "close" } });
    const stream = await house.stream();
    for (let i = 0; i < 6; i += 1) publish(house, large);
    expect(house.counters).toMatchObject({ streams: 0, dropped: { closed: 1 } });
    expect(house.log.lines.at(-1)).toMatchObject({ text: "goodbye", reason: "slow consumer" });
    await expect(stream.read()).rejects.toThrow("slow consumer");
    expect(house.capacity.used).toBe(1);
    house.clock.advance(EVENT_STREAM_TIMEOUT_S * 1000);
    expect(house.capacity.used).toBe(0);
  });

  test("is cut when it took nothing for stallTimeout, and not before", async () => {
    const house = feedHouse({ slow, stallTimeout: 10_000 });
    await house.stream();
    publish(house, large);
    house.clock.advance(9_000);
    expect(house.counters.streams).toBe(1);
    house.clock.advance(4_000);
    expect(house.counters.streams).toBe(0);
    expect(house.log.lines.at(-1)).toMatchObject({ reason: "slow consumer: nothing was read" });
  });

  test("is kept while it takes anything, however much is written meanwhile", async () => {
    const house = feedHouse({ slow, stallTimeout: 10_000 });
    const stream = await house.stream();
    for (let i = 0; i < 20; i += 1) {
      publish(house, large);
      publish(house, large);
      await stream.read();
      house.clock.advance(4_000);
    }
    expect(house.counters.streams).toBe(1);
  });

  test("leaves no timer behind when the route ends after it was cut", async () => {
    const house = feedHouse({ slow: { ...slow, policy: "close" } });
    const before = house.clock.pending;
    await house.stream();
    for (let i = 0; i < 6; i += 1) publish(house, large);
    await house.route.dispose();
    expect(house.clock.pending).toBe(before);
  });
});

test("feed: the runtime's timer leaves an event stream time for two comments, and not for ever", async () => {
  const { route, counters } = feedHouse();
  const heartbeat = createHeartbeat(testClock(), { ping: 0, pong: 0, stall: 0 });
  const endpoint = { path: "/feed", route, ...OPEN_GATE, counters, heartbeat, maxMessage: 0 };
  const timeouts: number[] = [];
  const reception = createReception({
    router: createRouter([["/feed", endpoint]]),
    capacity: createCapacity(0),
    maxHeaders: 0,
    ownPage: () => undefined,
    api: async () => new Response("no API here"),
    clientOf: (peer) => peer,
    checkHost: () => undefined,
    checkOrigin: () => ({}),
    isDraining: () => false,
    handshake: () => undefined,
    validity: OPEN_GATE.validity,
    onRefused: () => undefined,
  });
  const server = {
    upgrade: () => false,
    hostname: "127.0.0.1",
    port: 8080,
    requestIP: () => null,
    timeout: (_: Request, seconds: number) => void timeouts.push(seconds),
  };
  const get = (accept: string) =>
    reception.answer(new Request("http://a/feed", { headers: { Host: "a", Accept: accept } }), server);
  await get("application/json");
  expect(timeouts).toEqual([]);
  await get("text/event-stream");
  expect(timeouts).toEqual([EVENT_STREAM_TIMEOUT_S]);
  expect(EVENT_STREAM_TIMEOUT_S).toBeGreaterThanOrEqual(30);
});

describe("feed: readers of both kinds", () => {
  test("see the same messages in the same order over the network", async () => {
    await using gateway = await startGateway({
      "/feed/:topic": { kind: "feed", publish: true, welcome: false },
    });
    const response = await fetch(gateway.http("/feed/news"), { headers: { Accept: "text/event-stream" } });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await gateway.metric('fairlead_event_streams{route="/feed/:topic"}')).toBe(1);
    using socket = await connect(gateway.ws("/feed/news"));
    using publisher = await connect(gateway.ws("/feed/news"));
    for (let i = 0; i < 500; i += 1) publisher.send(`message ${i}`);
    const expected = Array.from({ length: 500 }, (_, i) => `message ${i}`);
    for (const message of expected) expect(await socket.next()).toBe(message);
    expect(await bounded("500 events", takeEvents(response, 500))).toEqual(expected);
  });
});

/** The data of the first events; then the reader goes away. */
async function takeEvents(response: Response, count: number): Promise<string[]> {
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk);
    const found = [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, line]) => line ?? "");
    if (found.length >= count) return found;
  }
  throw new Error(`the stream ended after ${JSON.stringify(text)}`);
}
