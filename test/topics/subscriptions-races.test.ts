/** What happens to a pattern's subscription while the engine is still looking for its topics. */
import { expect, test } from "bun:test";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { FairleadError } from "../../src/errors.ts";
import { openHouse } from "../oracle/house.ts";

type Frame = Readonly<Record<string, unknown>>;

/** A feed whose engine finds the topics of a pattern only once it may; or fails then, and finds all others at once. */
async function feed(fails = "") {
  const { promise, resolve: find } = Promise.withResolvers<void>();
  const house = await openHouse({ kind: "feed", policy: "drop-oldest" }, (clock) => {
    const engine = createMemoryEngine({
      clock,
      onError({ error }) {
        throw error;
      },
    });
    return {
      ...engine,
      topics(route, limits) {
        const topics = engine.topics(route, limits);
        return {
          ...topics,
          async find(pattern, limit) {
            if (fails === "" || pattern === fails) await promise;
            if (pattern === fails) throw new FairleadError("ENGINE_DOWN", "no");
            return topics.find(pattern, limit);
          },
        };
      },
    };
  });
  const heard: Frame[] = [];
  const link = house.connect("own", "", {
    heard: (frame) => void heard.push(JSON.parse(String(frame))),
    closed() {},
  });
  const publisher = house.connect("other", undefined, { heard() {}, closed() {} });
  await house.settle();
  return { house, heard, link, publisher, find };
}

test("the answer says where a topic stands when it is given, if messages of it came meanwhile", async () => {
  const { house, heard, link, publisher, find } = await feed();
  const own = house.connect("own", undefined, { heard() {}, closed() {} });
  publisher.say("now `other` exists, and takes its time to begin");
  link.say('{"t":"sub","id":1,"topic":"*"}');
  await house.settle();
  own.say("1");
  await house.settle();
  find();
  // Before and after each step in which the engine answers.
  for (let i = 2; i <= 20; i += 1) {
    own.say(`${i}`);
    await Promise.resolve();
  }
  await house.settle();
  const answer = heard.findIndex(({ t }) => t === "ok");
  const before = heard.slice(0, answer).filter(({ t }) => t === "msg");
  expect(before.length).toBeGreaterThan(1);
  expect(before.length).toBeLessThan(20);
  expect(heard[answer]).toMatchObject({ positions: { own: { offset: before.length, count: 0 } } });
  const live = heard.filter(({ t, topic }) => t === "msg" && topic === "own");
  expect(live.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  await house.end();
});

test("nothing is subscribed any more, if the connection has gone meanwhile", async () => {
  const { house, link, publisher, find } = await feed();
  publisher.say("now `other` exists");
  link.say('{"t":"sub","id":1,"topic":"*"}');
  await house.settle();
  link.cut();
  publisher.cut();
  find();
  await house.settle();
  expect(house.life().route.stats()).toMatchObject({ readers: 0, topics: 0 });
  await house.end();
});

test("a topic that came to be flows by another pattern, if the engine failed", async () => {
  const { house, heard, link, publisher, find } = await feed(">");
  link.say('{"t":"sub","id":1,"topic":"*"}');
  link.say('{"t":"sub","id":2,"topic":">"}');
  await house.settle();
  await new Promise((resolve) => setImmediate(resolve));
  publisher.say("other begins");
  find();
  await house.settle();
  expect(heard.slice(1)).toMatchObject([
    { t: "ok", id: 1 },
    { t: "err", id: 2, code: "engine_down" },
    { t: "msg", topic: "other", offset: 1 },
  ]);
  await house.end();
});
