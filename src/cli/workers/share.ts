/**
 * A worker's part of a config. What bounds the whole is divided; what bounds one address or one user is, too, with room for chance, because
 * the system spreads connections without looking; what is of a route or a process stays as it is (docs/workers.md lists which).
 */
import { join } from "node:path";
import { recordOptions } from "../../config/kinds/every.ts";
import type { Config, RouteOptions } from "../../config/schema.ts";
import type { Share } from "./messages.ts";

export function shareOf(config: Config, share: Share): Config {
  const { worker, of, port, plainPort, workerPort, memory } = share;
  const { limits, advertise } = config;
  const part = (whole: number) => Math.ceil(whole / of);
  return {
    ...config,
    workers: 1,
    node: `${share.node}.${worker}`,
    listen: { ...config.listen, port, plainPort, workerPort, reusePort: true },
    advertise:
      advertise === undefined || workerPort === undefined ? undefined : withPort(advertise, workerPort),
    limits: {
      ...limits,
      // The default is of each process already.
      connections: limits.connections === undefined ? undefined : part(limits.connections),
      perSecond: part(limits.perSecond),
      perAddress: fairPart(limits.perAddress, of),
      perUser: fairPart(limits.perUser, of),
    },
    memory: { max: memory === undefined ? undefined : part(memory) },
    routes: Object.fromEntries(
      Object.entries(config.routes).map(([path, route]) => [path, routeOf(route, worker)]),
    ),
  };
}

/** As the operator wrote it, but for the port. */
function withPort(advertise: string, port: number): string {
  const url = new URL(advertise);
  url.port = `${port}`;
  return url.href.replace(/\/$/, "");
}

/** Who may have n connections has n / of of them here on average; three standard deviations more are next to never too few. */
function fairPart(whole: number, of: number): number {
  const mean = whole / of;
  return Math.min(whole, Math.ceil(mean + 3 * Math.sqrt(mean)));
}

/** Recordings are counted by folder, so each worker has its own. */
function routeOf(route: RouteOptions, worker: number): RouteOptions {
  if (route.kind !== "relay" && route.kind !== "bridge") return route;
  const record = recordOptions(route.record);
  if (record === undefined) return route;
  return { ...route, record: { ...record, dir: join(record.dir, `worker-${worker}`) } };
}
