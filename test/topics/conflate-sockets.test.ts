/** `maxRate` on real sockets: what is superseded reaches nobody, leaves no hole, and is told to who published it. */
import { expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { type Frame, speak } from "../v1-client.ts";

/** Between two messages: long enough for a burst to wait in, whatever the machine. */
const GAP_MS = 150;
const ROUTE = "/feed/:topic";

const start = (maxRate = 1_000 / GAP_MS) =>
  startGateway({ [ROUTE]: { kind: "feed", publish: true, welcome: false, keyField: "k", maxRate } });

const pub = (k: string, n: number, more: Frame = {}): Frame => ({ t: "pub", data: { k, n }, ...more });

test("of a burst each key's newest is published, and every reader sees the same with no hole", async () => {
  await using gateway = await start();
  using publisher = await speak(gateway.ws("/feed/a"));
  using reader = await speak(gateway.ws("/feed/a"));
  using plain = await connect(gateway.ws("/feed/a"));
  const began = performance.now();
  const answers = await Promise.all(["x", "x", "y", "x", "y", "x"].map((k, n) => publisher.ask(pub(k, n))));
  const superseded = { t: "ok", topic: "a", superseded: true };
  expect(answers).toMatchObject([
    { offset: 1 },
    superseded,
    superseded,
    superseded,
    { offset: 3 },
    { offset: 2 },
  ]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(2 * GAP_MS - 2);
  const published = [
    { k: "x", n: 0 },
    { k: "x", n: 5 },
    { k: "y", n: 4 },
  ];
  for (const client of [publisher, reader]) {
    const told = await client.told();
    expect(told.map(({ t, offset, key, data }) => ({ t, offset, key, data }))).toEqual(
      published.map((data, i) => ({ t: "msg", offset: i + 1, key: data.k, data })),
    );
  }
  for (const data of published) expect(JSON.parse(String(await plain.next()))).toEqual(data);

  const metric = (name: string, labels = "") =>
    gateway.metric(`fairlead_messages_${name}_total{route="${ROUTE}"${labels}}`);
  const [due, delivered] = [await metric("due"), await metric("delivered")];
  expect(await metric("dropped", ',reason="conflated"')).toBe(3);
  expect([due, delivered]).toEqual([12, 9]);
});

test("a key in the `pub` counts more than the field, and a topic has nothing to do with another", async () => {
  await using gateway = await start();
  using publisher = await speak(gateway.ws("/feed/a"));
  const answers = await Promise.all([
    publisher.ask(pub("x", 0)),
    publisher.ask(pub("x", 1, { key: "own" })),
    publisher.ask(pub("x", 2)),
    publisher.ask(pub("x", 3, { topic: "b" })),
  ]);
  expect(answers.map(({ topic, offset }) => [topic, offset])).toEqual([
    ["a", 1],
    ["a", 2],
    ["a", 3],
    ["b", 1],
  ]);
});

test("one sent twice is answered twice with one position, or that it was superseded", async () => {
  await using gateway = await start();
  using publisher = await speak(gateway.ws("/feed/a"));
  using again = await speak(gateway.ws("/feed/a"));
  await publisher.ask(pub("x", 0));
  const first = publisher.ask(pub("x", 1, { idem: "one" }));
  await publisher.ask({ t: "ping" });
  const second = again.ask(pub("x", 1, { idem: "one", age: 10 }));
  const [lost, won] = [publisher.ask(pub("y", 2, { idem: "two" })), publisher.ask(pub("y", 3))];
  expect(await lost).toMatchObject({ t: "ok", superseded: true });
  expect(await again.ask(pub("y", 2, { idem: "two", age: 10 }))).toMatchObject({ t: "ok", superseded: true });
  expect([await first, await second, await won]).toMatchObject([{ offset: 2 }, { offset: 2 }, { offset: 3 }]);
  expect(await again.ask(pub("x", 1, { idem: "one", age: 500 }))).toMatchObject({ t: "ok", offset: 2 });
  expect(await publisher.ask({ t: "history", topic: "a" })).toMatchObject({ offset: 3 });
});

test("one that is posted and superseded is told so as well", async () => {
  // Nothing but the first has its turn while this runs.
  await using gateway = await start(0.1);
  using publisher = await speak(gateway.ws("/feed/a"));
  const post = (n: number) =>
    fetch(gateway.http("/feed/a"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ k: "x", n }),
    });
  expect(await (await post(0)).json()).toMatchObject({ topic: "a", offset: 1 });
  let isAnswered = false;
  const posted = post(1).finally(() => {
    isAnswered = true;
  });
  // Whichever came first: the next one supersedes it.
  while (!isAnswered) {
    publisher.say(pub("x", 2));
    await publisher.ask({ t: "ping" });
  }
  const answer = await posted;
  expect([answer.status, await answer.json()]).toEqual([200, { topic: "a", superseded: true }]);
});
