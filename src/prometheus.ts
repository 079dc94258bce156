/**
 * Counters as Prometheus text (exposition format 0.0.4). One table says what each metric is; docs are checked against it.
 * No library: ours would have to copy every plain number into its objects first, and the format is ten lines.
 */
import type { Memory } from "./limits/memory.ts";
import { DROP_REASONS, RECORDING_RESULTS, type RouteCounters } from "./metrics.ts";
import type { RouteStats } from "./route.ts";
import type { CertificateStats } from "./tls.ts";

type Sample = readonly [labels: Readonly<Record<string, string | number>>, value: number];

interface Metric<Source> {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  read(source: Source): Iterable<Sample>;
}

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
  /** Names of switches of the config that weaken it. */
  readonly insecure: readonly string[];
  /** ms */
  readonly lag: number;
  /** Lines of the log. */
  readonly logDropped: number;
  /** Undefined: the port speaks no TLS. */
  readonly certificate: CertificateStats | undefined;
  /** What each route says of itself, by its path. */
  readonly routes: ReadonlyMap<string, RouteStats>;
}

const perRoute =
  (read: (counters: RouteCounters) => number) =>
  (routes: readonly RouteCounters[]): Sample[] =>
    routes.map((counters) => [{ route: counters.route }, read(counters)]);

const single =
  (read: (stats: ProcessStats) => number) =>
  (stats: ProcessStats): Sample[] => [[{}, read(stats)]];

/** One series for each route that has such a number. */
const ofRoutes =
  (name: string) =>
  ({ routes }: ProcessStats): Sample[] =>
    [...routes].flatMap(([route, { [name]: value }]) => (value === undefined ? [] : [[{ route }, value]]));

export const ROUTE_METRICS: readonly Metric<readonly RouteCounters[]>[] = [
  {
    name: "fairlead_connections",
    type: "gauge",
    help: "Open WebSocket connections.",
    read: perRoute((counters) => counters.connections),
  },
  {
    name: "fairlead_event_streams",
    type: "gauge",
    help: "Open event streams (SSE).",
    read: perRoute((counters) => counters.streams),
  },
  {
    name: "fairlead_connections_opened_total",
    type: "counter",
    help: "Connections that were upgraded.",
    read: perRoute((counters) => counters.opened),
  },
  {
    name: "fairlead_connections_closed_total",
    type: "counter",
    help: "Connections that ended, by close code; 0 is a code that no table has.",
    read: (routes) =>
      routes.flatMap(({ route, closed }) => [...closed].map(([code, n]): Sample => [{ route, code }, n])),
  },
  {
    name: "fairlead_messages_received_total",
    type: "counter",
    help: "Messages from clients.",
    read: perRoute((counters) => counters.received),
  },
  {
    name: "fairlead_messages_sent_total",
    type: "counter",
    help: "Messages handed to the runtime for a client.",
    read: perRoute((counters) => counters.sent),
  },
  {
    name: "fairlead_messages_due_total",
    type: "counter",
    help: "Rooms, feeds, relays: messages times the readers they were due to. due = delivered + dropped + queued.",
    read: perRoute((counters) => counters.due),
  },
  {
    name: "fairlead_messages_delivered_total",
    type: "counter",
    help: "Rooms, feeds, relays: messages times the readers they were handed over for.",
    read: perRoute((counters) => counters.delivered),
  },
  {
    name: "fairlead_messages_dropped_total",
    type: "counter",
    help: "Messages that did not reach a reader they were due to, by reason.",
    read: (routes) =>
      routes.flatMap(({ route, dropped }) =>
        DROP_REASONS.map((reason): Sample => [{ route, reason }, dropped[reason]]),
      ),
  },
  {
    name: "fairlead_commands_denied_total",
    type: "counter",
    help: "Commands of clients that were refused because the right is missing.",
    read: perRoute((counters) => counters.denied),
  },
  {
    name: "fairlead_message_bytes_total",
    type: "counter",
    help: "Payload bytes, by direction.",
    read: (routes) =>
      routes.flatMap(({ route, receivedBytes, sentBytes }): Sample[] => [
        [{ route, direction: "in" }, receivedBytes],
        [{ route, direction: "out" }, sentBytes],
      ]),
  },
  {
    name: "fairlead_recoveries_total",
    type: "counter",
    help: "Clients who came back with a position, or to a stream: all that followed was there (recovered), or not (lost).",
    read: (routes) =>
      routes.flatMap(({ route, recoveries }): Sample[] => [
        [{ route, result: "recovered" }, recoveries.recovered],
        [{ route, result: "lost" }, recoveries.lost],
      ]),
  },
  {
    name: "fairlead_recordings_total",
    type: "counter",
    help: "Recordings that ended: with their session (whole), at the size a file may have (full), because the disk or the folder took no more (failed).",
    read: (routes) =>
      routes.flatMap(({ route, recordings }) =>
        RECORDING_RESULTS.map((result): Sample => [{ route, result }, recordings[result]]),
      ),
  },
  {
    name: "fairlead_unflushed_bytes_total",
    type: "counter",
    help: "Bytes the runtime still held for a peer when its connection ended, as of the last look.",
    read: perRoute((counters) => counters.unflushedBytes),
  },
  {
    name: "fairlead_route_errors_total",
    type: "counter",
    help: "Hooks of a route that threw; each closed its connection with 1011.",
    read: perRoute((counters) => counters.errors),
  },
];

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
    help: "1 while the engine takes messages.",
    read: single((stats) => Number(stats.engineUp)),
  },
  {
    name: "fairlead_insecure",
    type: "gauge",
    help: "1 for each switch of the config that is insecure.",
    read: ({ insecure }) => insecure.map((name): Sample => [{ switch: name }, 1]),
  },
  {
    name: "fairlead_tls_not_after_seconds",
    type: "gauge",
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
    help: "Always 1; the labels say what runs.",
    read: ({ version }) => [[{ version, bun: Bun.version }, 1]],
  },
];

export function renderMetrics(routes: readonly RouteCounters[], stats: ProcessStats): string {
  return [
    ...ROUTE_METRICS.map((metric) => render(metric, routes)),
    ...PROCESS_METRICS.map((metric) => render(metric, stats)),
  ].join("");
}

function render<Source>({ name, type, help, read }: Metric<Source>, source: Source): string {
  const samples = [...read(source)].map(([labels, value]) => `${name}${renderLabels(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join("")}`;
}

function renderLabels(labels: Sample[0]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
