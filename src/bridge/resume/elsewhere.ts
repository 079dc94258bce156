/**
 * A client that comes back at a node which does not have its stream: the sid says who gave it, the registry where that one is, and the client
 * is sent there (4011). Whose the stream is, the owner checks.
 * Failure: 4510 once the owner is gone, or if no client can be sent to it; 1013 while the registry does not answer, for the stream may live.
 * No client is sent in circles by this: a node never sends anybody to itself.
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

/** Whether another node than this one has given this sid. */
export function isElsewhere({ self }: Pick<Cluster, "self">, sid: string): boolean {
  const node = nodeOf(sid);
  return node !== undefined && node !== self;
}

/** What a client is told whose sid another node has given. */
export async function elsewhere({ cluster, log, route }: ElsewhereDeps, sid: string): Promise<Ending> {
  const owner = await findOwner(cluster, nodeOf(sid) ?? "");
  switch (owner.type) {
    case "at":
      return { code: 4011, reason: owner.url };
    case "gone":
      return { code: 4510, reason: "the stream is lost: the node that had it is gone" };
    case "unknown":
      return { code: 1013, reason: "who has the stream cannot be found out now, try again later" };
    case "unreachable":
      log.warn({ route, node: owner.name }, "! a stream is at a node that has no advertise");
      return {
        code: 4510,
        reason: "the stream is at a node that clients cannot be sent to: it has no advertise",
      };
  }
}
