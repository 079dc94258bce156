/**
 * Presence against what a client makes of it: one that keeps a list of members, changes it with each join and leave, and asks `who`
 * again after a count. Whatever comes, goes, lags and waits, the list is right whenever nothing has changed for a second.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { presenceHouse, type Told, type Watcher } from "./presence-house.ts";

interface Step {
  readonly act: "enter" | "enter" | "leave" | "watch" | "unwatch" | "pause" | "resume" | "wait";
  readonly who: number;
  readonly ms: number;
}

const steps = fc.array(
  fc.record<Step>({
    act: fc.constantFrom(
      "enter",
      "enter",
      "enter",
      "leave",
      "leave",
      "watch",
      "unwatch",
      "pause",
      "resume",
      "wait",
    ),
    who: fc.nat(9),
    ms: fc.constantFrom(1, 300, 700, 1_000, 2_500),
  }),
  { minLength: 1, maxLength: 120, size: "max" },
);

interface Client {
  readonly watcher: Watcher;
  readonly members: Set<string>;
  isPaused: boolean;
  /** A count said that the list is out of date. */
  asks: boolean;
  /** When it was told of how many there are, apart from the answer to a pause. */
  readonly counts: number[];
}

function play(max: number, all: readonly Step[]): void {
  const { clock, enter, leave, watch } = presenceHouse({ max });
  const present = new Set<string>();
  const clients: Client[] = [];

  for (const step of all) {
    act(step);
    for (const client of clients) listen(client);
  }
  for (const client of clients) resume(client);
  clock.advance(1_000);
  for (const client of clients) {
    listen(client);
    expect([...client.members].toSorted()).toEqual([...present].toSorted());
  }
  for (const { counts } of clients) expectOneASecond(counts);

  function act({ act, who, ms }: Step): void {
    const conn = `c${who}`;
    const client = clients[who % Math.max(1, clients.length)];
    if (act === "enter") {
      present.add(conn);
      enter(conn);
    } else if (act === "leave") {
      present.delete(conn);
      leave(conn);
    } else if (act === "wait") wait(ms);
    else if (act === "watch") clients.push(newClient());
    else if (client !== undefined) turn(client, act);
  }

  function turn(client: Client, act: "unwatch" | "pause" | "resume"): void {
    if (act === "resume") resume(client);
    if (act === "pause") {
      client.isPaused = true;
      client.watcher.watch.pause();
    }
    if (act === "unwatch") {
      client.watcher.watch.close();
      clients.splice(clients.indexOf(client), 1);
    }
  }

  function resume(client: Client): void {
    client.isPaused = false;
    listen(client);
    client.watcher.watch.resume();
    for (const event of client.watcher.take()) {
      expect(event).toEqual({ t: "count", topic: "t", total: present.size });
      client.asks = true;
    }
  }

  /** In small pieces, so that the clients ask within the second in which they are told. */
  function wait(ms: number): void {
    for (let i = 0; i < ms; i += 100) {
      clock.advance(Math.min(100, ms - i));
      for (const client of clients) listen(client);
    }
  }

  function newClient(): Client {
    return { watcher: watch(), members: new Set(present), isPaused: false, asks: false, counts: [] };
  }

  function listen(client: Client): void {
    const told = client.watcher.take();
    if (client.isPaused) expect(told).toEqual([]);
    for (const event of told) take(client, event);
    if (!client.asks) return;
    client.asks = false;
    client.members.clear();
    for (const conn of present) client.members.add(conn);
  }

  function take(client: Client, { t, conn = "", total }: Told): void {
    if (max > 0 && t !== "count") expect(total).toBeLessThanOrEqual(max);
    if (max === 0) {
      expect(t).not.toBe("count");
      expect(client.members.has(conn)).toBe(t === "leave");
    }
    if (t === "join") client.members.add(conn);
    if (t === "leave") client.members.delete(conn);
    if (t === "count") {
      client.asks = true;
      client.counts.push(clock.now());
    }
    if (max === 0) expect(client.members.size).toBe(total);
  }
}

function expectOneASecond(counts: readonly number[]): void {
  for (const [i, at] of counts.entries()) {
    if (i > 0) expect(at - (counts[i - 1] ?? at)).toBeGreaterThanOrEqual(1_000);
  }
}

test("a client's list of members is right a second after the last change, and counts come at most once a second", () => {
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 4), steps, (max, all) => play(max, all)),
    { numRuns: 300 },
  );
});

test("a watcher is told each join and each leave exactly once if there is no `max`", () => {
  fc.assert(
    fc.property(steps, (all) => play(0, all)),
    { numRuns: 300 },
  );
});
