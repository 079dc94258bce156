/**
 * Who lives, as one node sees it: from its looks at the registry, and from goodbyes. Without Redis and without timers.
 *
 * A lease that ran out while nobody could be heard is no proof: when looks were too far apart, or the registry was lost, whoever lived
 * has one more lease to be heard of. So neither a Redis that was away nor a process that was stopped makes others look dead.
 */
import type { ClusterNode } from "../../cluster.ts";

/** All that the registry has, also those whose lease has run out. */
export interface Look {
  /** Another one: the registry has lost what it had. */
  readonly gen: string;
  /** Unix milliseconds, by the clock of Redis. */
  readonly now: number;
  readonly nodes: readonly ClusterNode[];
}

export interface View {
  /** Who is gone since the last look: it left, or its lease ran out. */
  take(look: Look): readonly string[];
  /** It said goodbye. False: it was known to be gone. */
  left(id: string, now: number): boolean;
  /** By the last look, at `now`. */
  living(now: number): readonly ClusterNode[];
  /** One that was asked for alone, with what the registry has of it. */
  find(id: string, look: Look): ClusterNode | undefined;
  /** Those who were last seen before this moment are of no use to anybody; 0: nobody can say. */
  sweepable(now: number): number;
}

interface Known {
  readonly node: ClusterNode;
  /** Of the registry in which it was seen last. */
  readonly gen: string;
}

interface Ended {
  readonly at: number;
  /** It left, so an answer that still names it is older. One whose lease ran out may come back. */
  readonly hasLeft: boolean;
}

/** Parts of a lease between two looks, from which on they are too far apart. A node renews thrice a lease. */
const APART = 1 / 2;
const KEPT_LEASES = 2;

export function createView(self: string, lease: number): View {
  const known = new Map<string, Known>();
  const ended = new Map<string, Ended>();
  let gen: string | undefined;
  let lookedAt = 0;
  /** Looks were close together since then. */
  let since = 0;

  const sinceAt = (now: number) => (now - lookedAt > lease * APART ? now : since);
  const isFresh = (node: ClusterNode, now: number) => node.seenAt + lease > now;
  const isLiving = ({ node }: Known, now: number) => Math.max(node.seenAt, sinceAt(now)) + lease > now;
  /** Gone from a registry that has lost nothing. */
  const hasLeft = (one: Known, { gen: present }: Look, isThere: boolean) => !isThere && one.gen === present;

  function meet(node: ClusterNode, { gen: present, now }: Look): void {
    if (ended.get(node.id)?.hasLeft === true) return;
    if (!isFresh(node, now) && !known.has(node.id)) return;
    known.set(node.id, { node, gen: present });
    ended.delete(node.id);
  }

  function end(id: string, how: Ended): void {
    known.delete(id);
    ended.set(id, how);
  }

  return {
    take(look) {
      const { now } = look;
      since = look.gen === gen ? sinceAt(now) : now;
      gen = look.gen;
      lookedAt = now;
      for (const [id, { at }] of ended) if (at + lease * KEPT_LEASES <= now) ended.delete(id);
      for (const node of look.nodes) meet(node, look);
      const found = new Set(look.nodes.map(({ id }) => id));
      const gone: string[] = [];
      for (const [id, one] of known) {
        const left = hasLeft(one, look, found.has(id));
        if (!left && isLiving(one, now)) continue;
        end(id, { at: now, hasLeft: left && id !== self });
        if (id !== self) gone.push(id);
      }
      return gone;
    },
    left(id, now) {
      const isNews = !ended.has(id);
      end(id, { at: now, hasLeft: true });
      return isNews;
    },
    living: (now) => [...known.values()].filter((one) => isLiving(one, now)).map(({ node }) => node),
    find(id, look) {
      const { now } = look;
      const found = look.nodes.find((node) => node.id === id);
      if (ended.get(id)?.hasLeft === true) return undefined;
      if (found !== undefined && isFresh(found, now)) return found;
      const one = known.get(id);
      if (one === undefined || hasLeft(one, look, found !== undefined)) return undefined;
      return isLiving(one, now) ? one.node : undefined;
    },
    sweepable(now) {
      const kept = lease * KEPT_LEASES;
      return now - sinceAt(now) >= kept ? now - kept : 0;
    },
  };
}
