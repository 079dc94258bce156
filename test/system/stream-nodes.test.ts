/**
 * openBridge against several gateways that share a Redis: a stream stays at the one that opened it, and the client finds it there whichever it
 * reaches first. The seed is in the test's name; FAIRLEAD_SEED repeats it.
 */
import { expect } from "bun:test";
import { type BridgeStatus, type OpenBridgeOptions, openBridge } from "../../src/client/bridge.ts";
import { eventually } from "../calm.ts";
import { failure } from "../client/bridge/house.ts";
import { hashAll, writeAll } from "../client/bridge/whole.ts";
import { withNodes } from "../nodes-house.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { noise, sha256 } from "../routes/bridge-house.ts";
import { newSeed, seeded } from "../seeded.ts";
import { type SharedOptions, startGateways } from "../shared-gateways.ts";
import { startProxy } from "../tcp-proxy.ts";
import { startService, type TcpPeer } from "../tcp-service.ts";

const MIB = 1024 * 1024;
const seed = newSeed();
const redis = sharedRedis();
const withRedis = requires("redis-server");
const QUICK = { minDelay: 1, maxDelay: 20 };

interface HouseOptions extends Partial<SharedOptions> {
  readonly serve?: (peer: TcpPeer) => void;
}

async function house({ serve, ...options }: HouseOptions = {}) {
  const service = await startService(serve);
  const routes = { "/tcp": { kind: "bridge", target: service.target } } as const;
  const gateways = await startGateways({ redis: (await redis()).url, routes, ...options });
  return {
    service,
    ...gateways,
    open: (more: OpenBridgeOptions = {}) =>
      openBridge(`ws://${gateways.front.host}/tcp`, { ...QUICK, ...more }),
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      await gateways[Symbol.asyncDispose]();
    },
  };
}

/** As long as the test may take: what happens in between is up to chance. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(5);
}

withRedis(
  `bytes go both ways exactly while the link is cut and leads to any of three nodes (seed ${seed})`,
  async () => {
    await using at = await house({ count: 3 });
    const { cut, lead, closed, service } = at;
    const chance = seeded(seed);
    const [up, down] = [noise(6 * MIB, 1), noise(6 * MIB, 2)];
    const bridge = at.open();
    const peer = await service.next();
    await eventually("an open bridge", () => bridge.status.type === "open");
    const answers = (async () => {
      for (let from = 0; from < down.length; from += 100_000)
        await peer.write(down.subarray(from, from + 100_000));
      peer.end();
    })();
    // On a fast machine all would be through before anybody was sent anywhere.
    const often = () => until(async () => (await closed("/tcp", 4011)) > 3);
    const both = Promise.all([hashAll(bridge), writeAll(bridge, up, 100_000, often), answers]);
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    both.then(over, over);
    while (!isOver) {
      await Bun.sleep(chance() * 40);
      lead(Math.floor(chance() * 3));
      cut();
      // In the middle of an attempt, too, but not so often that a busy machine never gets anywhere.
      if (chance() < 0.7) await until(async () => isOver || bridge.status.type === "open");
    }
    const [hash] = await both;
    await bridge.closed;
    expect([hash, peer.hash()]).toEqual([sha256(down), sha256(up)]);
    expect(service.accepted).toBe(1);
  },
  60_000,
);

withRedis("a stream is found at its node, and again when that connection is lost, too", async () => {
  await using at = await house({ serve: (peer) => peer.echo() });
  const bridge = at.open();
  const statuses: BridgeStatus[] = [];
  bridge.onStatus((status) => statuses.push(status));
  const [writer, reader] = [bridge.writable.getWriter(), bridge.readable.getReader()];
  const echo = async (text: string) => {
    await writer.write(new TextEncoder().encode(text));
    return new TextDecoder().decode((await reader.read()).value);
  };
  expect(await echo("one")).toBe("one");
  at.lead(1);
  at.cut();
  expect(await echo("two")).toBe("two");
  expect([await at.closed("/tcp", 4011), at.ways[0]?.accepted]).toEqual([1, 1]);
  at.cut();
  expect(await echo("three")).toBe("three");
  expect([await at.closed("/tcp", 4011), at.ways[0]?.accepted]).toEqual([1, 2]);
  const moved = statuses.find((status) => status.type === "away" && status.code === 4011);
  expect(moved).toMatchObject({ reason: `ws://${at.ways[0]?.host}`, retryIn: 0 });
  await writer.close();
  await bridge.closed;
  expect(at.service.accepted).toBe(1);
});

withRedis("a stream is lost if its node has stopped, and both directions say so", async () => {
  await using at = await house();
  const bridge = at.open();
  await at.service.next();
  await eventually("an open bridge", () => bridge.status.type === "open");
  at.lead(1);
  await at.all[0]?.gateway.stop();
  const [writer, reader] = [bridge.writable.getWriter(), bridge.readable.getReader()];
  for (const each of [reader.read(), writer.closed, bridge.closed]) {
    const { code, message } = await failure(each);
    expect([code, message]).toEqual(["lost", expect.stringContaining("closed with 4510")]);
  }
});

withRedis("a stream is not given up while nobody can say where it is", async () => {
  await using at = await house({ engine: { timeout: "100ms" } });
  const server = await redis();
  const bridge = at.open();
  await eventually("an open bridge", () => bridge.status.type === "open");
  const told: number[] = [];
  bridge.onStatus((status) => status.type === "away" && told.push(status.code));
  at.lead(1);
  server.stop();
  try {
    at.cut();
    await eventually("it is told to try again", () => told.includes(1013));
  } finally {
    server.cont();
  }
  await eventually("it goes on", () => bridge.status.type === "open");
  expect(told).toContain(4011);
  expect(at.service.accepted).toBe(1);
});

withRedis(
  "a stream is found by chance without advertise, which the log says at the start and then once",
  async () => {
    await using at = await house({ advertise: false });
    const bridge = at.open();
    await eventually("an open bridge", () => bridge.status.type === "open");
    at.lead(1);
    at.cut();
    await eventually("it was told to try again", async () => (await at.closed("/tcp", 1013)) > 2);
    at.lead(0);
    await eventually("it goes on", () => bridge.status.type === "open");
    const warned = at.logs.map((lines) =>
      lines.filter(({ level }) => level === "warn").map(({ text }) => text),
    );
    const atStart = "! no advertise: clients cannot be sent to this node";
    expect(warned).toEqual([[atStart], [atStart, "! a stream is at a node that has no advertise"]]);
  },
);

withRedis("a stream is asked for at the front again if its node cannot be reached from here", async () => {
  await using at = await house();
  const bridge = at.open();
  await eventually("an open bridge", () => bridge.status.type === "open");
  const [way] = at.ways;
  if (way === undefined) throw new Error("no way");
  way.isShut = true;
  at.lead(1);
  at.cut();
  await eventually("it was sent there more than once", async () => (await at.closed("/tcp", 4011)) > 1);
  at.lead(0);
  await eventually("it goes on", () => bridge.status.type === "open");
  expect(at.service.accepted).toBe(1);
});

withRedis("a stream whose node is killed is lost after two leases at most", async () => {
  const service = await startService();
  const { port } = await redis();
  const routes = { "/tcp": { kind: "bridge", target: service.target } } as const;
  await withNodes({ count: 2, redis: port, routes, engine: { lease: "2s" } }, async (nodes) => {
    using front = await startProxy(Number(nodes.host(0).split(":")[1]));
    using _ = service;
    const bridge = openBridge(`ws://${front.host}/tcp`, QUICK);
    await service.next();
    await eventually("an open bridge", () => bridge.status.type === "open");
    front.target = Number(nodes.host(1).split(":")[1]);
    const killed = performance.now();
    await nodes.kill9(0);
    expect(await failure(bridge.closed)).toMatchObject({
      code: "lost",
      message: expect.stringContaining("closed with 4510"),
    });
    expect(performance.now() - killed).toBeLessThan(4_000);
  });
});
