import { describe, expect, test } from "bun:test";
import { splitFrame } from "../../../src/wire/binary-frame.ts";
import { fate, relayHouse, sent, settle } from "./house.ts";

describe("a send", () => {
  test("resolves with its receipt, not before", async () => {
    const { relay, join, accept, receipt } = relayHouse();
    await join();
    let ended = "";
    const end = fate(relay.send({ open: true })).then((how) => {
      ended = how;
    });
    const idem = accept(1);
    await settle();
    expect([ended, idem.length > 16]).toEqual(["", true]);
    receipt(1, idem);
    await end;
    expect(ended).toBe("delivered");
  });

  test.each(["expired", "dropped", "unknown"])("rejects with its state: %s", async (state) => {
    const { relay, join, accept, receipt } = relayHouse();
    await join();
    const end = fate(relay.send(1));
    receipt(1, accept(1), state);
    expect(await end).toBe(state);
  });

  test("whose state nobody has heard of is unknown", async () => {
    const { relay, join, accept, receipt } = relayHouse();
    await join();
    const end = fate(relay.send(1));
    receipt(1, accept(1), "eaten");
    expect(await end).toBe("unknown");
  });

  test("that the server does not accept rejects with its word, and is not sent again", async () => {
    const { relay, join, err, lose, said } = relayHouse();
    await join();
    const end = fate(relay.send(1));
    err("send", "too_large");
    expect(await end).toBe("too_large");
    await lose();
    await join();
    expect(said()).toEqual([]);
  });

  test("waits for the role", async () => {
    const { relay, welcome, command, say, said } = relayHouse();
    relay.send("early").catch(() => {});
    await welcome();
    const { id } = command("join");
    expect(said()).toEqual([]);
    say({ t: "ok", id, partner: "offline", queued: 0, session: "s1" });
    expect(command("send")).toMatchObject({ data: "early" });
  });

  test("of bytes is a binary frame, as they were at the call", async () => {
    const { relay, net, join } = relayHouse();
    const bytes = new Uint8Array([1, 2, 3]);
    relay.send(bytes.subarray(1)).catch(() => {});
    bytes.fill(0);
    await join();
    const split = splitFrame(net.last.sent.at(-1) as Uint8Array);
    if (typeof split === "string") throw new Error(split);
    expect([JSON.parse(split.header).t, ...split.payload]).toEqual(["send", 2, 3]);
  });

  test("of what JSON cannot say is refused", async () => {
    const { relay, said, join } = relayHouse();
    await join();
    expect(await fate(relay.send(() => 1))).toBe("bad_request");
    expect(said()).toEqual([]);
  });

  test("after close is refused", async () => {
    const { relay } = relayHouse();
    await relay.close();
    expect(await fate(relay.send(1))).toBe("closed");
  });

  test("larger than the server takes rejects, and the next one goes on", async () => {
    const house = relayHouse();
    const tooLarge = fate(house.relay.send("x".repeat(70_000)));
    house.relay.send("next").catch(() => {});
    await house.join();
    expect(await tooLarge).toBe("too_large");
    expect(sent(house)).toEqual(["next"]);
  });
});

describe("after a lost connection", () => {
  test("what has no receipt is sent again, in order, under the same name", async () => {
    const { relay, join, accept, command, receipt, lose, said } = relayHouse();
    await join();
    const ends = ["a", "b", "c"].map((data) => fate(relay.send(data)));
    const idems = [accept(1), accept(2), String(command("send")["idem"])];
    receipt(1, idems[0] ?? "");
    await lose();
    expect(await join()).toMatchObject({ session: "s1", upto: 0, done: 1 });
    expect(said().map(({ idem, data }) => [idem, data])).toEqual([
      [idems[1], "b"],
      [idems[2], "c"],
    ]);
    receipt(accept(2) === idems[1] ? 2 : 0, idems[1] ?? "", "expired");
    receipt(3, accept(3));
    expect(await Promise.all(ends)).toEqual(["delivered", "expired", "delivered"]);
  });

  test("a receipt that comes twice is told once", async () => {
    const { relay, join, accept, receipt, said } = relayHouse();
    await join();
    const end = fate(relay.send("a"));
    const idem = accept(1);
    receipt(1, idem, "expired");
    receipt(1, idem, "delivered");
    expect([await end, said()]).toEqual(["expired", []]);
  });

  test("whose session has gone, what was sent is unknown, and what was not is sent in the next one", async () => {
    const { relay, welcome, err, command, say, accept, lose, said, join } = relayHouse();
    await join();
    const before = fate(relay.send("before"));
    accept(7);
    await lose();
    const after = relay.send("after");
    await welcome();
    err("join", "gone");
    expect(await before).toBe("unknown");
    const again = command("join");
    expect(again).toEqual({ t: "join", id: again.id, group: "g1", role: "center" });
    say({ t: "ok", id: again.id, partner: "online", queued: 0, session: "s2" });
    expect(said().map(({ data, done }) => [data, done])).toEqual([["after", undefined]]);
    const idem = accept(1);
    say({ t: "receipt", seq: 1, idem, state: "delivered" });
    await after;
  });

  test("whose new one never joins, nothing is lost on it", async () => {
    const house = relayHouse();
    house.relay.send("a").catch(() => {});
    await house.welcome();
    await house.lose();
    await house.join();
    expect(sent(house)).toEqual(["a"]);
  });
});

describe("receipts are released", () => {
  test("with the next send, up to the last before which none is missing", async () => {
    const { relay, join, accept, receipt, command } = relayHouse();
    await join();
    for (const data of ["a", "b", "c"]) relay.send(data).catch(() => {});
    const [a, b, c] = [accept(1), accept(2), accept(3)];
    receipt(3, c);
    relay.send("d").catch(() => {});
    expect(command("send")["done"]).toBeUndefined();
    receipt(1, a);
    relay.send("e").catch(() => {});
    expect(command("send")["done"]).toBe(1);
    relay.send("f").catch(() => {});
    expect(command("send")["done"]).toBeUndefined();
    receipt(2, b);
    relay.send("g").catch(() => {});
    expect(command("send")["done"]).toBe(3);
  });
});

describe("a time to live", () => {
  test("counts from the call, and what is left is told", async () => {
    const { relay, clock, join, command } = relayHouse();
    relay.send("a", { ttl: 5_000 }).catch(() => {});
    clock.advance(1_200);
    await join();
    expect(command("send")["ttl"]).toBe(3_800);
  });

  test("that ends before a connection is there expires what was never sent", async () => {
    const { relay, clock, join, said } = relayHouse();
    const end = fate(relay.send("a", { ttl: 5_000 }));
    clock.advance(5_000);
    expect(await end).toBe("expired");
    await join();
    expect(said()).toEqual([]);
  });

  test("that ends after it was sent leaves the word to the server", async () => {
    const { relay, clock, join, accept, receipt } = relayHouse();
    await join();
    const end = fate(relay.send("a", { ttl: 5_000 }));
    const idem = accept(1);
    clock.advance(9_000);
    receipt(1, idem);
    expect(await end).toBe("delivered");
  });

  test("past what a timer can count does not end at once", async () => {
    const { relay, join, command } = relayHouse();
    relay.send("a", { ttl: 2 ** 40 }).catch(() => {});
    await join();
    expect(command("send")["ttl"]).toBe(2 ** 40);
  });
});

describe("a signal", () => {
  test("takes back what was not sent", async () => {
    const { relay, join, said } = relayHouse();
    const stop = new AbortController();
    const end = fate(relay.send("a", { signal: stop.signal }));
    stop.abort();
    expect(await end).toBe("aborted");
    await join();
    expect(said()).toEqual([]);
  });

  test("that has come already sends nothing", async () => {
    const { relay, join, said } = relayHouse();
    await join();
    expect(await fate(relay.send("a", { signal: AbortSignal.abort() }))).toBe("aborted");
    expect(said()).toEqual([]);
  });

  test("ends the wait for what was sent, whose receipt still counts", async () => {
    const { relay, join, accept, receipt, command } = relayHouse();
    await join();
    const stop = new AbortController();
    const end = fate(relay.send("a", { signal: stop.signal }));
    const idem = accept(1);
    stop.abort();
    expect(await end).toBe("aborted");
    receipt(1, idem);
    relay.send("b").catch(() => {});
    expect(command("send")["done"]).toBe(1);
  });
});
