/**
 * Three nodes are restarted one after the other by SIGTERM, under load: their clients are told to go, spread over the window, and go on at another
 * node with nothing lost and nothing twice.
 */
import { expect, onTestFinished } from "bun:test";
import type { Session } from "../../src/client/index.ts";
import { until } from "../calm.ts";
import { type ManyNodes, withManyNodes } from "../faults/many-nodes.ts";
import { requires } from "../requires.ts";
import { range, readNumbers } from "./read-numbers.ts";

const WINDOW = 1_500;
const PLAIN = 120;

/** Closes of plain connections to a node: when, in ms from `begin`, and how. */
async function plainReaders(host: string) {
  const closes: { readonly at: number; readonly code: number }[] = [];
  let began = 0;
  const sockets = range(0, PLAIN).map(() => new WebSocket(`ws://${host}/f/numbers`));
  onTestFinished(() => {
    for (const socket of sockets) socket.close();
  });
  for (const socket of sockets)
    socket.onclose = ({ code }) => closes.push({ code, at: performance.now() - began });
  await Promise.all(sockets.map((socket) => new Promise((done) => socket.addEventListener("open", done))));
  return {
    closes,
    begin() {
      began = performance.now();
    },
  };
}

/** Publishes one number after the other until it is told to end; `said` counts what was answered. */
function talk(writers: readonly Session[]) {
  let next = 0;
  let said = 0;
  let goesOn = true;
  const all = writers.map(async (writer) => {
    while (goesOn) {
      await writer.publish(next++);
      said += 1;
    }
  });
  return {
    said: () => said,
    async end() {
      goesOn = false;
      await Promise.all(all);
      return next;
    },
  };
}

async function restart({ nodes }: ManyNodes, node: number): Promise<void> {
  const { closes, begin } = await plainReaders(nodes.host(node));
  begin();
  expect(await nodes.term(node, WINDOW / 1_000 + 5)).toBe(0);
  await until("every close", () => closes.length === PLAIN);
  expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1012]));
  // Whole connections are closed in a tick, so half of the window may do.
  const times = closes.map(({ at }) => at);
  expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(0.4 * WINDOW);
  for (const tenth of range(0, 10))
    expect(times.filter((at) => Math.floor((at / WINDOW) * 10) === tenth).length).toBeLessThan(PLAIN / 2);
  await nodes.start(node);
}

requires("redis-server")("a restart of one node after the other loses nothing, and repeats nothing", () =>
  withManyNodes({ config: { drain: { window: WINDOW } } }, async (house) => {
    const sessions = range(0, 30).map((n) => house.anywhere(n, "/f/numbers"));
    const readers = sessions.map((session) => readNumbers(session));
    await Promise.all(readers.map(({ ready }) => ready));
    const talking = talk(range(0, 6).map((n) => house.anywhere(n, "/f/numbers")));
    for (const node of range(0, 3)) {
      const before = talking.said();
      await restart(house, node);
      await until("talk goes on", () => talking.said() > before + 200);
    }
    const count = await talking.end();
    for (const { got, other } of readers) {
      await until(`${count} messages`, () => got.length >= count);
      expect(other).toEqual([]);
      expect(got).toHaveLength(count);
      expect(new Set(got).size).toBe(count);
      expect(got).toEqual(readers[0]?.got ?? []);
    }
    for (const { statuses } of sessions) expect(statuses.some(({ type }) => type === "away")).toBe(true);
  }),
);
