/**
 * A Redis Cluster of a test's own: three masters, each with a replica, on one machine. It forgives little: a master that says nothing for
 * NODE_TIMEOUT_MS is given up. A test asks for the program: `requires("redis-server")`.
 *
 *   await using cluster = await startRedisCluster();
 *   const { urls } = cluster;
 *   await cluster.masterOf(slot).kill();
 *   await cluster.settled();
 */
import { afterAll } from "bun:test";
import type { Reply } from "./redis-client.ts";
import { type RedisHouse, startRedis } from "./redis-house.ts";
import { within } from "./system/program.ts";
import { freePort } from "./system/programs/free-port.ts";

export interface ClusterNodeHouse extends RedisHouse {
  /** As the Cluster calls it. */
  readonly id: string;
}

export interface RedisClusterHouse extends AsyncDisposable {
  /** Of all nodes, masters first. */
  readonly urls: readonly string[];
  /** At first three masters, then a replica of each. */
  readonly nodes: readonly ClusterNodeHouse[];
  /** As the nodes that run see it now. */
  masterOf(slot: number): Promise<ClusterNodeHouse>;
  /** A replica of it that is in step with it. */
  replicaOf(master: ClusterNodeHouse): Promise<ClusterNodeHouse>;
  /** Resolves when all that run agree that everything is served, and by the same masters. */
  settled(): Promise<void>;
  /** Has a replica take the place of its master, as an operator does. Resolves when it has. */
  failover(replica: ClusterNodeHouse): Promise<void>;
  /** Moves a slot with its keys to another master. */
  moveSlot(slot: number, to: ClusterNodeHouse): Promise<void>;
  flush(): Promise<void>;
}

export interface ClusterHouseOptions {
  /** More lines of redis.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

const MASTERS = 3;
const SLOTS = 16_384;
const NODE_TIMEOUT_MS = 1_000;
const SETTLES_S = 25;
const LOOK_MS = 20;
const FAILOVER_MS = 1_000;

const SETTINGS = {
  "cluster-enabled": "yes",
  "cluster-config-file": "nodes.conf",
  "cluster-node-timeout": `${NODE_TIMEOUT_MS}`,
  // What one master has is no business of the others.
  "cluster-require-full-coverage": "no",
  "cluster-replica-validity-factor": "0",
  "cluster-migration-barrier": "10",
  "repl-diskless-sync-delay": "0",
};

export async function startRedisCluster({ settings }: ClusterHouseOptions = {}): Promise<RedisClusterHouse> {
  const made = await Promise.all(Array.from({ length: MASTERS * 2 }, () => startNode(settings)));
  const nodes = made.map(({ node }) => node);
  const house = houseOf(nodes);
  try {
    await join(made);
    await house.settled();
    return house;
  } catch (error) {
    await house[Symbol.asyncDispose]();
    throw error;
  }
}

interface Made {
  readonly node: ClusterNodeHouse;
  readonly bus: number;
}

async function startNode(settings: ClusterHouseOptions["settings"]): Promise<Made> {
  const bus = await freePort();
  const redis = await startRedis({ settings: { ...SETTINGS, "cluster-port": `${bus}`, ...settings } });
  const id = String(await redis.command("CLUSTER", "MYID"));
  return { node: { ...redis, id }, bus };
}

async function join(made: readonly Made[]): Promise<void> {
  for (const [n, { node }] of made.entries()) {
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", `${n + 1}`);
    const [from, to] = [n, n + 1].map((part) => Math.ceil((part * SLOTS) / MASTERS));
    if (n < MASTERS) await node.command("CLUSTER", "ADDSLOTSRANGE", `${from}`, `${(to ?? 0) - 1}`);
  }
  for (const { node } of made)
    for (const { node: other, bus } of made)
      if (other !== node) await node.command("CLUSTER", "MEET", "127.0.0.1", `${other.port}`, `${bus}`);
  const nodes = made.map(({ node }) => node);
  await until(async () => {
    const seen = await Promise.all(nodes.map(membersOf));
    return seen.every((members) => members.length === nodes.length && !members.some(isHandshake));
  });
  for (const [n, node] of nodes.entries())
    if (n >= MASTERS) await node.command("CLUSTER", "REPLICATE", nodes[n - MASTERS]?.id ?? "");
}

function houseOf(nodes: readonly ClusterNodeHouse[]): RedisClusterHouse {
  const byId = (id: string): ClusterNodeHouse => {
    const node = nodes.find((each) => each.id === id);
    if (node === undefined) throw new Error(`no node of this Cluster is called ${id}`);
    return node;
  };
  const views = () => Promise.all(nodes.map((node) => viewOf(node)));

  async function settled(): Promise<void> {
    await until(async () => {
      const said = (await views()).filter((view) => view !== undefined);
      const [first] = said;
      return first !== undefined && said.every((view) => view.isOk && view.masters === first.masters);
    });
  }

  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    settled,
    async masterOf(slot) {
      for (const node of nodes) {
        const rows = await node.command("CLUSTER", "SLOTS").catch(() => null);
        for (const row of listOf(rows).map(listOf))
          if (Number(row[0]) <= slot && slot <= Number(row[1])) return byId(String(listOf(row[2])[2]));
      }
      throw new Error(`nobody serves slot ${slot}`);
    },
    async replicaOf(master) {
      let found: ClusterNodeHouse | undefined;
      await until(async () => {
        const [, , replicas] = listOf(await master.command("ROLE"));
        const ports = listOf(replicas).map((replica) => Number(listOf(replica)[1]));
        found = nodes.find(({ port }) => ports.includes(port));
        return found !== undefined && listOf(await found.command("ROLE"))[3] === "connected";
      });
      return found ?? master;
    },
    async failover(replica) {
      let asked = Number.NEGATIVE_INFINITY;
      await until(async () => {
        if (listOf(await replica.command("ROLE"))[0] === "master") return true;
        // A master that has not heard yet whose replica it is passes it over in silence.
        if (performance.now() - asked > FAILOVER_MS) {
          asked = performance.now();
          await replica.command("CLUSTER", "FAILOVER");
        }
        return false;
      });
    },
    async moveSlot(slot, to) {
      const from = await this.masterOf(slot);
      const set = (node: ClusterNodeHouse, ...rest: string[]) =>
        node.command("CLUSTER", "SETSLOT", `${slot}`, ...rest);
      await set(to, "IMPORTING", from.id);
      await set(from, "MIGRATING", to.id);
      for (;;) {
        const keys = listOf(await from.command("CLUSTER", "GETKEYSINSLOT", `${slot}`, "100")).map(String);
        if (keys.length === 0) break;
        await from.command("MIGRATE", "127.0.0.1", `${to.port}`, "", "0", "5000", "KEYS", ...keys);
      }
      await set(to, "NODE", to.id);
      await set(from, "NODE", to.id);
    },
    async flush() {
      for (const node of nodes)
        if (listOf(await node.command("ROLE"))[0] === "master") await node.command("FLUSHALL");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
    },
  };
}

interface View {
  readonly isOk: boolean;
  /** Who has which slots, as one text. */
  readonly masters: string;
}

/** Undefined: it does not run. */
async function viewOf(node: ClusterNodeHouse): Promise<View | undefined> {
  try {
    const info = String(await node.command("CLUSTER", "INFO"));
    const rows = listOf(await node.command("CLUSTER", "SLOTS")).map(listOf);
    const ranges = rows.map(([from, to, master]) => `${from}-${to} ${listOf(master)[2]}`);
    const isInStep = await inStep(node);
    const isWhole = info.includes("cluster_state:ok") && info.includes(`cluster_slots_ok:${SLOTS}`);
    return { isOk: isWhole && isInStep, masters: ranges.sort().join(" ") };
  } catch {
    return undefined;
  }
}

/** A replica that has what its master has; any master. */
async function inStep(node: ClusterNodeHouse): Promise<boolean> {
  const role = listOf(await node.command("ROLE"));
  return role[0] === "master" || role[3] === "connected";
}

async function membersOf(node: ClusterNodeHouse): Promise<string[]> {
  return String(await node.command("CLUSTER", "NODES"))
    .trim()
    .split("\n");
}

const isHandshake = (line: string) => line.includes("handshake") || line.includes("noaddr");

const listOf = (reply: Reply | undefined): readonly Reply[] => (Array.isArray(reply) ? reply : []);

/** Asks again and again: Redis tells nobody of these things by itself. */
export function until(isSo: () => Promise<boolean>): Promise<void> {
  let isOver = false;
  const look = async () => {
    while (!isOver && !(await isSo())) await Bun.sleep(LOOK_MS);
  };
  return within(SETTLES_S, look(), () => "the servers did not come to agree").finally(() => {
    isOver = true;
  });
}

/** For the tests of one file: started by the first of them. */
export function sharedRedisCluster(options: ClusterHouseOptions = {}): () => Promise<RedisClusterHouse> {
  let started: Promise<RedisClusterHouse> | undefined;
  afterAll(async () => {
    await (await started)?.[Symbol.asyncDispose]();
  });
  return () => {
    started ??= startRedisCluster(options);
    return started;
  };
}
