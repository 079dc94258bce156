/**
 * A master and a replica watched by Sentinels, of a test's own, on one machine. A master that says nothing for DOWN_AFTER_MS is replaced.
 * A test asks for the program: `requires("redis-server")`.
 *
 *   await using house = await startRedisSentinel();
 *   const { urls, name } = house;                   // engine: { redis: urls, sentinel: name }
 *   await (await house.master()).kill();
 *   await house.changed(before);
 */
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mortal } from "./process.ts";
import { askRedis, type Reply } from "./redis-client.ts";
import { until } from "./redis-cluster-house.ts";
import { type RedisHouse, type RedisOptions, startRedis } from "./redis-house.ts";
import { locate } from "./requires.ts";
import { launch, type Program } from "./system/program.ts";
import { freePort } from "./system/programs/free-port.ts";

export interface RedisSentinelHouse extends AsyncDisposable {
  /** Of the Sentinels. */
  readonly urls: readonly string[];
  /** Of the master, as they call it. */
  readonly name: string;
  readonly servers: readonly RedisHouse[];
  /** Which one it is, as they say. */
  master(): Promise<RedisHouse>;
  /** The one that is not. */
  replica(): Promise<RedisHouse>;
  /** Resolves when they all name another one than `before`, and that one takes writes. */
  changed(before: RedisHouse): Promise<void>;
  /** Resolves when the replica is in step with the master, and the Sentinels know of it. */
  settled(): Promise<void>;
  /** Has them change places, as an operator does. */
  failover(): Promise<void>;
}

export interface SentinelHouseOptions {
  readonly redis?: RedisOptions;
  /** More lines of each sentinel.conf. */
  readonly lines?: readonly string[];
}

const NAME = "house";
const SENTINELS = 3;
const DOWN_AFTER_MS = 500;

export async function startRedisSentinel({
  redis = {},
  lines = [],
}: SentinelHouseOptions = {}): Promise<RedisSentinelHouse> {
  const settings = { "repl-diskless-sync-delay": "0", ...redis.settings };
  const servers = await Promise.all([0, 1].map(() => startRedis({ ...redis, settings })));
  const sentinels: Sentinel[] = [];
  const house = houseOf(servers, sentinels);
  try {
    const [master, replica] = servers;
    await replica?.command("REPLICAOF", "127.0.0.1", `${master?.port}`);
    for (let n = 0; n < SENTINELS; n += 1) sentinels.push(await startSentinel(master?.port ?? 0, lines));
    await house.settled();
    return house;
  } catch (error) {
    await house[Symbol.asyncDispose]();
    throw error;
  }
}

interface Sentinel {
  readonly port: number;
  readonly end: () => Promise<void>;
}

async function startSentinel(master: number, lines: readonly string[]): Promise<Sentinel> {
  const port = await freePort();
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-sentinel-")));
  // It writes down there what it learns.
  const file = join(dir, "sentinel.conf");
  const conf = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 5000`,
    ...lines,
  ];
  await Bun.write(file, `${conf.join("\n")}\n`);
  const running: Program = launch([...mortal([link(dir)]), file, "--sentinel"], { cwd: dir });
  await running.says(/monitor master/);
  return {
    port,
    async end() {
      running.kill("SIGKILL");
      await running.ended();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The program looks at the name that it is called by. */
function link(dir: string): string {
  const server = locate("redis-server");
  if (server === undefined) throw new Error("this machine has no redis-server");
  const path = join(dir, "redis-sentinel");
  symlinkSync(server, path);
  return path;
}

function houseOf(servers: readonly RedisHouse[], sentinels: readonly Sentinel[]): RedisSentinelHouse {
  const ask = (what: string) =>
    Promise.all(sentinels.map(({ port }) => askRedis(port, ["SENTINEL", what, NAME])));
  const named = async (): Promise<readonly number[]> =>
    (await ask("GET-MASTER-ADDR-BY-NAME")).map((address) => Number(listOf(address)[1]));

  async function master(): Promise<RedisHouse> {
    const [port] = await named();
    const found = servers.find((server) => server.port === port);
    if (found === undefined) throw new Error("the Sentinels know of no master");
    return found;
  }

  async function replica(): Promise<RedisHouse> {
    const present = await master();
    const found = servers.find((server) => server !== present);
    if (found === undefined) throw new Error("there is no replica");
    return found;
  }

  return {
    name: NAME,
    servers,
    master,
    replica,
    get urls() {
      return sentinels.map(({ port }) => `redis://127.0.0.1:${port}`);
    },
    changed: (before) =>
      until(async () => {
        if ((await named()).some((port) => port === before.port)) return false;
        return listOf(await (await master()).command("ROLE"))[0] === "master";
      }),
    settled: () =>
      until(async () => {
        const isKnown = (await ask("REPLICAS")).every((replicas) => listOf(replicas).length > 0);
        const peers = (await ask("SENTINELS")).every((others) => listOf(others).length === SENTINELS - 1);
        return isKnown && peers && listOf(await (await replica()).command("ROLE"))[3] === "connected";
      }),
    async failover() {
      const before = await master();
      const [first] = sentinels;
      // Right after another one they say that they are at it still.
      await until(async () => {
        const answer = askRedis(first?.port ?? 0, ["SENTINEL", "FAILOVER", NAME]);
        return (await answer.catch(() => "")) === "OK";
      });
      await this.changed(before);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sentinels.map(({ end }) => end()));
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

const listOf = (reply: Reply | undefined): readonly Reply[] => (Array.isArray(reply) ? reply : []);
