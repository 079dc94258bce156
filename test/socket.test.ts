import { describe, expect, test } from "bun:test";
import { eventually } from "./calm.ts";
import { frame, OPCODE, upgrade } from "./raw-client.ts";
import { serveRoute } from "./serve-route.ts";

const here = { path: "/x/y" };

/** The one connection of a route that does nothing, and its client. */
async function one(hooks: Parameters<typeof serveRoute>[0] = {}) {
  const served = serveRoute(hooks);
  const client = await upgrade(served.host, here);
  await eventually("open", () => served.listener.connections.size === 1);
  const [connection] = served.listener.connections;
  if (connection === undefined) throw new Error("there is no connection");
  return { ...served, client, connection, counters: served.endpoint.counters };
}

describe("a connection", () => {
  test("sends and reports a long reason cut to what a close frame holds", async () => {
    const reasons: string[] = [];
    const { client, connection } = await one({ close: (_, { reason }) => void reasons.push(reason) });
    connection.close(1011, "\u2603".repeat(100));
    expect(await client.ending()).toEqual({ code: 1011, reason: "\u2603".repeat(41) });
    expect(reasons).toEqual(["\u2603".repeat(41)]);
  });

  test("counts messages and bytes it sends, text as UTF-8, empty ones too", async () => {
    const { client, connection, counters } = await one();
    for (const data of ["\u2603", new Uint8Array(5), "", new Uint8Array(0)])
      expect(connection.send(data)).toBe(true);
    for (const size of [3, 5, 0, 0]) expect((await client.next()).payload).toHaveLength(size);
    expect(counters).toMatchObject({ sent: 4, sentBytes: 8 });
  });

  test("sends what is corked in its order, and answers what the corked call did", async () => {
    const { client, connection, counters } = await one();
    const sendAll = () => ["a", "b", "c"].map((text) => connection.send(text));
    expect(connection.cork(sendAll)).toEqual([true, true, true]);
    for (const text of ["a", "b", "c"]) expect((await client.next()).payload.toString()).toBe(text);
    expect(counters.sent).toBe(3);
  });

  test("runs what is corked also if it ends the connection, has ended before, or throws", async () => {
    const { client, connection } = await one();
    const wrong = () => {
      throw new Error("wrong");
    };
    expect(() => connection.cork(wrong)).toThrow("wrong");
    connection.cork(() => connection.close(1000, "done"));
    expect(connection.cork(() => "run")).toBe("run");
    expect(await client.ending()).toEqual({ code: 1000, reason: "done" });
  });

  test("says false once some of it waits, and knows how much", async () => {
    const { client, connection, counters } = await one();
    client.pause();
    expect(connection.buffered()).toBe(0);
    expect(connection.send("x".repeat(16 * 1024 ** 2))).toBe(false);
    expect(connection.buffered()).toBeGreaterThan(1024 ** 2);
    expect(counters).toMatchObject({ sent: 1, sentBytes: 16 * 1024 ** 2 });
    client.reset();
  });

  test("is cut with 1013 and counts the message as dropped if even the runtime's queue is full", async () => {
    const { client, connection, counters } = await one();
    client.pause();
    const large = "x".repeat(32 * 1024 ** 2);
    for (let n = 0; n < 4 && connection.isOpen; n += 1) connection.send(large);
    expect(connection.isOpen).toBe(false);
    expect(counters.dropped.slow).toBe(1);
    expect(counters.closed).toEqual(new Map([[1013, 1]]));
    client.reset();
  });

  test("reports what never left the runtime when it is terminated", async () => {
    const { client, connection, counters } = await one();
    client.pause();
    connection.send("x".repeat(16 * 1024 ** 2));
    const waiting = connection.buffered();
    connection.terminate(1013, "slow");
    expect(counters.unflushedBytes).toBe(waiting);
    client.reset();
  });

  test("does nothing more once it is closed", async () => {
    const { client, connection, counters } = await one();
    connection.close(1000, "done");
    connection.send("late");
    connection.ping();
    connection.pause();
    connection.subscribe("t");
    connection.publishToOthers("t", "late");
    connection.terminate(1006, "late");
    connection.finish();
    expect(await client.next()).toMatchObject({ opcode: OPCODE.close });
    expect(await client.ended()).toBe("end");
    expect([connection.buffered(), connection.isPaused, counters.sent]).toEqual([0, false, 0]);
    expect(counters.closed).toEqual(new Map([[1000, 1]]));
  });

  test("hears a channel from its subscribe to its unsubscribe, but not itself", async () => {
    const { host, client, connection, listener } = await one();
    using other = await upgrade(host, here);
    await eventually("both", () => listener.connections.size === 2);
    connection.subscribe("t");
    listener.publish("t", "to all");
    connection.publishToOthers("t", "to others");
    listener.publish("t", "but one", connection);
    connection.unsubscribe("t");
    listener.publish("t", "too late");
    connection.send("last");
    expect((await client.next()).payload.toString()).toBe("to all");
    expect((await client.next()).payload.toString()).toBe("last");
    expect(other.waiting).toBe(0);
  });

  test("writes directions, types and sizes at debug, never what was said", async () => {
    const { client, lines } = await one({ describe: () => ({ room: "r" }) });
    client.write(frame("secret"));
    client.write(frame(Buffer.from("secret"), { opcode: OPCODE.binary }));
    await client.next();
    await client.next();
    const debugs = lines.filter(({ level }) => level === "debug");
    expect(debugs.map(({ text }) => text)).toEqual([
      "< text 6 B",
      "> text 6 B",
      "< binary 6 B",
      "> binary 6 B",
    ]);
    expect(debugs[0]).toMatchObject({ conn: client.id, route: "/x/:name", room: "r" });
    expect(JSON.stringify(lines)).not.toContain("secret");
  });
});

describe("finish", () => {
  test("closes with 1012 once nothing waits", async () => {
    const { client, connection } = await one();
    client.pause();
    connection.send("x".repeat(16 * 1024 ** 2));
    connection.finish();
    expect(connection.isOpen).toBe(true);
    client.resume();
    await client.next();
    await eventually("empty", () => connection.buffered() === 0);
    connection.finish();
    expect(await client.ending()).toEqual({ code: 1012, reason: "service restart" });
  });

  test("leaves it to a route that has a say in it, and asks once", async () => {
    const asked: unknown[] = [];
    const { connection } = await one({ finish: (_, ...how) => void asked.push(how) });
    connection.finish();
    connection.finish();
    expect(asked).toEqual([[1012, "service restart"]]);
    expect(connection.isOpen).toBe(true);
  });

  test("closes with 1011 if the route throws then", async () => {
    const { client, connection, counters } = await one({
      finish() {
        throw new Error("no");
      },
    });
    connection.finish();
    expect((await client.ending()).code).toBe(1011);
    expect(counters.errors).toBe(1);
  });
});
