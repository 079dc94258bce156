/** Event streams that come back: the same positions as over WebSocket, nothing lost, nothing twice, or a gap that says so. */
import { describe, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { speak } from "../v1-client.ts";

interface Event {
  readonly id: string;
  readonly event: string | undefined;
  readonly data: string;
}

interface Stream extends AsyncDisposable {
  /** The next event; comments are skipped. */
  next(): Promise<Event>;
  /** The next so many, as their data. */
  read(count: number): Promise<unknown[]>;
}

interface StreamOptions {
  readonly lastId?: string | undefined;
  readonly query?: string;
}

const start = () => startGateway({ "/feed/:topic": { kind: "feed", publish: true, history: { size: 10 } } });

async function publish(
  gateway: TestGateway,
  from: number,
  to: number,
): Promise<{ epoch: string; id: string }> {
  let position = { epoch: "", offset: 0 };
  for (let data = from; data <= to; data += 1) {
    const body = JSON.stringify(data);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(gateway.http("/feed/a"), { method: "POST", headers, body });
    position = JSON.parse(await answer.text());
  }
  return { epoch: position.epoch, id: `${position.epoch}:${position.offset}` };
}

async function listen(gateway: TestGateway, { lastId, query = "" }: StreamOptions = {}): Promise<Stream> {
  const headers = { Accept: "text/event-stream", ...(lastId !== undefined && { "Last-Event-ID": lastId }) };
  const response = await fetch(gateway.http(`/feed/a${query}`), { headers });
  if (response.body === null) throw new Error(`no stream, but ${response.status}`);
  expect(response.status).toBe(200);
  const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";

  async function block(): Promise<string> {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const found = text.slice(0, end);
        text = text.slice(end + 2);
        return found;
      }
      const { value, done } = await chunks.read();
      if (done) throw new Error(`the stream ended after ${JSON.stringify(text)}`);
      text += value;
    }
  }

  async function next(): Promise<Event> {
    for (;;) {
      const found = await bounded("an event", block());
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(found)?.[1];
      const [id, data] = [field("id"), field("data")];
      if (id !== undefined && data !== undefined) return { id, event: field("event"), data };
    }
  }

  return {
    next,
    async read(count) {
      const all: unknown[] = [];
      while (all.length < count) all.push(JSON.parse((await next()).data));
      return all;
    },
    [Symbol.asyncDispose]: () => chunks.cancel(),
  };
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("an event stream that comes back", () => {
  test("gets what came after its `Last-Event-ID`, then what comes, each once", async () => {
    await using gateway = await start();
    const first = await listen(gateway);
    await publish(gateway, 1, 2);
    await first.next();
    const { id } = await first.next();
    await first[Symbol.asyncDispose]();
    await publish(gateway, 3, 6);
    await using second = await listen(gateway, { lastId: id });
    await publish(gateway, 7, 8);
    expect(await second.read(6)).toEqual(range(3, 8));
  });

  test("gets the same for `?since=`, and `Last-Event-ID` counts more", async () => {
    await using gateway = await start();
    const { epoch } = await publish(gateway, 1, 6);
    await using since = await listen(gateway, { query: `?since=${epoch}:4` });
    await using both = await listen(gateway, { query: `?since=${epoch}:1`, lastId: `${epoch}:5` });
    await publish(gateway, 7, 7);
    expect([await since.read(3), await both.read(2)]).toEqual([
      [5, 6, 7],
      [6, 7],
    ]);
  });

  test("gets the last ones with `?last=`, as many as there are", async () => {
    await using gateway = await start();
    await publish(gateway, 1, 3);
    await using two = await listen(gateway, { query: "?last=2" });
    await using all = await listen(gateway, { query: "?last=1000" });
    await publish(gateway, 4, 4);
    expect([await two.read(3), await all.read(4)]).toEqual([range(2, 4), range(1, 4)]);
  });

  test("gets nothing old if it stands at the present, and no gap", async () => {
    await using gateway = await start();
    const { id } = await publish(gateway, 1, 3);
    await using stream = await listen(gateway, { lastId: id });
    await publish(gateway, 4, 4);
    expect(await stream.next()).toMatchObject({ data: "4" });
  });

  test("may begin before the first message", async () => {
    await using gateway = await start();
    const { epoch } = await publish(gateway, 1, 3);
    await using stream = await listen(gateway, { lastId: `${epoch}:0` });
    expect(await stream.read(3)).toEqual([1, 2, 3]);
  });
});

describe("an event stream that comes back too late", () => {
  test.each([
    ["behind the history", "expired", (epoch: string) => `${epoch}:1`],
    ["with an epoch of another life", "epoch", () => "anotherLife:1"],
    ["with an offset from the future", "expired", (epoch: string) => `${epoch}:900`],
  ])("is told of a gap, whose id is where it goes on: %s", async (_, reason, lastIdOf) => {
    await using gateway = await start();
    const { epoch, id } = await publish(gateway, 1, 20);
    await using stream = await listen(gateway, { lastId: lastIdOf(epoch) });
    const gap = await stream.next();
    expect(gap).toMatchObject({ id, event: "gap" });
    expect(JSON.parse(gap.data)).toEqual({ topic: "a", epoch, offset: 20, reason });
    await publish(gateway, 21, 21);
    expect(await stream.next()).toEqual({ id: `${epoch}:21`, event: undefined, data: "21" });
  });

  test("is told of the gap before the last ones, if it asked for some", async () => {
    await using gateway = await start();
    const { epoch } = await publish(gateway, 1, 20);
    await using stream = await listen(gateway, { lastId: `${epoch}:1`, query: "?last=3" });
    expect(await stream.next()).toMatchObject({ id: `${epoch}:17`, event: "gap" });
    expect(await stream.read(3)).toEqual([18, 19, 20]);
  });

  test.each(["junk", "a:b", ":", "a:-1", "a b:1"])(
    "is told of a gap if its id is no position, for a browser that is refused gives up: %j",
    async (lastId) => {
      await using gateway = await start();
      const { epoch } = await publish(gateway, 1, 3);
      await using stream = await listen(gateway, { lastId });
      expect(await stream.next()).toMatchObject({ id: `${epoch}:3`, event: "gap" });
      await publish(gateway, 4, 4);
      expect(await stream.next()).toMatchObject({ data: "4" });
    },
  );

  test.each(["junk", "a:b", ":", "a:-1", "a b:1"])(
    "is refused with 400 if the since of its URL is no position: %j",
    async (since) => {
      await using gateway = await start();
      const headers = { Accept: "text/event-stream" };
      const response = await fetch(gateway.http(`/feed/a?since=${encodeURIComponent(since)}`), { headers });
      expect([response.status, await response.text()]).toEqual([
        400,
        expect.stringContaining("EPOCH:OFFSET"),
      ]);
    },
  );
});

describe("positions", () => {
  test("of an event stream are those of fairlead.v1, and the other way round", async () => {
    await using gateway = await start();
    using client = await speak(gateway.ws("/feed/a"));
    await using stream = await listen(gateway);
    await client.ask({ t: "pub", data: 1 });
    const { id } = await stream.next();
    const ok = await client.ask({ t: "pub", data: 2 });
    expect(await stream.next()).toMatchObject({ id: `${ok["epoch"]}:${ok["offset"]}` });
    using resumed = await speak(gateway.ws(`/feed/a?since=${id}`));
    expect(resumed.welcome).toMatchObject({ sub: { offset: 2, recovered: true, count: 1 } });
    expect(await resumed.next()).toMatchObject({ t: "msg", offset: 2, data: 2 });
    await using again = await listen(gateway, { lastId: `${ok["epoch"]}:1` });
    expect(await again.read(1)).toEqual([2]);
  });
});

test("a reader that is cut off again and again gets every message once, in order, while more are published", async () => {
  await using gateway = await start();
  using publisher = await speak(gateway.ws("/feed/a"));
  const { epoch } = await publish(gateway, 1, 1);
  let lastId = `${epoch}:0`;
  const got: unknown[] = [];
  for (let data = 2; got.length < 300; ) {
    const stream = await listen(gateway, { lastId });
    for (let i = 0; i < 7; i += 1, data += 1) void publisher.ask({ t: "pub", data });
    // Three at most are left for the next one: what the history holds.
    const leave = got.length % 4;
    while (got.length < data - 1 - leave) {
      const event = await stream.next();
      lastId = event.id;
      got.push(event.event ?? JSON.parse(event.data));
    }
    await stream[Symbol.asyncDispose]();
  }
  expect(got).toEqual(range(1, got.length));
});
