import { describe, expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { type Frame, speak, type V1Client } from "../v1-client.ts";

const FEED = { "/feed/:topic": { kind: "feed", publish: true, welcome: false } } as const;

const publish = async (client: V1Client, topic: string, count: number) => {
  for (let n = 1; n <= count; n += 1) await client.ask({ t: "pub", topic, data: n });
};
const places = (frames: readonly Frame[]) => frames.map(({ topic, offset }) => `${topic} ${offset}`);

describe("feed: many topics on one connection", () => {
  test("come each from its own position", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    using bob = await speak(gateway.ws("/feed/other"));
    await publish(bob, "a", 3);
    await publish(bob, "b", 2);
    expect(await ann.ask({ t: "sub", topic: "a", last: 2 })).toMatchObject({ offset: 3, count: 2 });
    expect(await ann.ask({ t: "sub", topic: "b" })).toMatchObject({ offset: 2, count: 0 });
    await publish(bob, "b", 1);
    expect(places(await ann.take(3))).toEqual(["a 2", "a 3", "b 3"]);
  });

  test("may not be published to where the operator does not allow it", async () => {
    await using gateway = await startGateway({ "/feed/:topic": { kind: "feed" } });
    using ann = await speak(gateway.ws("/feed/own"));
    const answer = await ann.ask({ t: "pub", data: 1 });
    expect(answer).toMatchObject({ code: "forbidden", message: expect.stringContaining("`publish`") });
  });

  test("page through their history both ways", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    await publish(ann, "a", 5);
    const newest = await ann.ask({ t: "history", topic: "a", limit: 2 });
    const { epoch } = newest;
    const offsets = ({ messages }: Frame) => (messages as { offset: number }[]).map(({ offset }) => offset);
    expect([offsets(newest), newest["more"], newest["complete"]]).toEqual([[4, 5], true, true]);
    const before = await ann.ask({ t: "history", topic: "a", before: { epoch, offset: 4 }, limit: 9 });
    expect([offsets(before), before["more"]]).toEqual([[1, 2, 3], false]);
    const since = await ann.ask({ t: "history", topic: "a", since: { epoch, offset: 1 }, limit: 2 });
    expect([offsets(since), since["more"]]).toEqual([[2, 3], true]);
    const foreign = await ann.ask({ t: "history", topic: "a", since: { epoch: "x", offset: 1 } });
    expect([offsets(foreign), foreign["complete"]]).toEqual([[], false]);
  });
});

describe("feed: a pattern", () => {
  test("names each topic that has messages, and brings those that come to be from their first message on", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    using bob = await speak(gateway.ws("/feed/other"));
    await publish(bob, "prices.a", 2);
    await publish(bob, "prices.deep.a", 1);
    const { positions } = await ann.ask({ t: "sub", topic: "prices.*" });
    expect(positions).toEqual({ "prices.a": { epoch: expect.any(String), offset: 2, count: 0 } });
    await publish(bob, "prices.deep.b", 1);
    await publish(bob, "prices.b", 1);
    await publish(bob, "prices.a", 1);
    const [first, second] = await ann.take(2);
    expect(first).toMatchObject({ topic: "prices.b", offset: 1, epoch: expect.any(String) });
    expect(second).toMatchObject({ topic: "prices.a", offset: 3 });
  });

  test("hears of a topic whose only reader until now is a plain client", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    using bob = await connect(gateway.ws("/feed/prices.a"));
    await ann.ask({ t: "sub", topic: "prices.>" });
    bob.send("x");
    expect(await ann.next()).toMatchObject({ topic: "prices.a", offset: 1, data: "x" });
    expect(await bob.next()).toBe("x");
  });

  test("and a name that match one topic bring each message once, until the last of them is gone", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    using bob = await speak(gateway.ws("/feed/other"));
    await publish(bob, "p.a", 1);
    await ann.ask({ t: "sub", topic: "p.a", last: 1 });
    const { positions } = await ann.ask({ t: "sub", topic: "p.*", last: 1 });
    expect(positions).toEqual({ "p.a": { epoch: expect.any(String), offset: 1, count: 0 } });
    await publish(bob, "p.a", 1);
    await ann.ask({ t: "unsub", topic: "p.a" });
    await publish(bob, "p.a", 1);
    await ann.ask({ t: "unsub", topic: "p.*" });
    await publish(bob, "p.a", 1);
    expect(places(await ann.told())).toEqual(["p.a 1", "p.a 2", "p.a 3"]);
  });

  test("answers a name subscribed later with where its stream is, and replays nothing", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    using bob = await speak(gateway.ws("/feed/other"));
    await ann.ask({ t: "sub", topic: "p.>" });
    await publish(bob, "p.a", 3);
    await ann.take(3);
    const answer = await ann.ask({ t: "sub", topic: "p.a", since: { epoch: "x", offset: 0 } });
    expect(answer).toEqual({
      t: "ok",
      id: 2,
      topic: "p.a",
      epoch: expect.any(String),
      offset: 3,
      count: 0,
    });
  });

  test("goes on from a position for each topic; one the map does not name, from its first message", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    await publish(ann, "p.a", 3);
    await publish(ann, "p.b", 2);
    const page = await ann.ask({ t: "history", topic: "p.a", limit: 0 });
    const since = { "p.a": { epoch: page["epoch"], offset: 2 } };
    const { positions } = await ann.ask({ t: "sub", topic: "p.*", since });
    expect(positions).toMatchObject({
      "p.a": { offset: 3, recovered: true, count: 1 },
      "p.b": { offset: 2, recovered: true, count: 2 },
    });
    expect(places(await ann.take(3)).toSorted()).toEqual(["p.a 3", "p.b 1", "p.b 2"]);
  });

  test("recovers 64 topics; those past them are told that they are not", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/own"));
    for (let n = 0; n < 70; n += 1) await publish(ann, `p.${n}`, 1);
    const { positions } = await ann.ask({ t: "sub", topic: "p.*", last: 1 });
    const starts = Object.values(positions as Record<string, { count: number; recovered?: boolean }>);
    expect(starts).toHaveLength(70);
    expect(starts.filter(({ count }) => count === 1)).toHaveLength(64);
    expect(starts.filter(({ recovered }) => recovered === false)).toHaveLength(6);
    expect(await ann.take(64)).toHaveLength(64);
  });
});

describe("feed: publishing of a client of fairlead.v1", () => {
  test("happens once under one `idem`, and answers the first position", async () => {
    await using gateway = await startGateway(FEED);
    using ann = await speak(gateway.ws("/feed/a"));
    using bob = await speak(gateway.ws("/feed/a"));
    const first = await ann.ask({ t: "pub", data: 1, idem: "x" });
    expect(await bob.ask({ t: "pub", data: 1, idem: "x", age: 50 })).toMatchObject({
      epoch: first["epoch"],
      offset: 1,
    });
    expect(await bob.ask({ t: "pub", data: 1, idem: "older", age: 299_000 })).toMatchObject({ code: "gone" });
    expect(await bob.ask({ t: "history", topic: "a" })).toMatchObject({ offset: 1 });
  });

  test("carries `key`, or takes it from `keyField`", async () => {
    await using gateway = await startGateway({ "/feed/:topic": { ...FEED["/feed/:topic"], keyField: "k" } });
    using ann = await speak(gateway.ws("/feed/a"));
    ann.say({ t: "pub", data: { k: "own" } });
    ann.say({ t: "pub", data: { k: "own" }, key: "given" });
    ann.say({ t: "pub", data: 1 });
    expect((await ann.take(3)).map(({ key }) => key)).toEqual(["own", "given", undefined]);
  });

  test("under `maxRate` answers what a newer value of its key superseded, which reaches nobody", async () => {
    await using gateway = await startGateway({ "/feed/:topic": { ...FEED["/feed/:topic"], maxRate: 20 } });
    using ann = await speak(gateway.ws("/feed/a"));
    for (const data of [1, 2, 3]) ann.say({ t: "pub", id: data, data, key: "k" });
    const answers = await ann.take(5);
    const ok = Object.fromEntries(answers.filter(({ t }) => t === "ok").map((frame) => [frame["id"], frame]));
    expect(ok[2]).toEqual({ t: "ok", id: 2, topic: "a", superseded: true });
    expect([ok[1]?.["offset"], ok[3]?.["offset"]]).toEqual([1, 2]);
    expect(answers.filter(({ t }) => t === "msg").map(({ data }) => data)).toEqual([1, 3]);
  });
});
