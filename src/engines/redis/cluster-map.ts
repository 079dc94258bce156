/**
 * Which server of a Redis Cluster has which slot, as the Cluster says, and a connection to each master. Asked again when a server answers
 * that a key has moved, when one goes down, and now and then. Failure: a slot whose server is not known, or down, fails alone.
 */
import type { Timer } from "../../clock.ts";
import { loadClients } from "./clients.ts";
import { downError } from "./down.ts";
import { createServer, type Server } from "./server.ts";
import type { ShardOptions } from "./shard.ts";

export interface ClusterMap {
  readonly problem: string | undefined;
  /** Throws ENGINE_DOWN while nobody is known to have it. */
  serverOf(base: string): Server;
  /** Asks again, soon. */
  refresh(): void;
  start(): Promise<void>;
  close(): void;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly server: Server;
}

const REFRESH_MS = 10_000;
const SOON_MS = 100;
const SLOTS = 16_384;

/** `seed`: a connection to any node, to ask. */
export function createClusterMap(seed: Server, deps: ShardOptions): ClusterMap {
  const { options, clock } = deps;
  const servers = new Map<string, Server>();
  let ranges: readonly Range[] = [];
  let soon: Timer | undefined;
  let regular: Timer | undefined;
  let isClosed = false;

  const onChange = () => {
    if ([...servers.values()].some(({ problem }) => problem !== undefined)) refresh();
    deps.onChange();
  };

  async function open(place: string): Promise<Server> {
    const [scheme] = [options.redis].flat().map((url) => new URL(url).protocol);
    const server = createServer({
      ...deps,
      name: place,
      timeout: options.timeout,
      onChange,
      onMoved: refresh,
    });
    const given = new URL([options.redis].flat()[0] ?? "redis://a");
    const credentials = given.password === "" ? "" : `${given.username}:${given.password}@`;
    const clients = await loadClients([`${scheme}//${credentials}${place}`], options);
    if (!isClosed) server.start(clients.commands());
    return server;
  }

  /** Any node can say; the one we know best may be the one that died. */
  async function ask(): Promise<unknown> {
    const up = [seed, ...servers.values()].find(({ problem }) => problem === undefined);
    return (up ?? seed).call("CLUSTER", ["SLOTS"]);
  }

  async function learn(): Promise<void> {
    const rows = rowsOf(await ask());
    const wanted = new Set(rows.map(({ place }) => place));
    for (const place of wanted) if (!servers.has(place)) servers.set(place, await open(place));
    ranges = rows.flatMap(({ from, to, place }) => {
      const server = servers.get(place);
      return server === undefined ? [] : [{ from, to, server }];
    });
    for (const [place, server] of servers) {
      if (wanted.has(place)) continue;
      server.close();
      servers.delete(place);
    }
    deps.onChange();
  }

  function refresh(): void {
    if (isClosed) return;
    soon ??= clock.after(SOON_MS, () => {
      // What cannot be asked now is asked again by `regular`, or when a server changes.
      learn()
        .catch(() => {})
        .finally(() => {
          soon = undefined;
        });
    });
  }

  return {
    get problem() {
      if (ranges.length === 0) return "the slots of the Cluster are not known yet";
      return [...servers.values()].map(({ problem }) => problem).find((problem) => problem !== undefined);
    },
    serverOf(base) {
      const slot = slotOf(base);
      const range = ranges.find(({ from, to }) => from <= slot && slot <= to);
      if (range !== undefined) return range.server;
      refresh();
      throw downError("Redis Cluster has no server for this; try again later");
    },
    refresh,
    async start() {
      regular = clock.every(REFRESH_MS, refresh);
      await learn().catch(() => refresh());
    },
    close() {
      isClosed = true;
      soon?.cancel();
      regular?.cancel();
      for (const server of servers.values()) server.close();
    },
  };
}

interface Row {
  readonly from: number;
  readonly to: number;
  readonly place: string;
}

/** `CLUSTER SLOTS`: [from, to, [host, port, id], replicas...] for each range; the master is the first of its servers. */
function rowsOf(answer: unknown): Row[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((row: unknown) => {
    if (!Array.isArray(row) || !Array.isArray(row[2])) return [];
    const [from, to, [host, port]] = row;
    const isNamed = typeof host === "string" && host !== "";
    return isNamed ? [{ from: Number(from), to: Number(to), place: placeOf(host, Number(port)) }] : [];
  });
}

const placeOf = (host: string, port: number) => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** CRC16 (XMODEM) of what stands between the braces, as the specification of Redis Cluster has it. */
export function slotOf(key: string): number {
  const tag = /\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % SLOTS;
}
