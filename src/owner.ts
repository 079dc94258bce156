/**
 * Where the node is that has what a client asks for, so that the client can be sent there (close 4011).
 * Failure: never rejects. A registry that does not answer is `unknown`: what is asked for may well live, so nobody may be told that it is lost.
 */
import type { Cluster } from "./cluster.ts";
import type { Config, RouteOptions } from "./config/schema.ts";
import type { Log } from "./log.ts";

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

/** At the start, of a node among others: what it has that clients would have to be sent to, and cannot be. */
export function tellUnreachable(
  { advertise, routes }: Pick<Config, "advertise" | "routes">,
  log: Pick<Log, "warn">,
): void {
  if (advertise !== undefined) return;
  const bound = Object.entries(routes).filter(([, options]) => staysHere(options));
  if (bound.length === 0) return;
  log.warn({ routes: bound.map(([path]) => path) }, "! no advertise: clients cannot be sent to this node");
}

/** Streams and pipes live in one process. */
function staysHere(options: RouteOptions): boolean {
  if (options.kind === "bridge") return options.resume.enabled;
  return options.kind === "relay" && options.mode === "pipe";
}
