/** What is counted beside routes, and all of it as `/metrics` shows it. */
import type { DenialCounts } from "../auth/denials.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Engine } from "../engine.ts";
import type { Memory } from "../limits/memory.ts";
import type { Capacity } from "../limits.ts";
import type { CertificateStats } from "../listener/tls.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Refusal } from "../route.ts";
import { VERSION } from "../version.ts";
import type { Lag } from "./lag.ts";
import { PROCESS_METRICS, type ProcessStats } from "./process.ts";
import { renderMetric } from "./prometheus.ts";
import { ROUTE_METRICS } from "./route.ts";

export interface Counted {
  readonly endpoints: readonly Endpoint[];
  readonly capacity: Capacity;
  readonly memory: Memory;
  readonly engine: Engine;
  readonly insecure: readonly { readonly name: string }[];
  readonly certificate: () => CertificateStats | undefined;
  readonly denied: DenialCounts;
  readonly lag: Lag;
  readonly nodes: { readonly count: number | undefined };
  readonly log: Log;
}

export function createCounts({
  endpoints,
  capacity,
  memory,
  engine,
  insecure,
  certificate,
  denied,
  lag,
  nodes,
  log,
}: Counted) {
  const rejected = new Map<string, number>();
  return {
    onRefused({ code, status }: Refusal, path: string, ip: string): void {
      rejected.set(code, (rejected.get(code) ?? 0) + 1);
      log.debug({ code, status, path, ip }, "! refused");
    },
    metrics: () =>
      renderMetrics(
        endpoints.map(({ counters }) => counters),
        {
          version: VERSION,
          rejected,
          denied,
          descriptorsUsed: capacity.used,
          descriptorsMax: capacity.max,
          memory,
          engineUp: engine.health().up,
          traffic: engine.traffic,
          insecure: insecure.map((each) => each.name),
          certificate: certificate(),
          lag: lag.most,
          nodes: nodes.count,
          logDropped: log.dropped ?? 0,
          routes: new Map(endpoints.map(({ path, route }) => [path, route.stats()])),
        },
      ),
  };
}

export function renderMetrics(routes: readonly RouteCounters[], stats: ProcessStats): string {
  return [
    ...ROUTE_METRICS.map((metric) => renderMetric(metric, routes)),
    ...PROCESS_METRICS.map((metric) => renderMetric(metric, stats)),
  ].join("");
}
