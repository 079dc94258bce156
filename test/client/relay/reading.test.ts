import { describe, expect, test } from "bun:test";
import type { RelayMessage } from "../../../src/client/relay.ts";
import { collect, relayHouse, settle } from "./house.ts";

describe("what comes", () => {
  test("is handed out in order, with who sent it", async () => {
    const { relay, join, say } = relayHouse();
    const items: RelayMessage[] = [];
    await join();
    say({ t: "data", seq: 1, from: "local", data: { a: 1 } });
    say({ t: "data", seq: 4, from: "local", type: "chat", data: "hi" });
    for await (const item of relay) if (items.push(item) === 2) break;
    expect(items).toEqual([
      { data: { a: 1 }, from: "local", seq: 1, type: undefined },
      { data: "hi", from: "local", seq: 4, type: "chat" },
    ]);
  });

  test("is bytes where it is a binary frame", async () => {
    const { relay, net, join } = relayHouse();
    await join();
    const header = new TextEncoder().encode('{"t":"data","seq":1,"from":"local"}');
    net.last.say(new Uint8Array([0, header.length, ...header, 0, 255]).buffer);
    for await (const { data } of relay) {
      expect(data).toEqual(new Uint8Array([0, 255]));
      break;
    }
  });

  test("is acknowledged when the next one is asked for, not before", async () => {
    const { relay, join, data, said, command } = relayHouse();
    await join();
    data(1);
    const reader = relay[Symbol.asyncIterator]();
    await reader.next();
    await settle();
    expect(said()).toEqual([]);
    const second = reader.next();
    await settle();
    expect(command("ack")).toEqual({ t: "ack", upto: 1 } as never);
    data(2);
    await second;
    await settle();
    expect(said()).toEqual([]);
  });

  test("is acknowledged when the loop is left", async () => {
    const { relay, join, data, command } = relayHouse();
    await join();
    data(5);
    for await (const _ of relay) break;
    await settle();
    expect(command("ack")["upto"]).toBe(5);
  });

  test("is acknowledged once for all of a turn", async () => {
    const { relay, join, data, said, command } = relayHouse();
    const items = collect(relay);
    await join();
    for (let seq = 1; seq <= 50; seq += 1) data(seq);
    await settle();
    await settle();
    expect(items).toHaveLength(50);
    expect([command("ack")["upto"], said()]).toEqual([50, []]);
  });

  test("counts for those who ask ahead", async () => {
    const { relay, join, data, command } = relayHouse();
    await join();
    const reader = relay[Symbol.asyncIterator]();
    const asked = [reader.next(), reader.next()];
    data(1);
    await asked[0];
    await settle();
    expect(command("ack")["upto"]).toBe(1);
    data(2);
    expect((await asked[1])?.value?.seq).toBe(2);
  });
});

describe("after a lost connection", () => {
  test("the join says what was taken, and what has come already is not handed out again", async () => {
    const { relay, clock, join, data, lose } = relayHouse();
    const reader = relay[Symbol.asyncIterator]();
    await join();
    for (const seq of [1, 2, 3]) data(seq);
    await reader.next();
    const { value: second } = await reader.next();
    await lose();
    expect(await join()).toMatchObject({ session: "s1", upto: 1 });
    for (const seq of [2, 3, 4]) data(seq);
    const { value: third } = await reader.next();
    const { value: fourth } = await reader.next();
    expect([second?.seq, third?.seq, fourth?.seq]).toEqual([2, 3, 4]);
    clock.advance(1);
  });

  test("what was taken meanwhile is told by the join, and what is taken then after it", async () => {
    const { relay, join, welcome, data, say, said, command, lose } = relayHouse();
    const reader = relay[Symbol.asyncIterator]();
    await join();
    for (const seq of [1, 2, 3]) data(seq);
    await reader.next();
    await lose();
    await reader.next();
    await welcome();
    const { id, upto } = command("join");
    await reader.next();
    expect([upto, said()]).toEqual([1, []]);
    say({ t: "ok", id, partner: "online", queued: 0, session: "s1" });
    expect(command("ack")["upto"]).toBe(2);
  });

  test("with another session everything counts anew, and what came in the old one is not acknowledged", async () => {
    const { relay, join, welcome, err, command, say, data, said, lose } = relayHouse();
    const reader = relay[Symbol.asyncIterator]();
    await join();
    for (const seq of [8, 9]) data(seq);
    await reader.next();
    await lose();
    await welcome();
    err("join", "gone");
    const { id } = command("join");
    say({ t: "ok", id, partner: "online", queued: 0, session: "s2" });
    data(3);
    const { value: kept } = await reader.next();
    const { value: fresh } = await reader.next();
    expect([kept?.seq, fresh?.seq, said()]).toEqual([9, 3, []]);
    void reader.next();
    await settle();
    expect(command("ack")["upto"]).toBe(3);
  });

  test("a reader that was behind gets everything, once", async () => {
    const { relay, clock, net, join, data } = relayHouse();
    await join();
    for (let seq = 1; seq <= 1_030; seq += 1) data(seq);
    const items = collect(relay);
    await settle();
    expect(items.at(-1)).toBe("1024 m1024");
    expect([relay.status.type, net.sockets.length]).toEqual(["away", 1]);
    clock.advance(20_000);
    expect(await join()).toMatchObject({ upto: 1_024 });
    for (let seq = 1_025; seq <= 1_031; seq += 1) data(seq);
    await settle();
    expect(items.slice(-2)).toEqual(["1030 m1030", "1031 m1031"]);
  });
});

describe("a reader", () => {
  test("is one at a time", async () => {
    const { relay, join, data } = relayHouse();
    await join();
    const first = relay[Symbol.asyncIterator]();
    expect(() => relay[Symbol.asyncIterator]()).toThrow("a relay has one reader at a time");
    const waiting = first.next();
    await first.return?.();
    expect((await waiting).done).toBe(true);
    data(1);
    const second = relay[Symbol.asyncIterator]();
    expect((await first.next()).done).toBe(true);
    expect((await second.next()).value?.seq).toBe(1);
  });

  test("ends quietly with close, and what it has not taken is let go", async () => {
    const { relay, clock, join, data } = relayHouse();
    const reader = relay[Symbol.asyncIterator]();
    await join();
    for (const seq of [1, 2]) data(seq);
    await reader.next();
    const closed = relay.close();
    clock.advance(1_000);
    await closed;
    expect((await reader.next()).done).toBe(true);
  });

  test("throws when another connection has taken the place, once", async () => {
    const { relay, join, net } = relayHouse();
    const items = collect(relay);
    await join();
    net.last.end(4590, "the role went to another client");
    await settle();
    expect(items).toEqual(["replaced"]);
    expect(relay.status).toMatchObject({ type: "closed", code: 4590, error: { code: "replaced" } });
    expect((await relay[Symbol.asyncIterator]().return?.())?.done).toBe(true);
  });
});

describe("a frame that cannot be", () => {
  test.each([
    "null",
    '{"t":"data"}',
    '{"t":"data","seq":"x","from":"local","data":1}',
    '{"t":"data","seq":{"toString":1},"from":"local","data":1}',
    '{"t":"receipt","seq":1,"idem":"nobody","state":"delivered"}',
    '{"t":"receipt","seq":1,"idem":{},"state":{}}',
    '{"t":"peer"}',
    '{"t":"ok","id":1}',
    '{"t":"join","topic":"a"}',
  ])("never throws into the socket, and the relay goes on or comes back: %s", async (text) => {
    const { relay, net, clock, join, data } = relayHouse();
    const items = collect(relay);
    await join();
    net.last.say(text);
    if (relay.status.type === "away") {
      clock.advance(20_000);
      await join();
    }
    data(7);
    await settle();
    expect([relay.status.type, items]).toEqual(["open", ["7 m7"]]);
  });
});
