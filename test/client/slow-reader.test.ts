import { describe, expect, test } from "bun:test";
import { collect, message, sessionHouse } from "./session-house.ts";

describe("a slow reader", () => {
  test("is left at 1,024 messages, and resumed when it has read half of them", async () => {
    const { session, welcome, ok, say, command, said } = sessionHouse();
    const iterator = session.subscribe("a")[Symbol.asyncIterator]();
    await welcome();
    ok("sub", { topic: "a", epoch: "e1", offset: 0, count: 0 });
    for (let offset = 1; offset <= 1_030; offset++) say(message("a", offset));
    expect(command("unsub")).toMatchObject({ topic: "a" });
    for (let n = 0; n < 511; n++) await iterator.next();
    expect(said()).toEqual([]);
    await iterator.next();
    expect(command("sub")).toMatchObject({ topic: "a", since: { epoch: "e1", offset: 1_024 } });
  });

  test("that closes is not left a second time", async () => {
    const { session, welcome, ok, say, command, said } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", epoch: "e1", offset: 0, count: 0 });
    for (let offset = 1; offset <= 1_024; offset++) say(message("a", offset));
    command("unsub");
    subscription.close();
    expect(said()).toEqual([]);
  });

  test("is told a gap where the history no longer held all", async () => {
    const { session, welcome, lose, ok, say, command } = sessionHouse();
    const subscription = session.subscribe("a");
    await welcome();
    ok("sub", { topic: "a", epoch: "e1", offset: 0, count: 0 });
    for (let offset = 1; offset <= 1_024; offset++) say(message("a", offset));
    command("unsub");
    await lose();
    await welcome();
    const heard = collect(subscription);
    ok("sub", { topic: "a", epoch: "e1", offset: 2_000, count: 0, recovered: false });
    expect(heard).toHaveLength(1_025);
    expect(heard.at(-1)).toMatchObject({ type: "gap", from: 1_025, to: 2_000, reason: "unrecovered" });
  });
});
