/**
 * Streams of other nodes. The sid says which node has given it, and the registry where that one is: a client that comes back here is sent
 * there (4011). Whose the stream is, the owner checks.
 * Failure: 4510 once the owner is gone. While the registry does not answer, or if the owner has no address for clients, the stream may live all
 * the same, and another attempt may reach it: 1013. Nobody is sent in circles by one node: it never sends a client to itself.
 */
import type { Cluster } from "../../cluster.ts";
import type { Log } from "../../log.ts";
import { findOwner } from "../../owner.ts";
import type { Ending } from "../ending.ts";
import { nodeOf } from "./sid.ts";

export interface ElsewhereDeps {
  readonly cluster: Pick<Cluster, "self" | "find">;
  readonly log: Pick<Log, "warn">;
  /** The route's path, for the log. */
  readonly route: string;
}

export interface Elsewhere {
  /** Whether another node has given this sid. */
  has(sid: string): boolean;
  /** What a client with such a sid is told. Never rejects. */
  answer(sid: string): Promise<Ending>;
}

export function createElsewhere({ cluster, log, route }: ElsewhereDeps): Elsewhere {
  /** The last one that the log was told of: clients come again and again. */
  let unreachable = "";

  return {
    has(sid) {
      const node = nodeOf(sid);
      return node !== undefined && node !== cluster.self;
    },
    async answer(sid) {
      const node = nodeOf(sid) ?? "";
      const owner = await findOwner(cluster, node);
      if (owner.type === "at") return { code: 4011, reason: owner.url };
      if (owner.type === "gone")
        return { code: 4510, reason: "the stream is lost: the node that had it is gone" };
      if (owner.type === "unknown")
        return { code: 1013, reason: "who has the stream cannot be found out now, try again later" };
      if (unreachable !== node)
        log.warn({ route, node: owner.name }, "! a stream is at a node that has no advertise");
      unreachable = node;
      return {
        code: 1013,
        reason: "the stream is at a node without advertise; another attempt may reach it",
      };
    },
  };
}
