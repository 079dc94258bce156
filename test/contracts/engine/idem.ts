/** The part of the engine suite about `idem`: sent twice, published once; and what cannot be known is said. */
import { expect } from "bun:test";
import { IDEM_MARGIN_MS, IDEM_TTL_MS } from "../../../src/engine.ts";
import { answerTo, datas, type EngineTest, isError, listen, publish, text } from "./harness.ts";

export function idemContract(it: EngineTest): void {
  it("publishes once what is sent twice, and answers the first position", async ({ topics }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    const first = await publish(room, "t", text("a"), { id: "1" });
    await publish(room, "t", text("b"));
    expect(await publish(room, "t", text("a again"), { id: "1" })).toEqual(first);
    await publish(room, "t", text("c"), { id: "2" });
    expect(datas(await inbox.take(3))).toEqual(["a", "b", "c"]);
  });

  it("publishes once what is sent again before the first is answered, and answers both", async ({
    topics,
  }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    const answers = await Promise.all(
      ["a", "b", "c"].map((data) => publish(room, "t", text(data), { id: "1" })),
    );
    expect(answers.map(({ offset }) => offset)).toEqual([1, 1, 1]);
    await publish(room, "t", text("last"));
    expect(datas(await inbox.take(2))).toEqual(["a", "last"]);
  });

  it("publishes once what a callback sends again inside the delivery of the first", async ({ topics }) => {
    const room = topics();
    const inner = Promise.withResolvers<object>();
    const inbox = await listen(room, "t", ({ data }) => {
      if (data === "a") room.publish("t", text("a"), inner.resolve, { id: "1" });
    });
    const first = await publish(room, "t", text("a"), { id: "1" });
    expect(await inner.promise).toMatchObject(first);
    await publish(room, "t", text("b"));
    expect(datas(await inbox.take(2))).toEqual(["a", "b"]);
  });

  it("takes the same id on another topic, of another user or on another route for another one", async ({
    topics,
  }) => {
    const [one, two] = [topics(), topics()];
    const idem = { id: "1" };
    await publish(one, "t", text("x"), idem);
    expect((await publish(one, "u", text("x"), idem)).offset).toBe(1);
    expect((await publish(two, "t", text("x"), idem)).offset).toBe(1);
    expect((await publish(one, "t", { ...text("x"), user: "alice" }, idem)).offset).toBe(2);
    expect((await publish(one, "t", { ...text("x"), user: "" }, idem)).offset).toBe(3);
    expect((await publish(one, "t", { ...text("x"), user: "alice" }, idem)).offset).toBe(2);
  });

  it("knows an id whose message is no longer held", async ({ topics }) => {
    const room = topics({ size: 1 });
    const first = await publish(room, "t", text("a"), { id: "1" });
    for (const data of ["b", "c"]) await publish(room, "t", text(data));
    expect(await publish(room, "t", text("a"), { id: "1" })).toEqual(first);
  });

  it("answers gone, and publishes nothing, if an id may be forgotten: sent again, older than the engine", async ({
    topics,
    clock,
  }) => {
    const room = topics();
    const head = await publish(room, "t", text("a"));
    clock.advance(10_000);
    expect(await answerTo(room, "t", text("b"), { id: "1", age: 10_001 })).toMatchObject({ code: "gone" });
    expect((await room.history("t", { limit: 0 })).offset).toBe(head.offset);
    const young = { id: "1", age: 10_000 - IDEM_MARGIN_MS - 1 };
    expect((await publish(room, "t", text("b"), young)).offset).toBe(head.offset + 1);
  });

  it("answers gone to one sent again after the time that an id is kept, the position until then", async ({
    topics,
    clock,
  }) => {
    const room = topics();
    clock.advance(IDEM_TTL_MS);
    const first = await publish(room, "t", text("a"), { id: "1" });
    clock.advance(IDEM_TTL_MS - 1);
    expect(await publish(room, "t", text("a"), { id: "1", age: IDEM_TTL_MS - 1 })).toEqual(first);
    clock.advance(1);
    const late = await answerTo(room, "t", text("a"), { id: "1", age: IDEM_TTL_MS });
    expect(isError(late) && late.code).toBe("gone");
  });

  it("answers down, never gone, after close", async ({ engine, topics }) => {
    const room = topics();
    await publish(room, "t", text("a"), { id: "1" });
    await engine.close();
    for (const idem of [{ id: "1" }, { id: "1", age: 10 ** 6 }])
      expect(await answerTo(room, "t", text("a"), idem)).toMatchObject({ code: "engine_down" });
  });
}
