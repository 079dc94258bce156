/** Commands that wait for the one before, and what they leave to others. */

import { expect, test } from "bun:test";
import type { Connection } from "../src/connection.ts";
import type { Route, V1 } from "../src/route.ts";
import { Session } from "../src/session.ts";
import { testClock } from "./clock.ts";
import { openFake } from "./fake-connection.ts";
import { openHost } from "./open-access.ts";

const SUB = JSON.stringify({ t: "sub", topic: "t" });

function house(command: V1["command"], subscribes = 0) {
  const clock = testClock();
  const failures: string[] = [];
  const hooks: Partial<Route> = { open() {}, close() {}, message() {}, drain() {} };
  const connection = openFake(hooks as Route);
  const v1: V1 = { open: (_, welcome) => welcome(), command };
  const about = { kind: "room", node: "n", heartbeat: 25_000, maxMessage: 100, highWater: 1_000 } as const;
  const options = { v1, ...about, subscribes, burst: 1, deadline: 0, clock };
  const session = new Session(
    connection as Connection,
    options,
    openHost((stage, error) => failures.push(`${stage}: ${error}`)),
  );
  session.open();
  return { clock, failures, session };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("the loop has a turn before the next of several commands that are answered later at once", async () => {
  let asked = 0;
  const { session } = house(async () => {
    asked += 1;
  });
  for (let n = 0; n < 5; n += 1) session.message(SUB, SUB.length);
  const seen: number[] = [];
  while (asked < 5) {
    seen.push(asked);
    await turn();
  }
  expect(seen.length).toBeGreaterThanOrEqual(4);
});

test.each([
  ["behind another", 0],
  ["after its time", 50],
])("a command that throws when its turn comes %s fails its connection, not the process", async (_, rate) => {
  const { session, clock, failures } = house((_connection, command) => {
    if (command.t === "sub" && command.topic === "bug") throw new Error("bug");
    return Promise.resolve();
  }, rate);
  session.message(SUB, SUB.length);
  session.message('{"t":"sub","topic":"bug"}', 26);
  await turn();
  clock.advance(20);
  await turn();
  expect(failures).toEqual(["command: Error: bug"]);
});

test("a pattern that matches thousands of topics counts as many subs", async () => {
  const positions = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`t.${n}`, {}]));
  let asked = 0;
  const { session, clock } = house(async (_connection, _command, reply) => {
    asked += 1;
    reply({ ok: { topic: "*", positions } });
  }, 50);
  for (let n = 0; n < 2; n += 1) session.message('{"t":"sub","topic":"*"}', 24);
  await turn();
  clock.advance(219);
  await turn();
  expect(asked).toBe(1);
  clock.advance(1);
  await turn();
  expect(asked).toBe(2);
});

test("no timer is left of a `sub` that waits for its time when the connection ends", () => {
  const { session, clock } = house((_connection, _command, reply) => reply({ ok: {} }), 50);
  for (let n = 0; n < 2; n += 1) session.message(SUB, SUB.length);
  expect(clock.pending).toBe(1);
  session.closed();
  expect(clock.pending).toBe(0);
});
