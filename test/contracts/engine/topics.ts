/** The part of the engine suite about the topics of a route: which there are, and who is told when one begins. */
import { expect } from "bun:test";
import type { Message, Topics } from "../../../src/engine.ts";
import {
  answerTo,
  collected,
  datas,
  type EngineTest,
  listen,
  offsets,
  publish,
  publishMany,
  text,
} from "./harness.ts";

async function found(topics: Topics, pattern: string, limit = 100): Promise<string[]> {
  return (await topics.find(pattern, limit)).map(({ topic, offset }) => `${topic} ${offset}`).sort();
}

/** Watches, and subscribes to each topic that it is told of. */
function follow(topics: Topics) {
  const seen: string[] = [];
  const messages = collected<Message>();
  const { close } = topics.watch((topic) => {
    seen.push(topic);
    topics.subscribe(topic, messages.add);
  });
  return { seen, messages, close };
}

export function topicsContract(it: EngineTest): void {
  it("finds the topics with messages that a pattern matches, each with its position", async ({ topics }) => {
    const [room, other] = [topics(), topics()];
    for (const name of ["prices.a", "prices.b", "prices.a.bid", "prices", "news"])
      await publishMany(room, name, 2);
    await publish(other, "prices.elsewhere", text("x"));
    await listen(room, "prices.silent");
    expect(await found(room, "prices.*")).toEqual(["prices.a 2", "prices.b 2"]);
    expect(await found(room, "prices.>")).toEqual(["prices.a 2", "prices.a.bid 2", "prices.b 2"]);
    expect(await found(room, "nothing.*")).toEqual([]);
    const [{ epoch, offset } = { epoch: "", offset: 0 }] = await room.find("*.b", 1);
    expect((await room.history("prices.b", { since: { epoch, offset }, limit: 1 })).complete).toBe(true);
  });

  it("finds no more topics than asked for", async ({ topics }) => {
    const room = topics();
    for (let n = 0; n < 5; n++) await publish(room, `t.${n}`, text("x"));
    expect((await found(room, "t.*", 3)).length).toBe(3);
    expect(await found(room, "t.*", 0)).toEqual([]);
  });

  it("tells a watcher of each topic that begins: one who subscribes then gets its first message", async ({
    topics,
  }) => {
    const room = topics();
    await publish(room, "old", text("before"));
    const { seen, messages } = follow(room);
    const later = await listen(room, "new");
    for (const [topic, data] of [
      ["new", "a"],
      ["new", "b"],
      ["old", "c"],
      ["other", "d"],
    ] as const)
      await publish(room, topic, text(data));
    expect(datas(await messages.take(3))).toEqual(["a", "b", "d"]);
    expect(seen).toEqual(["new", "other"]);
    expect(offsets(await later.take(2))).toEqual([1, 2]);
  });

  it("tells a watcher again of a topic that begins a new epoch", async ({ topics, clock }) => {
    const room = topics({ size: 0 });
    const seen = collected<string>();
    room.watch(seen.add);
    const epochs = new Set<string>();
    for (let n = 0; n < 3; n++) {
      epochs.add((await publish(room, "t", text("x"))).epoch);
      clock.advance(300_000);
    }
    await publish(room, "last", text("x"));
    expect(await seen.take(epochs.size + 1)).toEqual([...Array(epochs.size).fill("t"), "last"]);
  });

  it("delivers what a watcher publishes after the first message, to who subscribed before and after it", async ({
    topics,
  }) => {
    const room = topics();
    const late = collected<Message>();
    room.watch((topic) => {
      if (topic !== "t") return;
      room.publish("t", text("second"));
      room.subscribe("t", late.add);
    });
    const inbox = await listen(room, "t");
    await publish(room, "t", text("first"));
    expect(datas(await inbox.take(2))).toEqual(["first", "second"]);
    await publish(room, "t", text("third"));
    expect(datas(await late.take(3))).toEqual(["first", "second", "third"]);
  });

  it("tells nothing to a watcher that closed or that another closed, and goes on after one that throws", async ({
    topics,
  }) => {
    const room = topics();
    const told = collected<string>();
    const closing: (() => void)[] = [];
    room.watch(() => {
      for (const close of closing) close();
      throw new Error("broken watcher");
    });
    for (const name of ["closed by another", "stays"]) {
      const { close } = room.watch((topic) => told.add(`${name}: ${topic}`));
      if (name !== "stays") closing.push(close);
    }
    room.watch(() => told.add("closed at once")).close();
    await publish(room, "t", text("x"));
    await publish(room, "u", text("x"));
    expect(await told.take(2)).toEqual(["stays: t", "stays: u"]);
  });

  it("finds nothing after close and tells nobody", async ({ engine, topics }) => {
    const room = topics();
    const { seen } = follow(room);
    await engine.close();
    room.watch(() => seen.push("later")).close();
    expect(await answerTo(room, "t", text("x"))).toMatchObject({ code: "engine_down" });
    await expect(room.find(">", 1)).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    expect(seen).toEqual([]);
  });
}
