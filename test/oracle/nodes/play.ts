/**
 * Plays a seed: three nodes over one Redis, readers and members who move between them, writers at each, and trouble of every kind. In the end
 * everything is mended, and every reader stands where the topic does. Each reader's stream is a run of the log, or it was told where it is not.
 */

import { until } from "../../calm.ts";
import { type Nodes, withNodes } from "../../nodes-house.ts";
import { type RedisHouse, startRedis } from "../../redis-house.ts";
import { agreeOnLog, agreeOnMembers } from "./agreement.ts";
import { type Books, createBooks } from "./books.ts";
import { type Chance, createChance } from "./chance.ts";
import { type Crowd, createCrowd } from "./crowd.ts";
import { createMembers, type Members } from "./members.ts";
import { createTroubles, type Losses, type Troubles } from "./troubles.ts";

export interface NodesPlay {
  readonly seed: number;
  readonly may: Losses;
  /** How long there is trouble. */
  readonly seconds: number;
}

export interface Played {
  readonly got: number;
  readonly gaps: number;
  /** Joins and leaves. */
  readonly told: number;
  readonly losses: number;
  /** From the last trouble until all was as it should be. */
  readonly calmSeconds: number;
  readonly fates: Readonly<Record<string, number>>;
  readonly troubles: Readonly<Record<string, number>>;
}

/** Much shorter than by default, so that a run has many of them. */
const LEASE_SECONDS = 1;
const ENGINE = { timeout: "500ms", lease: `${LEASE_SECONDS}s` } as const;
const QUIET = { log: { level: "warn" } } as const;
const TOPIC = "t";
const LOBBY = "lobby";
const ROUTES = {
  "/feed/:topic": {
    kind: "feed",
    publish: true,
    welcome: false,
    history: { size: 100_000, ttl: 0, bytes: 0 },
    slow: { policy: "close", highWater: "8MiB" },
  },
} as const;
/** Steps of the crowd for one of trouble, and ms between them. */
const TICK = 10;
const TROUBLE_EVERY = 8;
/** Of a machine that has other things to do. */
const GRACE_SECONDS = 2;
const END_SECONDS = 100;

interface Scene {
  readonly books: Books;
  readonly crowd: Crowd;
  readonly members: Members;
  readonly troubles: Troubles;
}

export async function playOnNodes({ seed, may, seconds }: NodesPlay): Promise<Played> {
  const chance = createChance(seed);
  await using redis = await startRedis({ keeps: may === "durable" ? "always" : "nothing" });
  const options = { redis: redis.port, routes: ROUTES, engine: ENGINE, config: QUIET };
  return await withNodes({ ...options, seconds: seconds + END_SECONDS }, async (nodes) => {
    const scene = await furnish(nodes, redis, chance, may);
    try {
      const { crowd, members } = scene;
      await until("every reader begins", () => begin(scene));
      await trouble(seconds, chance, scene);
      await scene.troubles.mendAll();
      chance.note("all is mended");
      const urls = Array.from({ length: nodes.count }, (_, i) => `ws://${nodes.host(i)}/feed/${TOPIC}`);
      const mended = performance.now();
      await agreeOnMembers(urls, LOBBY, members, 2 * LEASE_SECONDS + GRACE_SECONDS);
      chance.note("the lists are right");
      await crowd.rest();
      chance.note("all publishes have an end");
      await agreeOnLog(urls, TOPIC, crowd, scene.books);
      return { ...judge(scene), calmSeconds: (performance.now() - mended) / 1_000 };
    } catch (error) {
      const said = `${chance.story()}\n--- Redis\n${redis.output()}`;
      console.error(`--- seed ${seed}, Redis may lose: ${may}\n${said}`);
      throw error;
    } finally {
      scene.crowd.close();
      scene.members.close();
    }
  });
}

async function furnish(nodes: Nodes, redis: RedisHouse, chance: Chance, may: Losses): Promise<Scene> {
  const books = createBooks();
  const troubles = createTroubles(nodes, redis, chance, may);
  const hosts = Array.from({ length: nodes.count }, (_, i) => nodes.host(i));
  const anyHost = () => {
    const { upright } = troubles;
    return hosts[upright.length === 0 ? chance.below(hosts.length) : chance.pick(upright)] ?? "";
  };
  const crowd = await createCrowd({ path: `/feed/${TOPIC}`, books, chance, hosts, anyHost });
  const members = await createMembers({ path: `/feed/${LOBBY}?presence=1`, chance, anyHost });
  return { books, crowd, members, troubles };
}

async function begin({ crowd, members }: Scene): Promise<boolean> {
  crowd.gather();
  members.gather();
  const [writer] = crowd.writers;
  if (writer !== undefined) await crowd.publish(writer, 1);
  crowd.check();
  return crowd.readers.every(({ got }) => got > 0);
}

async function trouble(seconds: number, chance: Chance, { crowd, members, troubles }: Scene): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  while (performance.now() < end) {
    troubles.mend();
    if (chance.below(TROUBLE_EVERY) === 0) await troubles.strike();
    crowd.act();
    members.act();
    crowd.check();
    members.check();
    await Bun.sleep(TICK);
  }
}

function judge({ books, crowd, members, troubles }: Scene): Omit<Played, "calmSeconds"> {
  const { epochs, fates } = books;
  const { losses, counts } = troubles;
  const gaps = crowd.readers.reduce((sum, reader) => sum + reader.gaps, 0);
  const got = crowd.readers.reduce((sum, reader) => sum + reader.got, 0);
  if (epochs.size > losses + 1)
    throw new Error(`${epochs.size} epochs, and Redis lost its data ${losses} times`);
  if (gaps > 0 && losses === 0) throw new Error(`${gaps} gaps, and nothing was lost`);
  return { got, gaps, told: members.told, losses, fates, troubles: counts };
}
