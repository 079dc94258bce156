/** The part of the engine suite about publish and subscribe: positions, order, callbacks that call the engine, and failure. */
import { expect } from "bun:test";
import type { Message } from "../../../src/engine.ts";
import {
  answerTo,
  datas,
  type EngineTest,
  isError,
  listen,
  offsets,
  publish,
  publishMany,
  text,
} from "./harness.ts";

export function deliveryContract(it: EngineTest): void {
  it("gives offsets from 1 that grow by 1, in an epoch that fits the wire", async ({ topics }) => {
    const room = topics();
    const positions = [];
    for (const data of ["a", "b", "c"]) positions.push(await publish(room, "t", text(data)));
    expect(positions.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    expect(new Set(positions.map(({ epoch }) => epoch)).size).toBe(1);
    expect(positions[0]?.epoch).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
  });

  it("delivers a message with everything it was published with, its position, time and size", async ({
    topics,
    clock,
  }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    clock.advance(1234);
    const message = { data: '"é"', json: true, key: "k", conn: "c1", user: "alice" };
    const position = await publish(room, "t", message);
    const [got] = await inbox.take(1);
    expect(got).toEqual({ ...message, ...position, topic: "t", time: Math.floor(clock.wall()), size: 4 });
  });

  it("delivers bytes as the same bytes", async ({ topics }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    const data = new Uint8Array([0, 255, 128, 10]);
    room.publish("t", { data, json: false });
    const [got] = await inbox.take(1);
    expect(got?.data).toEqual(data);
    expect(got?.size).toBe(4);
  });

  it("delivers to every subscriber of the topic, in the order of the calls", async ({ topics }) => {
    const room = topics();
    const inboxes = await Promise.all([listen(room, "t"), listen(room, "t"), listen(room, "t")]);
    await publishMany(room, "t", 50);
    for (const inbox of inboxes) {
      expect(datas(await inbox.take(50))).toEqual(Array.from({ length: 50 }, (_, n) => String(n + 1)));
      expect(offsets(inbox.messages)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    }
  });

  it("delivers from the position that subscribe answers, nothing before it", async ({ topics }) => {
    const room = topics();
    const head = await publishMany(room, "t", 3);
    const inbox = await listen(room, "t");
    expect(inbox.position).toEqual(head);
    await publish(room, "t", text("next"));
    await inbox.take(1);
    expect(offsets(inbox.messages)).toEqual([4]);
  });

  it("answers offset 0 to a subscriber of a topic that never had a message", async ({ topics }) => {
    const inbox = await listen(topics(), "t");
    expect(inbox.position.offset).toBe(0);
  });

  it("delivers nothing after a subscription was closed, and closes twice without effect", async ({
    topics,
  }) => {
    const room = topics();
    const [gone, stays] = await Promise.all([listen(room, "t"), listen(room, "t")]);
    await publish(room, "t", text("a"));
    await Promise.all([gone.take(1), stays.take(1)]);
    gone.close();
    gone.close();
    await publish(room, "t", text("b"));
    await stays.take(2);
    expect(datas(gone.messages)).toEqual(["a"]);
  });

  it("keeps topics apart by name, and by route under one name", async ({ topics }) => {
    const [one, two] = [topics(), topics()];
    const inboxes = await Promise.all([listen(one, "t"), listen(one, "u"), listen(two, "t")]);
    for (const [route, topic] of [
      [one, "t"],
      [one, "u"],
      [two, "t"],
    ] as const)
      expect((await publish(route, topic, text(topic))).offset).toBe(1);
    for (const inbox of inboxes) expect(offsets(await inbox.take(1))).toEqual([1]);
  });

  it("gives names like __proto__ and constructor topics of their own", async ({ topics }) => {
    const room = topics();
    for (const name of ["__proto__", "constructor", "toString"]) {
      const inbox = await listen(room, name);
      expect((await publish(room, name, text("x"))).offset).toBe(1);
      expect((await inbox.take(1))[0]?.topic).toBe(name);
    }
  });

  it("delivers what a callback publishes after the message under way, to all in one order", async ({
    topics,
  }) => {
    const room = topics();
    const first = await listen(room, "t", ({ data }) => {
      if (data === "a") for (const more of ["b", "c"]) room.publish("t", text(more));
    });
    const second = await listen(room, "t");
    await publish(room, "t", text("a"));
    for (const inbox of [first, second]) expect(datas(await inbox.take(3))).toEqual(["a", "b", "c"]);
  });

  it("delivers to one who subscribes inside a delivery what comes after the position it was told", async ({
    topics,
  }) => {
    const room = topics();
    const late: Message[] = [];
    let from: number | undefined;
    const inbox = await listen(room, "t", ({ data }) => {
      if (data !== "a") return;
      room.publish("t", text("b"));
      room.subscribe(
        "t",
        (message) => late.push(message),
        (at) => {
          if ("offset" in at) from = at.offset;
          room.publish("t", text("c"));
        },
      );
    });
    await publish(room, "t", text("a"));
    expect(datas(await inbox.take(3))).toEqual(["a", "b", "c"]);
    await publish(room, "t", text("d"));
    await inbox.take(4);
    expect(from).toBeGreaterThan(0);
    expect(offsets(late)).toEqual([1, 2, 3, 4].slice(from));
  });

  it("delivers nothing more to one that another's callback has closed, not even the message under way", async ({
    topics,
  }) => {
    const room = topics();
    const closing: (() => void)[] = [];
    const killer = await listen(room, "t", () => {
      for (const close of closing) close();
    });
    const victim = await listen(room, "t");
    const witness = await listen(room, "t");
    closing.push(victim.close, killer.close);
    await publish(room, "t", text("a"));
    await publish(room, "t", text("b"));
    await witness.take(2);
    expect(killer.messages.length + victim.messages.length).toBe(1);
  });

  it("delivers to the others and answers the publisher, if one deliver throws", async ({ topics }) => {
    const room = topics();
    await listen(room, "t", () => {
      throw new Error("broken reader");
    });
    const inbox = await listen(room, "t");
    await publishMany(room, "t", 2);
    expect(offsets(await inbox.take(2))).toEqual([1, 2]);
  });

  it("answers every call after close as down, throws nothing and delivers nothing", async ({
    engine,
    topics,
  }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    expect(engine.health().up).toBe(true);
    await engine.close();
    await engine.close();
    expect(engine.health().up).toBe(false);
    expect(await answerTo(room, "t", text("x"))).toMatchObject({ code: "engine_down" });
    expect(isError(await new Promise<object>((done) => room.subscribe("t", () => {}, done).close()))).toBe(
      true,
    );
    await expect(room.history("t", { limit: 1 })).rejects.toMatchObject({ code: "ENGINE_DOWN" });
    expect(
      await answerTo(engine.topics("/later", { size: 1, ttl: 0, bytes: 0 }), "t", text("x")),
    ).toMatchObject({
      code: "engine_down",
    });
    expect(inbox.messages).toEqual([]);
    inbox.close();
  });
}
