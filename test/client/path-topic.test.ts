import { describe, expect, test } from "bun:test";
import { collect, message, sessionHouse, settle } from "./session-house.ts";

const at = (offset: number, epoch = "e1") => ({ epoch, offset });

describe("the topic of the path", () => {
  const sub = (offset: number, more = {}) => ({ topic: "lobby", ...at(offset), count: 0, ...more });

  test("is subscribed by the server: subscribe() takes its stream over", async () => {
    const { session, welcome, say, said } = sessionHouse();
    const subscription = session.subscribe();
    const heard = collect(subscription);
    await welcome(sub(7));
    await subscription.ready;
    say(message("lobby", 8));
    expect([heard, said(), subscription.topic]).toEqual([["lobby 8 m8"], [], "lobby"]);
  });

  test("can be named, too, and be subscribed to later", async () => {
    const { session, welcome, say, said } = sessionHouse();
    await welcome(sub(7));
    say(message("lobby", 8));
    const heard = collect(session.subscribe("lobby"));
    say(message("lobby", 9));
    expect([heard, said()]).toEqual([["lobby 9 m9"], []]);
    expect(session.positions).toEqual({ lobby: { lobby: at(9) } });
  });

  test("is where the stream is for one who comes later, over gaps, too", async () => {
    const { session, welcome, say } = sessionHouse();
    await welcome(sub(7));
    say({ t: "gap", topic: "lobby", ...at(20), from: 8, to: 12, reason: "slow" });
    say({ t: "gap", topic: "lobby", ...at(20), from: 13, to: 15, latest: true, reason: "slow" });
    session.subscribe();
    expect(session.positions).toEqual({ "": { lobby: at(12) } });
  });

  test("brings what the URL asked for to the next who reads it", async () => {
    const { session, welcome, say } = sessionHouse();
    const first = session.subscribe(undefined, { last: 2 });
    await settle();
    first.close();
    await welcome(sub(7, { count: 2 }));
    const heard = collect(session.subscribe());
    say(message("lobby", 6));
    expect(heard).toEqual(["lobby 6 m6"]);
  });

  test("tells its wishes in the URL", async () => {
    const { session, net, welcome, said } = sessionHouse({ url: "http://host/feed?x=1" });
    session.subscribe(undefined, { last: 5, presence: true, since: at(3) });
    await welcome(sub(9));
    expect(net.last.url).toBe("ws://host/feed?x=1&since=e1%3A3&last=5&presence=1");
    expect(said()).toEqual([]);
  });

  test("tells no wishes in the URL that would be refused there, where nobody sees why", async () => {
    const { session, net, welcome, command, err } = sessionHouse();
    const subscription = session.subscribe(undefined, { last: 5_000 });
    await welcome(sub(9));
    expect(net.last.url).toBe("ws://host/feed");
    command("unsub");
    err("sub", "bad_request");
    await expect(subscription.ready).rejects.toMatchObject({ code: "bad_request" });
    const other = sessionHouse();
    other.session.subscribe(undefined, { since: { epoch: "no epoch", offset: 1 } });
    await other.welcome(sub(9));
    expect(other.net.last.url).toBe("ws://host/feed");
  });

  test("is left and subscribed to again if it was named with wishes that the URL did not tell", async () => {
    const { session, welcome, command, ok, say } = sessionHouse();
    const heard = collect(session.subscribe("lobby", { last: 2 }));
    await welcome(sub(7));
    expect(command("unsub")).toMatchObject({ topic: "lobby" });
    say(message("lobby", 8));
    ok("sub", sub(8, { count: 2 }));
    say(message("lobby", 7));
    say(message("lobby", 8));
    expect(heard).toEqual(["lobby 7 m7", "lobby 8 m8"]);
  });

  test("is refused a second time under its own name", async () => {
    const { session, welcome } = sessionHouse();
    const own = session.subscribe();
    session.subscribe("lobby");
    await welcome(sub(7));
    await expect(own.ready).rejects.toMatchObject({ code: "bad_request" });
    expect(() => session.subscribe()).toThrow("subscribed to lobby already");
  });

  test("that does not exist ends its subscription", async () => {
    const { session, welcome } = sessionHouse();
    const subscription = session.subscribe();
    await welcome();
    await expect(subscription.ready).rejects.toMatchObject({ code: "not_found" });
  });

  test("goes on by the URL after a loss", async () => {
    const { session, net, welcome, lose, say, said } = sessionHouse();
    const heard = collect(session.subscribe());
    await welcome(sub(7));
    say(message("lobby", 8));
    await lose();
    expect(net.last.url).toBe("ws://host/feed?since=e1%3A8");
    await welcome(sub(10, { count: 2, recovered: true }));
    say(message("lobby", 9));
    say(message("lobby", 10));
    expect([heard, said()]).toEqual([["lobby 8 m8", "lobby 9 m9", "lobby 10 m10"], []]);
  });

  test("does not go on for one who left it", async () => {
    const { session, net, welcome, lose, command, say, said } = sessionHouse();
    const subscription = session.subscribe();
    const heard = collect(subscription);
    await welcome(sub(7));
    subscription.close();
    expect(command("unsub")).toMatchObject({ topic: "lobby" });
    await lose();
    expect(net.last.url).toBe("ws://host/feed");
    await welcome(sub(9));
    say(message("lobby", 10));
    await settle();
    expect([heard, said()]).toEqual([[], []]);
  });
});
