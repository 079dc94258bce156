/** What is asked of a Redis now and then: which run of a server it is, what its time is, and whether it can be used at all. */
import type { Redis } from "ioredis";
import type { Clock } from "../../clock.ts";
import type { RedisOptions } from "../../config/engine.ts";

export type Mode = "single" | "sentinel" | "cluster";

export const modeOf = ({ cluster, sentinel }: RedisOptions): Mode => {
  if (cluster) return "cluster";
  return sentinel === undefined ? "single" : "sentinel";
};

export interface About {
  /** Another one after each start of the server, and each time that it became a master. */
  readonly run: string;
  readonly version: string;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly kind: string;
  readonly role: string;
  /** What may become of keys when its memory is full. */
  readonly policy: string;
  /** A restart loses nothing that it had answered. */
  readonly keeps: boolean;
  readonly lead: Lead;
}

/** What its clock is ahead of ours, in ms, give or take `error`. */
export interface Lead {
  readonly ms: number;
  readonly error: number;
}

/** Time must not jump with each answer that was late: the one that is known stays, until it cannot be right, or there is a better one. */
export function betterLead(known: Lead | undefined, found: Lead): Lead {
  if (known === undefined || found.error < known.error) return found;
  return Math.abs(found.ms - known.ms) > found.error + known.error ? found : known;
}

const OLDEST = [6, 2] as const;

export async function askAbout(client: Redis, clock: Clock, mode: Mode): Promise<About> {
  const asked = clock.wall();
  const [lead, server, memory, persistence, replication, fsync] = await Promise.all([
    // Sentinels know no time. That this is one is seen below.
    client
      .time()
      .catch(passOver(/unknown command/))
      .then((time) => leadOf(time, asked, clock.wall())),
    client.info("server"),
    client.info("memory"),
    client.info("persistence"),
    client.info("replication"),
    // Many who rent a Redis may not ask this. They cannot set it either.
    client.config("GET", "appendfsync").catch(() => []),
  ]);
  const isLogged = field(persistence, "aof_enabled") === "1" && Array.isArray(fsync) && fsync[1] === "always";
  const role = field(replication, "role");
  // With a replica another server may take its place, and that one may lack the last writes.
  const isAlone = mode === "single" && role === "master" && field(replication, "connected_slaves") === "0";
  const before = formerReplication(replication);
  return {
    run: before === "" ? field(server, "run_id") : `${field(server, "run_id")}/${before}`,
    version: field(server, "redis_version"),
    kind: field(server, "redis_mode"),
    role,
    policy: field(memory, "maxmemory") === "0" ? "" : field(memory, "maxmemory_policy"),
    keeps: isLogged && isAlone && before === "",
    lead,
  };
}

function leadOf(time: readonly unknown[], asked: number, answered: number): Lead {
  const [seconds = 0, micros = 0] = time.map(Number);
  return { ms: seconds * 1000 + micros / 1000 - (asked + answered) / 2, error: (answered - asked) / 2 };
}

/**
 * Whose data this master had when it became one; "" for one that always was. A server keeps its run while it is made a replica and a
 * master again, and what it gets in between may lack writes that it once had answered itself.
 */
function formerReplication(replication: string): string {
  const id = field(replication, "master_replid2");
  return /[^0]/.test(id) ? id : "";
}

/** Undefined: it can be used. */
export function problemOf({ version, kind, role, policy }: About, mode: Mode): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    return `Redis ${version} is too old; ${OLDEST.join(".")} or newer is needed`;
  if (kind === "sentinel")
    return "it is a Sentinel; set engine.sentinel to the name of the master that it watches";
  if (kind === "cluster" && mode !== "cluster")
    return "it is a node of a Redis Cluster; set engine.cluster: true";
  if (role === "slave") return "it is a replica, and takes no writes";
  if (!policy.startsWith("allkeys")) return undefined;
  return `maxmemory-policy ${policy} would evict messages at random; set noeviction`;
}

/** What an error of a connection says about the server, in words of ours where it needs some. */
export function reasonOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.message === "") return undefined;
  const { message } = error;
  const code = "code" in error ? String(error.code) : "";
  if (/CERT|SIGNED|ISSUER|ALTNAME/.test(code) || /certificate/i.test(message))
    return `certificate not trusted: ${message} (${code}); engine.ca has to hold the authority that vouches for it`;
  return /cluster support disabled/.test(message) ? NO_CLUSTER : message;
}

const NO_CLUSTER = "it is no node of a Redis Cluster; leave engine.cluster out";

/** What does not get better by waiting. */
export const isFatal = (problem: string): boolean => FATAL.test(problem);

const FATAL =
  /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:invalid|AUTH|SELECT|DB)|Redis \S+ is too old|maxmemory-policy|it is a (?:Sentinel|node)|it is no node|certificate)/;

const passOver =
  (pattern: RegExp) =>
  (error: unknown): string[] => {
    if (error instanceof Error && pattern.test(error.message)) return [];
    throw error;
  };

const field = (info: string, name: string): string =>
  new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
