import { describe, expect, test } from "bun:test";
import { house, longest, settle } from "./socket-house.ts";

describe("an address or token that is asked for", () => {
  test("is asked for anew at each attempt", async () => {
    let asked = 0;
    const { net, clock, socket } = house(
      () => `ws://host/${++asked}`,
      async () => [`token.${asked}`],
    );
    expect(socket.url).toBe("");
    await settle();
    net.last.end();
    await longest(clock);
    expect(net.sockets.map(({ url, protocols }) => [url, ...protocols])).toEqual([
      ["ws://host/1", "token.1"],
      ["ws://host/2", "token.2"],
    ]);
  });

  test("may come late, and is not used if close came first", async () => {
    const token = Promise.withResolvers<string>();
    const { net, clock, socket, events } = house("ws://host/", () => token.promise);
    clock.advance(60_000);
    expect([socket.readyState, net.sockets.length]).toEqual([0, 0]);
    socket.close();
    token.resolve("late");
    await settle();
    clock.advance(0);
    expect([socket.readyState, net.sockets.length]).toEqual([3, 0]);
    expect(events).toEqual(["error", "close 1006"]);
  });

  test("that throws is a failed attempt: the error says it, the next attempt asks again", async () => {
    let asked = 0;
    const { net, clock, socket } = house("ws://host/", () => {
      if (asked++ < 2) throw new Error("login is down");
      return "token";
    });
    const causes: unknown[] = [];
    socket.onerror = (event) => causes.push((event as Event & { error: Error }).error.message);
    await settle();
    await longest(clock);
    await longest(clock);
    expect(causes).toEqual(["login is down", "login is down"]);
    expect(net.last.protocols).toEqual(["token"]);
  });

  test("is tried once more after 3000, and then no more", async () => {
    const { net, clock, socket } = house("ws://host/", async () => "token");
    await settle();
    net.last.end(3000);
    expect(socket.readyState).toBe(socket.CONNECTING);
    await longest(clock);
    net.last.end(3000);
    expect([socket.readyState, clock.pending]).toEqual([socket.CLOSED, 0]);
  });
});
