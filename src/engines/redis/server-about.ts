/** What is asked of a Redis on each new connection: which run of a server it is, what its time is, and whether it can be used at all. */
import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";

export interface About {
  /** Random for each start of the server. */
  readonly run: string;
  readonly version: string;
  /** What may become of keys when its memory is full. */
  readonly policy: string;
  /** A restart loses nothing that it had answered. */
  readonly keeps: boolean;
  /** What its clock is ahead of ours, in ms. */
  readonly skew: number;
}

const OLDEST = [6, 2] as const;

export async function askAbout(client: Redis, clock: Clock): Promise<About> {
  const asked = clock.wall();
  const [time, server, memory, persistence, replication, fsync] = await Promise.all([
    client.time(),
    client.info("server"),
    client.info("memory"),
    client.info("persistence"),
    client.info("replication"),
    // Many who rent a Redis may not ask this. They cannot set it either.
    client.config("GET", "appendfsync").catch(() => []),
  ]);
  const [seconds = 0, micros = 0] = time.map(Number);
  const isLogged = field(persistence, "aof_enabled") === "1" && Array.isArray(fsync) && fsync[1] === "always";
  // With a replica another server may take its place, and that one may lack the last writes.
  const isAlone = field(replication, "role") === "master" && field(replication, "connected_slaves") === "0";
  return {
    run: field(server, "run_id"),
    version: field(server, "redis_version"),
    policy: field(memory, "maxmemory") === "0" ? "" : field(memory, "maxmemory_policy"),
    keeps: isLogged && isAlone,
    skew: seconds * 1000 + micros / 1000 - (asked + clock.wall()) / 2,
  };
}

/** Undefined: it can be used. */
export function problemOf({ version, policy }: About): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    return `Redis ${version} is too old; ${OLDEST.join(".")} or newer is needed`;
  if (!policy.startsWith("allkeys")) return undefined;
  return `maxmemory-policy ${policy} would evict messages at random; set noeviction`;
}

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
