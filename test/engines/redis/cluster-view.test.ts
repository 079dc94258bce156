import { expect, test } from "bun:test";
import type { ClusterNode } from "../../../src/cluster.ts";
import { createView } from "../../../src/engines/redis/cluster-view.ts";

const LEASE = 900;
const STEP = LEASE / 3;

const node = (id: string, seenAt: number): ClusterNode => ({
  id,
  name: id,
  advertise: undefined,
  version: "1",
  config: "c",
  load: {},
  startedAt: 0,
  seenAt,
});
const look = (nodes: readonly ClusterNode[], gen = "g") => ({ gen, nodes });
const at = (now: number, seen: ReturnType<typeof look>) => ({ ...seen, now });
const ids = (nodes: readonly ClusterNode[]) => nodes.map(({ id }) => id);

/** One that has looked thrice a lease until `end`, and always saw the other. */
function watching(end: number) {
  const view = createView("me", LEASE);
  for (let now = 10_000; now <= end; now += STEP)
    view.take(at(now, look([node("me", now), node("other", now)])));
  return view;
}

test("gives up a node once, when its lease has run out", () => {
  const view = watching(10_000);
  const last = look([node("other", 10_000)]);
  expect(view.take(at(10_300, last))).toEqual([]);
  expect(view.take(at(10_600, last))).toEqual([]);
  expect(ids(view.living(10_600))).toContain("other");
  expect(view.take(at(10_900, last))).toEqual(["other"]);
  expect(view.take(at(11_200, last))).toEqual([]);
  expect(ids(view.living(11_200))).not.toContain("other");
});

test("gives up a node at once, if it is no longer in a registry that has lost nothing", () => {
  expect(watching(10_000).take(at(10_300, look([node("me", 10_300)])))).toEqual(["other"]);
});

test("does not hear of a node's end again by its goodbye, nor by an older answer", () => {
  const view = watching(10_000);
  expect(view.left("other", 10_100)).toBe(true);
  expect(view.take(at(10_110, look([node("other", 10_050)])))).toEqual([]);
  expect(view.take(at(10_400, look([])))).toEqual([]);
  expect(view.left("other", 10_400)).toBe(false);
});

test("counts one that comes back after its lease ran out as living, and tells its next end", () => {
  const view = watching(10_000);
  for (const now of [10_300, 10_600, 10_900]) view.take(at(now, look([node("other", 10_000)])));
  expect(view.take(at(11_200, look([node("other", 11_100)])))).toEqual([]);
  expect(ids(view.living(11_200))).toContain("other");
  expect(view.left("other", 11_300)).toBe(true);
});

test("gives everybody another lease, if it could not look for a while", () => {
  const view = watching(10_000);
  const old = look([node("other", 10_000)]);
  expect(view.find("other", at(20_000, old))?.id).toBe("other");
  expect(view.take(at(20_000, old))).toEqual([]);
  expect(view.take(at(20_300, old))).toEqual([]);
  expect(view.take(at(20_600, old))).toEqual([]);
  expect(view.take(at(20_900, old))).toEqual(["other"]);
});

test("gives everybody another lease, if the registry was lost", () => {
  const view = watching(10_000);
  const empty = look([], "new");
  expect(view.take(at(10_300, empty))).toEqual([]);
  expect(view.find("other", at(10_400, empty))?.id).toBe("other");
  expect(view.take(at(10_600, look([node("other", 10_500)], "new")))).toEqual([]);
  expect(view.take(at(10_900, empty))).toEqual(["other"]);
});

test("counts that lease from the loss, not from when it was seen last", () => {
  const view = watching(12_700);
  const empty = look([], "new");
  for (const now of [13_000, 13_300, 13_600]) expect(view.take(at(now, empty))).toEqual([]);
  expect(view.take(at(13_900, empty))).toEqual(["other"]);
});

test("finds nobody who left, or whom it never saw alive", () => {
  const view = watching(10_000);
  expect(view.find("other", at(10_100, look([])))).toBeUndefined();
  view.left("other", 10_100);
  expect(view.find("other", at(10_100, look([node("other", 10_100)])))).toBeUndefined();
  expect(view.find("nobody", at(10_100, look([])))).toBeUndefined();
  expect(view.find("late", at(10_100, look([node("late", 9_000)])))).toBeUndefined();
  expect(view.find("new", at(10_100, look([node("new", 10_000)])))?.id).toBe("new");
});

test("never gives up itself", () => {
  const view = watching(10_000);
  expect(view.take(at(10_300, look([node("other", 10_300)])))).toEqual([]);
});

test("lets old entries be swept only when it has looked for two leases without a pause", () => {
  expect(watching(10_000).sweepable(10_300)).toBe(0);
  const view = watching(10_000 + 2 * LEASE);
  expect(view.sweepable(10_000 + 2 * LEASE)).toBe(10_000);
  expect(view.sweepable(10_000 + 2 * LEASE + LEASE)).toBe(0);
});
