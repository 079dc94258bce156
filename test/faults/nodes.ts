/** Faults of one gateway among several that share an engine: killed, stopped, cut off. */
import { expect } from "bun:test";
import type { Member, Session } from "../../src/client/index.ts";
import { until } from "../calm.ts";
import { requires } from "../requires.ts";
import { range, readNumbers } from "../system/read-numbers.ts";
import { LEASE, type ManyNodes, publishAll, withManyNodes } from "./many-nodes.ts";

const withRedis = requires("redis-server");
/** Two leases, and what a busy machine adds. */
const SEEN_SECONDS = (2 * LEASE) / 1_000 + 1;

const connsOf = (members: readonly Member[]) => members.map(({ conn }) => conn).toSorted();

/** Joins and leaves of a topic, as somebody is told of them. */
function watch(session: Session) {
  const told: { readonly type: string; readonly conn: string }[] = [];
  const subscription = session.subscribe(undefined, { presence: true });
  void subscription.listen((item) => {
    if (item.type === "join" || item.type === "leave") told.push({ type: item.type, conn: item.conn });
  });
  return { told, ready: subscription.ready, leaves: () => told.filter(({ type }) => type === "leave") };
}

/** Readers at all nodes, who move on when they must. */
async function readers({ anywhere }: ManyNodes, count: number) {
  const sessions = range(0, count).map((n) => anywhere(n, "/f/numbers"));
  const all = sessions.map((session) => ({ session, ...readNumbers(session) }));
  await Promise.all(all.map(({ ready }) => ready));
  return all;
}

withRedis("25: its clients go on elsewhere with nothing lost, its members leave once", () =>
  withManyNodes({}, async (house) => {
    const { nodes, at, anywhere } = house;
    const watcher = watch(at(1, "/f/lobby"));
    await watcher.ready;
    const members = range(0, 5).map(() => at(0, "/f/lobby"));
    await Promise.all(members.map((member) => member.subscribe().ready));
    await until("five joins", () => watcher.told.length === 5);
    const all = await readers(house, 12);
    const writers = range(0, 3).map((n) => anywhere(n, "/f/numbers"));
    await publishAll(at(1, "/f/numbers"), range(0, 50));
    let count = 50;
    let goesOn = true;
    const talking = writers.map(async (writer) => {
      while (goesOn) await writer.publish(count++);
    });
    await until("talk", () => count > 200);
    await nodes.kill9(0);
    const died = performance.now();
    await until("all leaves", () => watcher.leaves().length === 5, SEEN_SECONDS);
    console.error(`25: the members were gone after ${Math.round(performance.now() - died)} ms`);
    const before = count;
    await until("more talk", () => count > before + 300);
    goesOn = false;
    await Promise.all(talking);

    for (const { got, other } of all) {
      await until("all of it", () => got.length >= count);
      expect(other).toEqual([]);
      expect(got).toHaveLength(count);
      expect(new Set(got).size).toBe(count);
      expect(got).toEqual(all[0]?.got ?? []);
    }
    expect(watcher.told).toHaveLength(10);
    expect(new Set(watcher.leaves().map(({ conn }) => conn)).size).toBe(5);
    expect(await at(2, "/f/other").presence("lobby")).toHaveLength(1);
  }),
);

withRedis("26: it is seen as dead, and afterwards serves what the others do", () =>
  withManyNodes({}, async (house) => {
    const { nodes, at } = house;
    const watcher = watch(at(1, "/f/lobby"));
    await watcher.ready;
    const member = at(0, "/f/lobby");
    await member.subscribe().ready;
    await until("a join", () => watcher.told.length === 1);
    const staying = readNumbers(at(0, "/f/numbers"));
    await staying.ready;
    const all = await readers(house, 12);
    const writer = at(1, "/f/numbers");
    await publishAll(writer, range(0, 50));
    nodes.stop(0);
    await until("a leave", () => watcher.leaves().length === 1, SEEN_SECONDS);
    expect(await at(2, "/f/other").presence("lobby")).toHaveLength(1);
    await publishAll(writer, range(50, 200));
    await Bun.sleep(2 * LEASE);
    nodes.cont(0);
    await publishAll(writer, range(250, 50));
    for (const { got, other, has } of [staying, ...all]) {
      await has(299, 10);
      expect(got).toEqual(range(0, 300));
      expect(other).toEqual([]);
    }
    const asked = range(0, 3).map((node) => at(node, "/f/other"));
    await until("one list on all nodes", async () => {
      const lists = await Promise.all(asked.map(async (session) => connsOf(await session.presence("lobby"))));
      return lists.every((list) => list.length === 2 && `${list}` === `${lists[0]}`);
    });
  }),
);

withRedis("36: who is cut off is gone for the others, and there is one list when it is back", () =>
  withManyNodes({}, async ({ nodes, at }) => {
    const sessions = range(0, 3).map((node) => at(node, "/f/lobby"));
    const watchers = sessions.map(watch);
    await Promise.all(watchers.map(({ ready }) => ready));
    const lists = () =>
      Promise.all(sessions.map(async (session) => connsOf(await session.presence().catch(() => []))));
    const isOne = (all: readonly (readonly string[])[]) =>
      all.every((list) => list.length === 3 && `${list}` === `${all[0]}`);
    await until("one list", async () => isOne(await lists()));
    for (const _ of range(0, 3)) {
      nodes.way(0).goSilent();
      nodes.way(0).hold();
      await until("two others", async () => (await lists())[1]?.length === 2, SEEN_SECONDS);
      nodes.way(0).flow();
      await until("one list again", async () => isOne(await lists()));
    }
    for (const { told } of watchers) {
      const byConn = Map.groupBy(told, ({ conn }) => conn);
      for (const each of byConn.values())
        for (const [i, { type }] of each.entries()) expect(type).not.toBe(each[i - 1]?.type ?? "");
    }
  }),
);
