/**
 * Groups of relays in Redis, shared by all nodes: a home per route and server, a ward per home on each node. What happens to a group is
 * decided by scripts (`relay/lua/`), each one atomic step; this side asks for steps and passes on what peers are told.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { RelaySums, Relays } from "../../relays.ts";
import type { Report } from "../in-process/down.ts";
import type { Home, Homes } from "./homes.ts";
import { createWard, type Ward } from "./relay/ward.ts";

export interface RelaysOptions {
  readonly homes: Homes;
  /** This node, of this run. */
  readonly self: string;
  readonly clock: Clock;
  /** ms after which a node that does not renew is gone. */
  readonly lease: number;
  readonly report: Report;
}

export function createRelays({ homes, self, clock, lease, report }: RelaysOptions): Relays {
  let count = 0;
  const nextCount = (): string => {
    count += 1;
    return count.toString(36);
  };
  return {
    open(route, { third, grace, queue, session }, counted) {
      const { size, bytes, total } = queue;
      const { ttl, max } = session;
      const rules = JSON.stringify({ third, grace, size, bytes, total, ttl, max, lease });
      const kind = `relay:${route}`;
      const wards = new Map<Home, Ward>();
      const parts = {
        homes,
        self,
        clock,
        lease,
        rules,
        counted,
        onThrow: (error: unknown) => report({ stage: "told", route, name: "a peer of a relay", error }),
        newId: (conn: string) => `${conn}.${nextCount()}`,
        // 128 bits: whoever knows it is believed, if the user is the same.
        newSession: () => randomBytes(16).toString("base64url"),
      };
      const wardOf = (home: Home): Ward => {
        const ward = wards.get(home) ?? createWard({ ...parts, home });
        wards.set(home, ward);
        return ward;
      };
      // All of them, also where this node has no peer: somebody has to see to what dead nodes left.
      const up = homes.onUp(() => {
        for (const home of homes.all(kind)) wardOf(home).recover();
      });
      return {
        enter: (candidate, guest) => wardOf(homes.of(kind, candidate.group)).enter(candidate, guest),
        sums() {
          const sums = [...wards.values()].map((ward) => ward.sums());
          const sum = (of: keyof RelaySums) => sums.reduce((total, one) => total + one[of], 0);
          return { groups: sum("groups"), away: sum("away"), queued: sum("queued") };
        },
        async close() {
          up.close();
          await Promise.all([...wards.values()].map((ward) => ward.close()));
        },
      };
    },
  };
}
