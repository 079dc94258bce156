/** What happens to positions when connections come and go: gaps are told, nothing comes twice. */
import { describe, expect, test } from "bun:test";
import { collect, type Fields, message, sessionHouse } from "./session-house.ts";

const at = (offset: number, epoch = "e1") => ({ epoch, offset });
const start = (topic: string, offset: number, more: Fields = {}) => ({
  topic,
  ...at(offset),
  count: 0,
  ...more,
});
const unrecovered = (topic: string, offset: number, more: Fields = {}) => ({
  type: "gap",
  topic,
  ...at(offset),
  reason: "unrecovered",
  ...more,
});

/** A session that is subscribed to these, has heard what was said, and has lost the connection. */
async function away(names: string[], answers: Fields[], frames: Fields[], options = {}) {
  const house = sessionHouse(options);
  const heard = names.map((name) => collect(house.session.subscribe(name)));
  await house.welcome();
  for (const answer of answers) house.ok("sub", answer);
  for (const frame of frames) house.say(frame);
  await house.lose();
  await house.welcome();
  return { ...house, heard };
}

describe("after a loss, a subscription", () => {
  test("goes on after the last message that came", async () => {
    const { command, say, heard, session } = await away(["a"], [start("a", 3)], [message("a", 4)]);
    const { id, since } = command("sub");
    expect(since).toEqual(at(4));
    say({ t: "ok", id, ...start("a", 6, { count: 2, recovered: true }) });
    for (const offset of [5, 6, 7]) say(message("a", offset));
    expect(heard).toEqual([["a 4 m4", "a 5 m5", "a 6 m6", "a 7 m7"]]);
    expect(session.positions).toEqual({ a: { a: at(7) } });
  });

  test("goes on where a gap ended, not where the topic stands", async () => {
    const gap = { t: "gap", topic: "a", ...at(20), from: 4, to: 9, reason: "slow" };
    const { command, heard } = await away(["a"], [start("a", 3)], [gap]);
    expect(command("sub")["since"]).toEqual(at(9));
    expect(heard[0]).toEqual([{ type: "gap", topic: "a", ...at(9), from: 4, to: 9, reason: "slow" }]);
  });

  test("goes on after the newest value that came if the gap was followed by those", async () => {
    const gap = { t: "gap", topic: "a", ...at(20), from: 4, to: 9, latest: true, reason: "slow" };
    const { command, heard } = await away(["a"], [start("a", 3)], [gap, message("a", 7)]);
    expect(command("sub")["since"]).toEqual(at(7));
    const told = { type: "gap", topic: "a", ...at(3), from: 4, to: 9, latest: true, reason: "slow" };
    expect(heard[0]).toEqual([told, "a 7 m7"]);
  });

  test("goes on in the new epoch that a gap told of", async () => {
    const gap = { t: "gap", topic: "a", ...at(0, "e2"), reason: "epoch" };
    const { command } = await away(["a"], [start("a", 3)], [gap, message("a", 1, "e2")]);
    expect(command("sub")["since"]).toEqual(at(1, "e2"));
  });

  test("tells a gap if the server could not recover, and goes on from there", async () => {
    const { ok, say, heard } = await away(["a"], [start("a", 3)], []);
    ok("sub", start("a", 9, { recovered: false }));
    say(message("a", 10));
    expect(heard[0]).toEqual([unrecovered("a", 9, { from: 4, to: 9 }), "a 10 m10"]);
  });

  test("tells a gap if it comes back to another epoch", async () => {
    const { ok, say, heard } = await away(["a"], [start("a", 30)], []);
    ok("sub", start("a", 2, { epoch: "e2", recovered: false, count: 1 }));
    say(message("a", 2, "e2"));
    expect(heard[0]).toEqual([unrecovered("a", 1, { epoch: "e2" }), "a 2 m2"]);
  });

  test("goes back with a topic that has fallen behind it in the same epoch", async () => {
    const { ok, say, heard } = await away(["a"], [start("a", 30)], []);
    ok("sub", start("a", 10, { recovered: false }));
    say(message("a", 11));
    expect(heard[0]).toEqual([unrecovered("a", 10), "a 11 m11"]);
  });

  test("is resumed before one that begins anew", async () => {
    const { session, command, ok, lose, welcome } = sessionHouse();
    session.subscribe("new");
    session.subscribe("a");
    await welcome();
    command("sub");
    ok("sub", start("a", 3));
    await lose();
    await welcome();
    expect([command("sub")["topic"], command("sub")["topic"]]).toEqual(["a", "new"]);
  });

  test("that never began asks as it did at first", async () => {
    const house = sessionHouse();
    house.session.subscribe("a", { last: 2 });
    await house.welcome();
    house.command("sub");
    await house.lose();
    await house.welcome();
    expect(house.command("sub")).toMatchObject({ topic: "a", last: 2 });
  });

  test("hears nothing of what a server says that is not the topic's stream", async () => {
    const { say, heard } = await away(["a"], [start("a", 3)], []);
    say(message("a", 4));
    say({ t: "gap", topic: "a", ...at(9), reason: "slow" });
    say({ t: "nobody knows this" });
    expect(heard[0]).toEqual([]);
  });
});

describe("after a loss, a pattern", () => {
  test("goes on in each of its topics, and from the first message of those that began meanwhile", async () => {
    const positions = { "a.x": at(3), "a.y": at(5, "e2") };
    const counts = { "a.x": { ...at(3), count: 0 }, "a.y": { ...at(5, "e2"), count: 0 } };
    const { command, say, heard } = await away(["a.*"], [{ topic: "a.*", positions: counts }], []);
    const { id, since } = command("sub");
    expect(since).toEqual(positions);
    const resumed = {
      "a.x": { ...at(4), count: 1, recovered: true },
      "a.y": { ...at(9, "e2"), count: 0, recovered: false },
      "a.z": { ...at(1, "e3"), count: 1, recovered: true },
    };
    say({ t: "ok", id, topic: "a.*", positions: resumed });
    say(message("a.x", 4));
    say(message("a.z", 1, "e3"));
    expect(heard[0]).toEqual([
      unrecovered("a.y", 9, { epoch: "e2", from: 6, to: 9 }),
      "a.x 4 m4",
      "a.z 1 m1",
    ]);
  });

  test("that had no topic yet asks for all that began", async () => {
    const { command } = await away(["a.*"], [{ topic: "a.*", positions: {} }], []);
    expect(command("sub")["since"]).toEqual({});
  });

  test("of more than 64 topics tells each that went on without it, and no other", async () => {
    const topics = Array.from({ length: 65 }, (_, n) => `a.${n}`);
    const all = (offset: number) =>
      Object.fromEntries(topics.map((topic) => [topic, { ...at(offset), count: 0 }]));
    const { command, say, heard } = await away(["a.*"], [{ topic: "a.*", positions: all(3) }], []);
    const { id, since } = command("sub");
    expect(since).toBeUndefined();
    const positions = { ...all(3), "a.7": { ...at(5), count: 0 }, "a.new": { ...at(2), count: 0 } };
    say({ t: "ok", id, topic: "a.*", positions });
    expect(heard[0]).toEqual([
      unrecovered("a.7", 5, { from: 4, to: 5 }),
      unrecovered("a.new", 2, { from: 1, to: 2 }),
    ]);
  });
});

describe("subscriptions that overlap", () => {
  const both = ["a.x", "a.*"];
  const answers = [start("a.x", 3), { topic: "a.*", positions: { "a.x": { ...at(3), count: 0 } } }];

  test("get each message once, though the connection brings it once for all", async () => {
    const { heard } = await away(both, answers, [message("a.x", 4)]);
    expect(heard).toEqual([["a.x 4 m4"], ["a.x 4 m4"]]);
  });

  test("bring nothing to one that the server has not answered yet", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const first = collect(session.subscribe("a.>"));
    const second = collect(session.subscribe("a.*"));
    await welcome();
    ok("sub", { topic: "a.>", positions: {} });
    say(message("a.new", 1));
    ok("sub", { topic: "a.*", positions: { "a.new": { ...at(1), count: 0 } } });
    say(message("a.new", 2));
    expect([first, second]).toEqual([["a.new 1 m1", "a.new 2 m2"], ["a.new 2 m2"]]);
  });

  test("are resumed from the lowest, and each drops what it has had", async () => {
    const house = sessionHouse();
    const heard = [collect(house.session.subscribe("a.x", { since: at(9) }))];
    heard.push(collect(house.session.subscribe("a.*", { since: { "a.x": at(7) } })));
    await house.welcome();
    const first = house.command("sub");
    expect(first["since"]).toEqual(at(7));
    house.say({ t: "ok", id: first.id, ...start("a.x", 10, { count: 3, recovered: true }) });
    house.say(message("a.x", 8));
    house.say(message("a.x", 9));
    // The stream flows already: its answer says where it is, and nothing is replayed.
    house.ok("sub", { topic: "a.*", positions: { "a.x": { ...at(9), count: 0 } } });
    house.say(message("a.x", 10));
    expect(heard).toEqual([["a.x 10 m10"], ["a.x 8 m8", "a.x 9 m9", "a.x 10 m10"]]);
  });

  test("tell a gap to one that wants what the stream has passed already", async () => {
    const { session, ok, say, heard, command } = await away(["a.*"], [{ topic: "a.*", positions: {} }], []);
    command("sub");
    const late = collect(session.subscribe("a.x", { since: at(2) }));
    ok("sub", start("a.x", 9));
    say(message("a.x", 10));
    expect(late).toEqual([unrecovered("a.x", 9, { from: 3, to: 9 }), "a.x 10 m10"]);
    expect(heard).toEqual([[]]);
  });
});

describe("positions", () => {
  test("are what was handed out, not what has come", async () => {
    const { session, welcome, ok, say } = sessionHouse();
    const iterator = session.subscribe("a")[Symbol.asyncIterator]();
    await welcome();
    ok("sub", start("a", 3));
    say(message("a", 4));
    say(message("a", 5));
    expect(session.positions).toEqual({ a: { a: at(3) } });
    await iterator.next();
    expect(session.positions).toEqual({ a: { a: at(4) } });
  });

  test("can be read after close(), too; one that was left alone is gone", async () => {
    const { session, welcome, ok } = sessionHouse();
    session.subscribe("a");
    const left = session.subscribe("b");
    await welcome();
    ok("sub", start("a", 3));
    ok("sub", start("b", 4));
    left.close();
    session.close();
    expect(session.positions).toEqual({ a: { a: at(3) } });
  });

  test("can be kept as JSON and given to the next session", async () => {
    const before = await away(
      ["a", "b.*"],
      [start("a", 3), { topic: "b.*", positions: { "b.x": { ...at(8), count: 0 } } }],
      [],
    );
    const positions = JSON.parse(JSON.stringify(before.session.positions));
    const { session, welcome, command } = sessionHouse({ positions });
    expect(session.positions).toEqual(positions);
    session.subscribe("a");
    session.subscribe("b.*");
    await welcome();
    expect(command("sub")["since"]).toEqual(at(3));
    expect(command("sub")["since"]).toEqual({ "b.x": at(8) });
    expect(session.positions).toEqual(positions);
  });

  test("count for the first subscription of a name only", async () => {
    const { session, welcome, ok, command } = sessionHouse({ positions: { a: { a: at(3) } } });
    const first = session.subscribe("a");
    await welcome();
    ok("sub", start("a", 3, { recovered: true }));
    first.close();
    command("unsub");
    session.subscribe("a");
    expect(command("sub")).not.toHaveProperty("since");
  });

  test("of the path's topic go into the URL of the next session", async () => {
    const { session, net, welcome } = sessionHouse({ positions: { "": { lobby: at(4) } } });
    const heard = collect(session.subscribe());
    await welcome(start("lobby", 4, { recovered: true }));
    expect(net.last.url).toBe("ws://host/feed?since=e1%3A4");
    expect([heard, session.positions]).toEqual([[], { "": { lobby: at(4) } }]);
  });
});
