/**
 * Where the node is that has what a client asks for, so that the client can be sent there (close 4011).
 * Failure: never rejects. A registry that does not answer is `unknown`: what is asked for may well live, so nobody may be told that it is lost.
 */
import type { Cluster } from "./cluster.ts";

export type Owner =
  | { readonly type: "at"; readonly url: string }
  /** Lives, and clients cannot be sent to it: `advertise` is not set there. `name`: of the node. */
  | { readonly type: "unreachable"; readonly name: string }
  /** What it had is gone with it. */
  | { readonly type: "gone" }
  | { readonly type: "unknown"; readonly reason: string };

export async function findOwner(cluster: Pick<Cluster, "find">, id: string): Promise<Owner> {
  try {
    const node = await cluster.find(id);
    if (node === undefined) return { type: "gone" };
    const { advertise: url, name } = node;
    return url === undefined ? { type: "unreachable", name } : { type: "at", url };
  } catch (error) {
    return { type: "unknown", reason: error instanceof Error ? error.message : String(error) };
  }
}
