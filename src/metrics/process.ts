/** What `/metrics` says of the process, and of what routes say of themselves: one table, against which the docs are checked. */
import type { EngineTraffic } from "../engine.ts";
import type { Memory } from "../limits/memory.ts";
import type { CertificateStats } from "../listener/tls.ts";
import type { RouteStats } from "../route.ts";
import type { Metric, Sample } from "./prometheus.ts";

/** What is not counted per route. */
export interface ProcessStats {
  readonly version: string;
  readonly rejected: ReadonlyMap<string, number>;
  /** Clients who are not who they say, by why. */
  readonly denied: Readonly<Record<string, number>>;
  readonly descriptorsUsed: number;
  readonly descriptorsMax: number;
  readonly memory: Pick<Memory, "max" | "shed">;
  readonly engineUp: boolean;
  /** Undefined: the engine is in this process. */
  readonly traffic: EngineTraffic | undefined;
  /** Names of switches of the config that weaken it. */
  readonly insecure: readonly string[];
  /** ms */
  readonly lag: number;
  /** Undefined: nobody else shares the engine. */
  readonly nodes: number | undefined;
  /** Lines of the log. */
  readonly logDropped: number;
  /** Undefined: the port speaks no TLS. */
  readonly certificate: CertificateStats | undefined;
  /** What each route says of itself, by its path. */
  readonly routes: ReadonlyMap<string, RouteStats>;
}

const single =
  (read: (stats: ProcessStats) => number) =>
  (stats: ProcessStats): Sample[] => [[{}, read(stats)]];

const ofEngine =
  (read: (traffic: EngineTraffic) => number) =>
  ({ traffic }: ProcessStats): Sample[] =>
    traffic === undefined ? [] : [[{}, read(traffic)]];

/** One series for each route that has such a number. */
const ofRoutes =
  (name: string) =>
  ({ routes }: ProcessStats): Sample[] =>
    [...routes].flatMap(([route, { [name]: value }]) => (value === undefined ? [] : [[{ route }, value]]));

export const PROCESS_METRICS: readonly Metric<ProcessStats>[] = [
  {
    name: "fairlead_messages_queued",
    type: "gauge",
    help: "Messages behind the position of a lagging reader, or that wait for an absent peer of a relay.",
    read: ofRoutes("queued"),
  },
  {
    name: "fairlead_bridge_streams",
    type: "gauge",
    help: "Streams that survive a lost connection, those whose client is away among them.",
    read: ofRoutes("resumable"),
  },
  {
    name: "fairlead_bridge_streams_parked",
    type: "gauge",
    help: "Streams whose client is away and may come back.",
    read: ofRoutes("parked"),
  },
  {
    name: "fairlead_handshakes_rejected_total",
    type: "counter",
    help: "Requests that got an answer of the refusal table, by its code.",
    read: ({ rejected }) => [...rejected].map(([reason, n]): Sample => [{ reason }, n]),
  },
  {
    name: "fairlead_auth_denied_total",
    type: "counter",
    help: "Tokens, keys and certificates that did not count, by why.",
    read: ({ denied }) => Object.entries(denied).map(([reason, n]): Sample => [{ reason }, n]),
  },
  {
    name: "fairlead_descriptors_used",
    type: "gauge",
    help: "Descriptors that connections hold; a bridge holds two.",
    read: single((stats) => stats.descriptorsUsed),
  },
  {
    name: "fairlead_descriptors_max",
    type: "gauge",
    help: "Descriptors that connections may hold; 0 is no cap.",
    read: single((stats) => stats.descriptorsMax),
  },
  {
    name: "fairlead_memory_max_bytes",
    type: "gauge",
    help: "The memory mark; past it new connections are refused and readers who lag are cut. 0 is none.",
    read: single((stats) => stats.memory.max),
  },
  {
    name: "fairlead_memory_shed_total",
    type: "counter",
    help: "Readers that were cut because memory was short.",
    read: single((stats) => stats.memory.shed),
  },
  {
    name: "fairlead_engine_up",
    type: "gauge",
    across: "least",
    help: "1 while the engine takes messages.",
    read: single((stats) => Number(stats.engineUp)),
  },
  {
    name: "fairlead_engine_lag_seconds",
    type: "gauge",
    across: "most",
    help: "How long the last message took from its publish to this node; with an engine that nodes share.",
    read: ofEngine(({ lag }) => lag / 1_000),
  },
  {
    name: "fairlead_engine_holes_total",
    type: "counter",
    help: "Times that messages were missing on their way from the engine and were fetched.",
    read: ofEngine(({ holes }) => holes),
  },
  {
    name: "fairlead_engine_lost_total",
    type: "counter",
    help: "Messages that the engine could not give any more; their readers were told of a gap.",
    read: ofEngine(({ lost }) => lost),
  },
  {
    name: "fairlead_nodes",
    type: "gauge",
    across: "most",
    help: "Nodes that share the engine, this one among them, at the last look, which is up to 10 s ago; with an engine that nodes share.",
    read: ({ nodes }) => (nodes === undefined ? [] : [[{}, nodes]]),
  },
  {
    name: "fairlead_insecure",
    type: "gauge",
    across: "most",
    help: "1 for each switch of the config that is insecure.",
    read: ({ insecure }) => insecure.map((name): Sample => [{ switch: name }, 1]),
  },
  {
    name: "fairlead_tls_not_after_seconds",
    type: "gauge",
    across: "least",
    help: "Unix time at which the certificate that is served ends.",
    read: ({ certificate }) => (certificate === undefined ? [] : [[{}, certificate.notAfter]]),
  },
  {
    name: "fairlead_tls_changes_total",
    type: "counter",
    help: "Changes of the certificate's files: it was replaced (swapped), or what they held could not be used (kept).",
    read: ({ certificate }) =>
      certificate === undefined
        ? []
        : (["swapped", "kept"] as const).map((result): Sample => [{ result }, certificate[result]]),
  },
  {
    name: "fairlead_event_loop_lag_seconds",
    type: "gauge",
    across: "most",
    help: "By how much the event loop was late, the most of the last 15 to 30 s.",
    read: single(({ lag }) => lag / 1_000),
  },
  {
    name: "fairlead_log_lines_dropped_total",
    type: "counter",
    help: "Lines of the log that stderr did not take: it is closed, full, or nobody reads it.",
    read: single((stats) => stats.logDropped),
  },
  {
    name: "fairlead_resident_memory_bytes",
    type: "gauge",
    help: "Resident memory of the process.",
    read: single(() => process.memoryUsage.rss()),
  },
  {
    name: "fairlead_cpu_seconds_total",
    type: "counter",
    help: "CPU time of the process, user and system.",
    read: single(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
  },
  {
    name: "fairlead_build_info",
    type: "gauge",
    across: "most",
    help: "Always 1; the labels say what runs.",
    read: ({ version }) => [[{ version, bun: Bun.version }, 1]],
  },
];
