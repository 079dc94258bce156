/**
 * This node among the others of its system: says what it is, knows who else is there, and warns of one that has another config.
 * What it tells of others is as old as their last report, and says so. Failure: while the engine is down it knows of itself alone.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "./clock.ts";
import type { Cluster, ClusterNode, NodeReport } from "./cluster.ts";
import { configHash } from "./config/hash.ts";
import type { Config } from "./config/schema.ts";
import { isEngineDown } from "./errors.ts";
import type { Log } from "./log.ts";
import { createLoad, type Load, type LoadOptions, sumLoads } from "./metrics/load.ts";
import { VERSION } from "./version.ts";

/** As `GET /api/nodes` has it. Times in ms. */
export interface NodeShown {
  readonly id: string;
  readonly name: string;
  readonly address: string | null;
  readonly version: string;
  readonly config: string;
  readonly uptime: number;
  /** Since its report: so old is what it says. */
  readonly age: number;
  readonly load: Load;
}

export interface NodesPage {
  /** The id of the node that answers. */
  readonly self: string;
  /** Why the others are missing; absent: nobody is. */
  readonly problem?: string;
  readonly nodes: readonly NodeShown[];
  /** Over all of them, as old as the oldest part. */
  readonly sum: { readonly nodes: number; readonly age: number; readonly load: Load };
  /** Names of nodes by the hash of their config; more than one hash: they differ in what must be the same. */
  readonly configs: Readonly<Record<string, readonly string[]>>;
}

export interface NodesOptions extends Pick<LoadOptions, "counters" | "lag"> {
  readonly name: string;
  readonly config: Config;
  /** Undefined: this node is alone. */
  readonly cluster: Cluster | undefined;
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

export interface Nodes {
  /** Nodes that lived at the last look; undefined: the engine is of one process, or could not be asked yet. */
  readonly count: number | undefined;
  start(): void;
  stop(): void;
  /** Never rejects. */
  list(): Promise<NodesPage>;
}

/** So late another config, or another node, is seen. */
const LOOK_MS = 10_000;
const ID_BYTES = 6;

export function createNodes(options: NodesOptions): Nodes {
  const { cluster, clock, log } = options;
  const report = createReport(options);
  const self = cluster?.self ?? randomBytes(ID_BYTES).toString("base64url");
  const warn = createWarning(self, log);
  const now = () => cluster?.now() ?? clock.wall();
  let startedAt = now();
  let count: number | undefined;
  let timer: Timer | undefined;

  const own = (): ClusterNode => ({ ...report(), id: self, startedAt, seenAt: now() });

  async function look(present: Cluster): Promise<readonly ClusterNode[]> {
    const all = await present.nodes();
    count = all.length;
    warn(own(), all);
    return all;
  }

  return {
    get count() {
      return count;
    },
    start() {
      startedAt = now();
      if (cluster === undefined) return;
      cluster.announce(report);
      // What cannot be asked now is asked the next time; the engine says in the log that it is down.
      const lookAgain = () => void look(cluster).catch(() => {});
      timer = clock.every(LOOK_MS, lookAgain);
      lookAgain();
    },
    stop: () => timer?.cancel(),
    async list() {
      if (cluster === undefined) return pageOf(self, [own()], now());
      try {
        // Of itself it knows more than what it last said.
        const others = (await look(cluster)).filter(({ id }) => id !== self);
        return pageOf(self, [own(), ...others], now());
      } catch (error) {
        if (!isEngineDown(error)) throw error;
        const problem =
          "engine_down: the other nodes are not known now; this is what this one knows of itself";
        return { ...pageOf(self, [own()], now()), problem };
      }
    },
  };
}

function createReport({ name, config, ...parts }: NodesOptions): () => NodeReport {
  const load = createLoad(parts);
  const same = { name, advertise: config.advertise, version: VERSION, config: configHash(config) };
  return () => ({ ...same, load: load() });
}

/** Once for each node, until it is gone or has another config again. */
function createWarning(self: string, log: NodesOptions["log"]) {
  let told = new Map<string, string>();
  return ({ name: node, config }: ClusterNode, all: readonly ClusterNode[]): void => {
    const differing = all.filter((other) => other.id !== self && other.config !== config);
    for (const other of differing) {
      if (told.get(other.id) === other.config) continue;
      const fields = { node, config, other: other.name, otherConfig: other.config };
      log.warn(fields, "! another node has another config");
    }
    told = new Map(differing.map((other) => [other.id, other.config]));
  };
}

function pageOf(self: string, all: readonly ClusterNode[], now: number): NodesPage {
  const nodes = all.map((node) => shownOf(node, now)).toSorted(byName);
  const configs = Map.groupBy(nodes, ({ config }) => config);
  return {
    self,
    nodes,
    sum: {
      nodes: nodes.length,
      age: Math.max(...nodes.map(({ age }) => age)),
      load: sumLoads(nodes.map(({ load }) => load)),
    },
    configs: Object.fromEntries([...configs].map(([hash, same]) => [hash, same.map(({ name }) => name)])),
  };
}

function shownOf({ id, name, advertise, version, config, load, ...at }: ClusterNode, now: number): NodeShown {
  // Clocks of two nodes are never quite the same.
  const since = (moment: number) => Math.max(0, Math.round(now - moment));
  const [uptime, age] = [since(at.startedAt), since(at.seenAt)];
  return { id, name, address: advertise ?? null, version, config, uptime, age, load };
}

const byName = (a: NodeShown, b: NodeShown) => (a.name + a.id < b.name + b.id ? -1 : 1);
