/** Engines on one Redis of the tests, each test with keys of its own. */
import { systemClock } from "../../src/clock.ts";
import type { RedisOptions } from "../../src/config/engine.ts";
import { createRedisEngine, type RedisEngine, type RedisEngineDeps } from "../../src/engines/redis.ts";
import { redisOptions } from "./redis/homes-house.ts";

let prefixes = 0;

/** A prefix that no other test has. */
export function freshPrefix(): string {
  prefixes += 1;
  return `t${process.pid}-${prefixes}`;
}

export interface EngineParts extends Partial<RedisEngineDeps> {
  readonly redis?: Partial<RedisOptions>;
}

/** Started. What its callbacks throw is passed over. */
export async function startEngine(
  url: string | string[],
  { redis, ...parts }: EngineParts = {},
): Promise<RedisEngine> {
  const engine = createRedisEngine({
    options: redisOptions(url, { prefix: freshPrefix(), ...redis }),
    clock: systemClock,
    log: { info() {}, warn() {} },
    onError() {},
    ...parts,
  });
  await engine.start();
  return engine;
}
