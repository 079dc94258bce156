/**
 * What clients of fairlead.v1 cost a node on Redis, and Redis, by being there: to come, to be silent, and to come back all at once with
 * messages missed. Rooms of ten, as many as it takes.
 */
import { type Client, connectAll } from "./client.ts";
import { cpuSeconds, rested } from "./proc.ts";
import { history, publishAll, storm } from "./recovery.ts";
import { freshPrefix, heldBytes, node, startRedis } from "./redis-server.ts";
import type { Figure } from "./report.ts";
import { boot, type Server } from "./server.ts";

const SERVER = "fairlead";
const REDIS = "redis-server";
const ROOMS = 1_000;
const IN_ROOM = 10;
const FIRST_ROOMS = 50;
/** As long as a look at every topic takes to come again. */
const SILENCE_MS = 10_000;
const RECOVERED = 1_000;

export async function clients(): Promise<Figure[]> {
  const redis = await startRedis();
  if (redis === undefined) return [];
  return [...(await idle(redis)), ...(await recovered(redis))];
}

async function enterRooms({ port }: Server, from: number, to: number): Promise<Client[]> {
  const all: Client[] = [];
  for (let room = from; room < to; room++)
    all.push(...(await connectAll(port, `/room/${room}`, IN_ROOM, 1, "fairlead.v1")));
  return all;
}

async function idle(redis: Server): Promise<Figure[]> {
  const server = await boot(node("room", {}, redis, freshPrefix()), 0);
  const first = await enterRooms(server, 0, FIRST_ROOMS);
  const both = [server, redis] as const;
  const memory = [await rested(server.pid), await heldBytes(redis)];
  const cpu = both.map(({ pid }) => cpuSeconds(pid));
  const rest = await enterRooms(server, FIRST_ROOMS, ROOMS);
  const opening = both.map(({ pid }, i) => cpuSeconds(pid) - (cpu[i] ?? 0));
  const after = [await rested(server.pid), await heldBytes(redis)];
  const before = both.map(({ pid }) => cpuSeconds(pid));
  await Bun.sleep(SILENCE_MS);
  const silence = both.map(({ pid }, i) => cpuSeconds(pid) - (before[i] ?? 0));
  for (const client of [...first, ...rest]) client.end();
  await server.stop();
  const name = "fairlead.v1 connection on Redis, rooms of ten";
  return both.flatMap(({ name: of }, i) => {
    const figure = { server: of };
    return [
      { ...figure, name: `${name}: opening`, value: ((opening[i] ?? 0) * 1e6) / rest.length, unit: "CPU µs" },
      {
        ...figure,
        name: `${name}: memory`,
        value: ((after[i] ?? 0) - (memory[i] ?? 0)) / rest.length / 1024,
        unit: "KiB",
      },
      {
        ...figure,
        name: `10,000 of them, silent: CPU a second`,
        value: ((silence[i] ?? 0) * 1e6) / SILENCE_MS,
        unit: "ms",
      },
    ];
  });
}

async function recovered(redis: Server): Promise<Figure[]> {
  const server = await boot(node("room", { history }, redis, freshPrefix()), 0);
  const epoch = await publishAll(server);
  await storm(server, epoch);
  const before = cpuSeconds(redis.pid);
  const cpu = await storm(server, epoch);
  const redisCpu = cpuSeconds(redis.pid) - before;
  await server.stop();
  const name = "1,000 clients recover 1,000 messages from Redis: CPU per message";
  const each = 1e6 / (RECOVERED * RECOVERED);
  return [
    { name, server: SERVER, value: cpu * each, unit: "µs" },
    { name, server: REDIS, value: redisCpu * each, unit: "µs" },
  ];
}
