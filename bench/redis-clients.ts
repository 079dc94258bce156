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
const LISTENERS = 16;
const TOLD = 20_000;
const BURST = 32;

export async function clients(): Promise<Figure[]> {
  const redis = await startRedis();
  if (redis === undefined) return [];
  return [...(await idle(redis)), ...(await recovered(redis)), ...(await told(redis))];
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

/** Pub/sub as Redis has it, without our scripts: what each further node that listens to a topic costs. */
async function told(redis: Server): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const burst of [1, BURST]) {
    const one = await tellAll(redis, 1, burst);
    const many = await tellAll(redis, 1 + LISTENERS, burst);
    const name = `one more node that listens to a topic, ${burst === 1 ? "single" : `bursts of ${burst}`}`;
    figures.push({ name: `${name}: CPU`, server: REDIS, value: (many - one) / LISTENERS, unit: "µs" });
  }
  return figures;
}

/** Microseconds of CPU for each message to so many. */
async function tellAll({ port, pid }: Server, listeners: number, atOnce: number): Promise<number> {
  let got = 0;
  let done = Promise.withResolvers<void>();
  const data = (_: unknown, bytes: Uint8Array) => {
    got += bytes.length;
    if (got >= due) done.resolve();
  };
  const channel = `bench-${listeners}-${atOnce}`;
  const message = "x".repeat(128);
  const each = `*3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$128\r\n${message}\r\n`.length;
  const hello = `*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`.length;
  let due = hello * listeners;
  const open = () => Bun.connect({ hostname: "127.0.0.1", port, socket: { data } });
  const sockets = await Promise.all(Array.from({ length: listeners }, open));
  for (const socket of sockets) socket.write(`SUBSCRIBE ${channel}\r\n`);
  await done.promise;
  const publisher = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  const burst = `PUBLISH ${channel} ${message}\r\n`.repeat(atOnce);
  const began = cpuSeconds(pid);
  for (let sent = 0; sent < TOLD; sent += atOnce) {
    done = Promise.withResolvers();
    due += each * listeners * atOnce;
    publisher.write(burst);
    await done.promise;
  }
  const cpu = cpuSeconds(pid) - began;
  for (const socket of [publisher, ...sockets]) socket.end();
  return (cpu * 1e6) / TOLD;
}
