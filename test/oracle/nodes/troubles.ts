/**
 * What happens to nodes, to Redis, and to the ways between them: it begins, lasts for a while, and is mended. To each of them one thing
 * happens at a time.
 */
import type { Nodes } from "../../nodes-house.ts";
import type { RedisHouse } from "../../redis-house.ts";
import type { Chance } from "./chance.ts";

/** What Redis may lose, in the order of how much: nothing, nothing though it is killed, everything. */
export type Losses = "none" | "durable" | "all";

export interface Troubles {
  /** Begins one, if what it would happen to is whole. */
  strike(): Promise<void>;
  /** Begins to mend what has lasted long enough. Throws when something could not be mended. */
  mend(): void;
  /** Resolves when everything is whole. */
  mendAll(): Promise<void>;
  /** Nodes that take connections now. */
  readonly upright: readonly number[];
  /** How often Redis lost all that it had. */
  readonly losses: number;
  /** By name. */
  readonly counts: Readonly<Record<string, number>>;
}

interface Trouble {
  readonly name: string;
  readonly weight: number;
  /** Absent: it is over at once. */
  readonly mend?: () => unknown;
  begin(): unknown;
}

interface Lasting {
  readonly name: string;
  readonly until: number;
  mend(): unknown;
  mending?: Promise<void>;
}

/** ms that troubles last. The longest are longer than a lease and a timeout of the oracle's nodes. */
const PERIODS = [50, 200, 600, 1_500, 3_500];

export function createTroubles(nodes: Nodes, redis: RedisHouse, chance: Chance, may: Losses): Troubles {
  const targets = new Map<string, readonly Trouble[]>();
  const lasting = new Map<string, Lasting>();
  const counts: Record<string, number> = {};
  let losses = 0;
  const lose = () => {
    losses += 1;
  };
  const all = Array.from({ length: nodes.count }, (_, i) => i);
  for (const i of all) {
    targets.set(`node ${i}`, nodeTroubles(nodes, i));
    targets.set(`way ${i}`, wayTroubles(nodes, i, chance));
  }
  targets.set("redis", redisTroubles(redis, may, lose));
  let failure: unknown;

  async function end(target: string, { name, mend }: Lasting): Promise<void> {
    chance.note(`${target}: ${name} is over`);
    await mend();
    lasting.delete(target);
  }

  /** A node that starts wants Redis, and a way to it. */
  const mayMend = (target: string) =>
    !target.startsWith("node") || !(lasting.has("redis") || lasting.has(target.replace("node", "way")));

  const weighed = [...targets].flatMap(([target, troubles]) =>
    troubles.flatMap((trouble) => Array.from({ length: trouble.weight }, () => ({ target, trouble }))),
  );

  return {
    get upright() {
      return all.filter((i) => !lasting.has(`node ${i}`));
    },
    get losses() {
      return losses;
    },
    counts,
    async strike() {
      const { target, trouble } = chance.pick(weighed);
      const period = chance.pick(PERIODS);
      if (lasting.has(target)) return;
      const { name, mend } = trouble;
      chance.note(`${target}: ${name}${mend === undefined ? "" : ` for ${period} ms`}`);
      counts[name] = (counts[name] ?? 0) + 1;
      if (mend !== undefined) lasting.set(target, { name, mend, until: performance.now() + period });
      await trouble.begin();
    },
    mend() {
      if (failure !== undefined) throw failure;
      for (const [target, each] of lasting) {
        if (each.until > performance.now() || each.mending !== undefined || !mayMend(target)) continue;
        each.mending = end(target, each).catch((error: unknown) => {
          failure ??= error;
        });
      }
    },
    async mendAll() {
      const isNode = (target: string) => target.startsWith("node");
      for (const nodesToo of [false, true]) {
        const due = [...lasting].filter(([target]) => isNode(target) === nodesToo);
        await Promise.all(due.map(([target, each]) => each.mending ?? end(target, each)));
      }
      if (failure !== undefined) throw failure;
    },
  };
}

function nodeTroubles(nodes: Nodes, i: number): readonly Trouble[] {
  let ending: Promise<unknown> | undefined;
  return [
    { name: "kill -9", weight: 2, begin: () => nodes.kill9(i), mend: () => nodes.start(i) },
    { name: "SIGSTOP", weight: 3, begin: () => nodes.stop(i), mend: () => nodes.cont(i) },
    {
      name: "SIGTERM",
      weight: 2,
      begin() {
        ending = nodes.term(i, 20);
      },
      async mend() {
        await ending;
        await nodes.start(i);
      },
    },
  ];
}

function wayTroubles(nodes: Nodes, i: number, chance: Chance): readonly Trouble[] {
  const way = nodes.way(i);
  return [
    { name: "reset", weight: 3, begin: () => way.reset() },
    { name: "waits", weight: 2, begin: () => way.hold(), mend: () => way.flow() },
    { name: "stalls", weight: 1, begin: () => way.stall(), mend: () => way.flow() },
    {
      name: "vanishes",
      weight: 2,
      begin() {
        way.goSilent();
        way.hold();
      },
      mend: () => way.flow(),
    },
    {
      name: "is late",
      weight: 2,
      begin() {
        const most = 5 + chance.below(60);
        way.delay = () => Math.random() * most;
      },
      mend() {
        way.delay = undefined;
      },
    },
    {
      name: "is shut",
      weight: 2,
      begin() {
        way.isShut = true;
        way.reset();
      },
      mend() {
        way.isShut = false;
      },
    },
  ];
}

function redisTroubles(redis: RedisHouse, may: Losses, lose: () => void): readonly Trouble[] {
  // It may be stopped by the next trouble, and then answers when that is over.
  const say = (...command: string[]) => void redis.command(...command).catch(() => {});
  const harmless: Trouble[] = [
    { name: "SIGSTOP of Redis", weight: 2, begin: () => redis.stop(), mend: () => redis.cont() },
    { name: "CLIENT KILL pubsub", weight: 2, begin: () => say("CLIENT", "KILL", "TYPE", "pubsub") },
    { name: "CLIENT KILL normal", weight: 1, begin: () => say("CLIENT", "KILL", "TYPE", "normal") },
    { name: "SCRIPT FLUSH", weight: 1, begin: () => say("SCRIPT", "FLUSH") },
  ];
  if (may === "none") return harmless;
  const kill = async () => {
    if (may === "all") lose();
    await redis.kill();
  };
  const killed: Trouble = { name: "kill -9 of Redis", weight: 3, begin: kill, mend: () => redis.restart() };
  if (may === "durable") return [...harmless, killed];
  const flush = async () => {
    lose();
    await redis.flush();
  };
  return [...harmless, killed, { name: "FLUSHALL", weight: 3, begin: flush }];
}
