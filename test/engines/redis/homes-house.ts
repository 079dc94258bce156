/** Homes on a Redis of the test's, started and closed with it. */
import { systemClock } from "../../../src/clock.ts";
import { engineOptions, type RedisOptions } from "../../../src/config/engine.ts";
import { createHomes, type Homes, type HomesOptions } from "../../../src/engines/redis/homes.ts";

export interface HomesHouse extends Disposable {
  readonly homes: Homes;
  /** Lines of the log: their text, with the reason where there is one. */
  readonly said: string[];
}

export function redisOptions(redis: string | string[], more: Partial<RedisOptions> = {}): RedisOptions {
  const options = engineOptions.parse({ redis, ...more });
  if (typeof options === "string" || !("redis" in options)) throw new Error("these are no options of Redis");
  return options;
}

export async function openHomes(
  redis: string | string[],
  more: Partial<RedisOptions> = {},
  deps: Partial<HomesOptions> = {},
): Promise<HomesHouse> {
  const said: string[] = [];
  const say = ({ reason }: Readonly<Record<string, unknown>>, text: string) =>
    void said.push(reason === undefined ? text : `${text}: ${reason}`);
  const homes = createHomes({
    options: redisOptions(redis, more),
    clock: systemClock,
    log: { info: say, warn: say },
    onThrow: (_channel, error) => void said.push(String(error)),
    ...deps,
  });
  try {
    await homes.start();
  } catch (error) {
    homes.close();
    throw error;
  }
  return { homes, said, [Symbol.dispose]: () => homes.close() };
}
