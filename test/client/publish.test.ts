import { describe, expect, test } from "bun:test";
import { splitFrame } from "../../src/wire/binary-frame.ts";
import { sessionHouse, settle } from "./session-house.ts";

/** Rejects with what a promise rejected with, so that it can be looked at later. */
const failure = (promise: Promise<unknown>) =>
  promise.then(
    (value) => {
      throw new Error(`expected a rejection, received ${JSON.stringify(value)}`);
    },
    (error) => error,
  );

describe("a publish", () => {
  test("is answered with its position", async () => {
    const { session, welcome, command, say } = sessionHouse();
    const published = session.publish("a", { n: 1 }, { key: "k" });
    await welcome();
    const { id, idem, ...rest } = command("pub");
    expect(rest).toEqual({ t: "pub", topic: "a", key: "k", data: { n: 1 } });
    expect(idem).toMatch(/^[0-9-]{7,64}$/);
    say({ t: "ok", id, topic: "a", epoch: "e1", offset: 7 });
    expect(await published).toEqual({ topic: "a", epoch: "e1", offset: 7, superseded: false });
  });

  test("with one argument goes to the topic of the path", async () => {
    const { session, welcome, command } = sessionHouse();
    await welcome();
    session.publish("hello").catch(() => {});
    expect(command("pub")).toMatchObject({ data: "hello" });
    session.publish(undefined, null).catch(() => {});
    const { data, topic } = command("pub");
    expect([data, topic]).toEqual([null, undefined]);
  });

  test("of bytes is a binary frame", async () => {
    const { session, net, welcome } = sessionHouse();
    await welcome();
    session.publish("a", new Uint8Array([1, 2, 3]).subarray(1)).catch(() => {});
    const split = splitFrame(net.last.sent.at(-1) as Uint8Array);
    if (typeof split === "string") throw new Error(split);
    expect(JSON.parse(split.header)).toMatchObject({ t: "pub", topic: "a" });
    expect([...split.payload]).toEqual([2, 3]);
  });

  test("is what it was when it was published, whatever becomes of the object", async () => {
    const { session, welcome, command } = sessionHouse();
    const data = { n: 1 };
    session.publish("a", data).catch(() => {});
    data.n = 2;
    await welcome();
    expect(command("pub")["data"]).toEqual({ n: 1 });
  });

  test("that was superseded says so", async () => {
    const { session, welcome, ok } = sessionHouse();
    const published = session.publish("a", 1);
    await welcome();
    ok("pub", { topic: "a", superseded: true });
    expect(await published).toEqual({ topic: "a", superseded: true });
  });

  test("rejects with the server's code and when to try again", async () => {
    const { session, welcome, err } = sessionHouse();
    const failed = failure(session.publish("a", 1));
    await welcome();
    err("pub", "rate_limited", { retry: 500 });
    expect(await failed).toMatchObject({ name: "FairleadClientError", code: "rate_limited", retry: 500 });
  });

  test("of what is no JSON rejects, and nothing is sent", async () => {
    const { session, welcome, said } = sessionHouse();
    await welcome();
    expect(await failure(session.publish("a", undefined))).toMatchObject({ code: "bad_request" });
    expect(said()).toEqual([]);
  });

  test("larger than the server takes rejects, instead of costing the connection", async () => {
    const { session, welcome, said } = sessionHouse();
    await welcome(undefined, { maxMessage: 1_000 });
    expect(await failure(session.publish("a", "é".repeat(500)))).toMatchObject({ code: "too_large" });
    session.publish("a", "x".repeat(500)).catch(() => {});
    expect(said()).toHaveLength(1);
  });

  test("of any size is sent where the server sets no limit", async () => {
    const { session, welcome, said } = sessionHouse();
    await welcome(undefined, { maxMessage: 0 });
    session.publish("a", "x".repeat(100_000)).catch(() => {});
    expect(said()).toHaveLength(1);
  });
});

describe("a publish that was not answered", () => {
  test("is sent again on the next connection, with the same idem and its age", async () => {
    const { session, clock, welcome, lose, command, say } = sessionHouse();
    const published = session.publish("a", 1);
    await welcome();
    const first = command("pub");
    expect(first).not.toHaveProperty("age");
    clock.advance(1_500);
    await lose();
    await welcome();
    const second = command("pub");
    expect(second["idem"]).toBe(first["idem"]);
    expect(second["age"]).toBe(21_500);
    expect(second.id).toBeGreaterThan(first.id);
    say({ t: "ok", id: second.id, topic: "a", epoch: "e1", offset: 3 });
    expect(await published).toMatchObject({ offset: 3 });
  });

  test("is as old as its first sending, however often it is sent", async () => {
    const { session, welcome, lose, command } = sessionHouse();
    session.publish("a", 1).catch(() => {});
    for (const age of [undefined, 20_000, 40_000]) {
      await welcome();
      expect(command("pub")["age"]).toBe(age as number);
      await lose();
    }
  });

  test("has no age if it was never sent", async () => {
    const { session, welcome, lose, command } = sessionHouse();
    await settle();
    await lose();
    session.publish("a", 1).catch(() => {});
    await welcome();
    expect(command("pub")).not.toHaveProperty("age");
  });

  test("is as old as the wall clock says if the machine slept", async () => {
    let slept = 0;
    const house = sessionHouse();
    const { clock, session, welcome, lose, command } = house;
    const { wall } = clock;
    clock.wall = () => wall() + slept;
    session.publish("a", 1).catch(() => {});
    await welcome();
    command("pub");
    slept = 3_600_000;
    await lose();
    await welcome();
    expect(command("pub")["age"]).toBe(3_620_000);
  });

  test("keeps its place: what was published first is sent first", async () => {
    const { session, welcome, lose, command } = sessionHouse();
    await welcome();
    for (const n of [1, 2, 3]) session.publish("a", n).catch(() => {});
    await lose();
    session.publish("a", 4).catch(() => {});
    await welcome();
    expect([1, 2, 3, 4].map(() => command("pub")["data"])).toEqual([1, 2, 3, 4]);
  });

  test("rejects with unknown if the server no longer knows", async () => {
    const { session, welcome, lose, command, err } = sessionHouse();
    const failed = failure(session.publish("a", 1));
    await welcome();
    command("pub");
    await lose();
    await welcome();
    err("pub", "gone");
    expect(await failed).toMatchObject({ code: "unknown" });
  });

  test.each(["engine_down", "rate_limited", "unauthorized"])(
    "rejects with unknown if %s is the answer to one that was sent before, because that one may have been taken",
    async (code) => {
      const { session, welcome, lose, command, err } = sessionHouse();
      const failed = failure(session.publish("a", 1));
      await welcome();
      command("pub");
      await lose();
      await welcome();
      err("pub", code);
      expect(await failed).toMatchObject({ code: "unknown" });
      const other = failure(session.publish("a", 2));
      err("pub", code);
      expect(await other).toMatchObject({ code });
    },
  );

  test("rejects with unknown at close() if it was sent, with closed if it was not", async () => {
    const { session, welcome, lose } = sessionHouse();
    const sent = failure(session.publish("a", 1));
    await welcome();
    await lose();
    const waiting = failure(session.publish("a", 2));
    session.close();
    expect(await sent).toMatchObject({ code: "unknown" });
    expect(await waiting).toMatchObject({ code: "closed" });
    expect(await failure(session.publish("a", 3))).toMatchObject({ code: "closed" });
  });

  test("rejects with unknown if the server ends the session", async () => {
    const { session, welcome, net } = sessionHouse();
    const failed = failure(session.publish("a", 1));
    await welcome();
    net.last.end(1008, "enough");
    const error = await failed;
    expect(error).toMatchObject({ code: "unknown" });
    expect(error.message).toContain("1008 enough");
  });

  test("rejects when its signal aborts, and is not sent again", async () => {
    const { session, welcome, lose, said } = sessionHouse();
    const abort = new AbortController();
    const failed = failure(session.publish("a", 1, { signal: abort.signal }));
    await welcome();
    abort.abort("enough");
    expect(await failed).toMatchObject({ code: "aborted", cause: "enough" });
    await lose();
    await welcome();
    expect(said()).toEqual([]);
  });

  test("is never sent if its signal was aborted before", async () => {
    const { session, welcome, said } = sessionHouse();
    await welcome();
    const failed = failure(session.publish("a", 1, { signal: AbortSignal.abort() }));
    expect(await failed).toMatchObject({
      code: "aborted",
      message: expect.stringContaining("nothing was sent"),
    });
    expect(said()).toEqual([]);
  });
});

describe("without a connection, publish", () => {
  test("rejects with buffer_full at the 257th, and sends the others", async () => {
    const { session, welcome, said } = sessionHouse();
    for (let n = 0; n < 256; n++) session.publish("a", n).catch(() => {});
    expect(await failure(session.publish("a", 256))).toMatchObject({ code: "buffer_full" });
    await welcome();
    expect(said().map(({ data }) => data)).toEqual(Array.from({ length: 256 }, (_, n) => n));
  });

  test("rejects with buffer_full past 1 MiB, until what waited was answered", async () => {
    const { session, welcome, command, say } = sessionHouse();
    const large = session.publish("a", "x".repeat(1024 * 1024 - 2));
    expect(await failure(session.publish("a", 1))).toMatchObject({ code: "buffer_full" });
    await welcome(undefined, { maxMessage: 2 * 1024 * 1024 });
    say({ t: "ok", id: command("pub").id, topic: "a", epoch: "e1", offset: 1 });
    await large;
    session.publish("a", 2).catch(() => {});
    expect(command("pub")["data"]).toBe(2);
  });
});
