/** Nodes that find each other by a table in memory: of a Cluster what sends clients to the right one, in states that a real one cannot be brought to at a moment. */
import type { Cluster, ClusterNode } from "../src/cluster.ts";
import { FairleadError } from "../src/errors.ts";

/** What it takes to send a client to the right node. */
export type FakeCluster = Pick<Cluster, "self" | "find">;

export interface FakeNodes {
  /** Named after its id. */
  join(id: string, advertise?: string): FakeCluster;
  leave(id: string): void;
  /** While it is, nobody is told anything. */
  isDown: boolean;
  /** Ids that were looked for. */
  readonly asked: readonly string[];
}

export function fakeNodes(): FakeNodes {
  const all = new Map<string, ClusterNode>();
  const asked: string[] = [];
  const answer = async <T>(value: () => T): Promise<T> => {
    if (nodes.isDown) throw new FairleadError("ENGINE_DOWN", "the engine is away");
    return value();
  };
  const nodes: FakeNodes = {
    isDown: false,
    asked,
    join(id, advertise) {
      const times = { startedAt: 0, seenAt: 0 };
      all.set(id, { id, name: `name-of-${id}`, advertise, version: "1", config: "", load: {}, ...times });
      return {
        self: id,
        find(other) {
          asked.push(other);
          return answer(() => all.get(other));
        },
      };
    },
    leave: (id) => void all.delete(id),
  };
  return nodes;
}
