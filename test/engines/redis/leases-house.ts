/** Engines that have claims and presence only, each a node of its own on a Redis of the test's. */
import { type Clock, systemClock } from "../../../src/clock.ts";
import type { Engine } from "../../../src/engine.ts";
import type { Fault } from "../../../src/engines/in-process/down.ts";
import { createClaims, type RedisClaims } from "../../../src/engines/redis/claims.ts";
import { fresh, type Homes } from "../../../src/engines/redis/homes.ts";
import { createPresence, type RedisPresence } from "../../../src/engines/redis/presence.ts";
import type { TestClock } from "../../clock.ts";
import { openHomes } from "./homes-house.ts";

export interface LeaseNode extends Disposable {
  readonly engine: Engine;
  readonly claims: RedisClaims;
  readonly presence: RedisPresence;
  readonly homes: Homes;
  readonly faults: readonly Fault[];
  /** It is gone without a word. */
  die(): void;
}

export interface LeaseOptions {
  readonly clock: Clock;
  readonly lease: number;
  /** How long Redis may take, by the clock of the system. */
  readonly timeout?: number;
}

/** Leases run by `clock`, calls to Redis by the clock of the system: a test moves the one and waits for the other. */
export async function openNode(redis: string | string[], options: LeaseOptions): Promise<LeaseNode> {
  const { clock, lease, timeout = 2_000 } = options;
  const mixed: Clock = { ...systemClock, wall: () => clock.wall() };
  const { homes } = await openHomes(redis, { timeout }, { clock: mixed, trustsClock: true });
  const faults: Fault[] = [];
  const report = (fault: Fault) => void faults.push(fault);
  const node = fresh().slice(0, 8);
  const claims = createClaims({ homes, clock, lease, node, report });
  const presence = createPresence({ homes, clock, lease, node, report });
  const die = () => homes.close();
  const engine: Engine = {
    topics: () => {
      throw new Error("this engine has no topics");
    },
    claims,
    presence,
    health: () => ({ up: homes.problem === undefined, text: homes.problem ?? "up" }),
    async close() {
      await Promise.all([claims.close(), presence.close()]);
      homes.close();
    },
  };
  return { engine, claims, presence, homes, faults, die, [Symbol.dispose]: die };
}

/**
 * Moves the clock in steps that let renewals be answered, as they are in life. Several round trips each: what a node does next, it does when
 * Redis has answered.
 */
export async function pass(clock: TestClock, ms: number, lease: number, nodes: readonly LeaseNode[]) {
  for (let left = ms; left > 0; left -= lease / 4) {
    clock.advance(Math.min(left, lease / 4));
    await settle(nodes);
  }
}

const ROUND_TRIPS = 8;

/** One that is cut off comes back first. */
export async function settle(nodes: readonly LeaseNode[]): Promise<void> {
  const ping = async (node: LeaseNode) => {
    try {
      await node.homes.of("ping", "").server.call("PING", []);
    } catch {
      await isUp(node);
    }
  };
  for (let n = 0; n < ROUND_TRIPS; n++) await Promise.all(nodes.map(ping));
}

/** Moves the clock until something has happened: what overtook something else, or was missed, is looked at again by a timer. */
export async function passUntil(clock: TestClock, nodes: readonly LeaseNode[], happened: Promise<unknown>) {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  happened.then(over, over);
  while (!isOver) {
    clock.advance(LOOK_MS);
    await settle(nodes);
  }
  await happened;
}

const LOOK_MS = 300;

export async function isUp({ homes }: LeaseNode): Promise<void> {
  if (homes.problem !== undefined) await new Promise<void>((done) => homes.onUp(done));
}

/** Longer than any test moves its clock. */
export const FOREVER = 10 ** 10;
