/** Pipes on several gateways that share a Redis: plain clients that go where close 4011 sends them meet there, whatever becomes of the nodes. */
import { describe, expect } from "bun:test";
import { connect, type TestClient } from "../gateway.ts";
import { withNodes } from "../nodes-house.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { startGateways } from "../shared-gateways.ts";

type Role = "center" | "local";

const redis = sharedRedis();
const withRedis = requires("redis-server");
const routeOf = (third: "reject" | "replace") =>
  ({ "/pipe": { kind: "relay", mode: "pipe", third } }) as const;
const query = (role: Role, group: string) => `/pipe?group=${group}&role=${role}`;

async function house(third: "reject" | "replace" = "reject", engine = {}) {
  const gateways = await startGateways({
    redis: (await redis()).url,
    routes: routeOf(third),
    count: 3,
    engine,
  });
  const urlOf = (node: number) => `ws://${gateways.all[node]?.host}`;
  const come = (node: number, role: Role, group = "g") => connect(urlOf(node) + query(role, group));
  return {
    ...gateways,
    come,
    follow: (node: number, role: Role, group = "g") => follow(urlOf(node), role, group),
    /** Resolves when the one who came before has its role: a second one is refused. */
    async seated(node: number, role: Role) {
      expect((await (await come(node, role)).closed).code).toBe(4409);
    },
  };
}

interface End {
  readonly client: TestClient;
  readonly hops: number;
}

/** What an attempt may take until it is open: a node that stands still says nothing, and one on a busy machine not much sooner. */
const OPEN_MS = 2_000;

/** Undefined: nobody answers there. One that answers too late is not wanted any more. */
async function attempt(url: string): Promise<TestClient | undefined> {
  let isLate = false;
  const opened = connect(url).then(
    (client) => (isLate ? client.socket.close() : client),
    () => undefined,
  );
  const late = Bun.sleep(OPEN_MS).then(() => undefined);
  const client = await Promise.race([opened, late]);
  isLate = client === undefined;
  return client ?? undefined;
}

/**
 * As a client of any library does by hand, until its partner has said hello: goes where it is sent, and comes back to where it began when
 * nobody answers there or it is told to try again.
 */
async function follow(base: string, role: Role, group = "g"): Promise<End> {
  let [url, hops] = [base, 0];
  for (;;) {
    const client = await attempt(url + query(role, group));
    if (client === undefined) {
      url = base;
      continue;
    }
    client.send(`hello from ${role}`);
    const first = await Promise.race([client.closed, client.next()]);
    if (typeof first === "string") {
      expect(first).toBe(`hello from ${role === "center" ? "local" : "center"}`);
      return { client, hops };
    }
    if (!("code" in first)) throw new Error("bytes came for a text");
    const { code, reason } = first;
    if (code !== 4011 && code !== 1013) throw new Error(`closed with ${code} ${reason}`);
    if (code === 4011) hops += 1;
    url = code === 4011 ? reason : base;
  }
}

describe("two ends of a pipe", () => {
  withRedis("at two gateways meet at that of the first one, and leave the group to any other", async () => {
    await using at = await house();
    const center = await at.come(0, "center");
    await at.seated(0, "center");
    center.send("hello from center");
    const { client: local, hops } = await at.follow(1, "local");
    expect([hops, await center.next()]).toEqual([1, "hello from local"]);
    const bytes = new Uint8Array(100_000).fill(7);
    center.send(bytes);
    expect(await local.next()).toEqual(bytes);
    local.send("back");
    expect(await center.next()).toBe("back");
    local.socket.close(1000);
    expect(await center.closed).toMatchObject({ code: 1000, reason: "local has left with 1000" });
    const again = await Promise.all([at.follow(2, "center"), at.follow(2, "local")]);
    expect(again.map(({ hops }) => hops)).toEqual([0, 0]);
  });

  withRedis(
    "who come at the same moment meet, in each of many groups, and one of them moves at most",
    async () => {
      await using at = await house();
      const groups = Array.from({ length: 40 }, (_, n) => n);
      const hops = await Promise.all(
        groups.map(async (n) => {
          const ends = [at.follow(n % 3, "center", `g${n}`), at.follow((n >> 2) % 3, "local", `g${n}`)];
          const [one, other] = await Promise.all(ends);
          return (one?.hops ?? 0) + (other?.hops ?? 0);
        }),
      );
      expect(hops).toEqual(groups.map((n) => (n % 3 === (n >> 2) % 3 ? 0 : 1)));
    },
  );

  withRedis("refuse a third one wherever it comes", async () => {
    await using at = await house();
    const center = await at.come(0, "center");
    await at.seated(0, "center");
    const third = await at.come(2, "center");
    const { code, reason } = await third.closed;
    expect([code, reason]).toEqual([4011, `ws://${at.ways[0]?.host}`]);
    const there = await connect(reason + query("center", "g"));
    expect((await there.closed).code).toBe(4409);
    expect(center.socket.readyState).toBe(WebSocket.OPEN);
  });

  withRedis("give way to a third one, wherever it comes, where it may replace", async () => {
    await using at = await house("replace");
    const [center, local] = await Promise.all([at.follow(0, "center"), at.follow(0, "local")]);
    const third = await at.come(1, "center");
    const { code, reason } = await third.closed;
    expect(code).toBe(4011);
    const newer = follow(reason, "center");
    expect((await center.client.closed).code).toBe(4590);
    expect((await local.client.closed).code).toBe(1000);
    const next = await at.follow(2, "local");
    expect([next.hops, (await newer).hops]).toEqual([1, 0]);
  });
});

describe("a pipe whose engine is away", () => {
  withRedis(
    "goes on for a lease; newcomers are told to try again, and afterwards all meet anew",
    async () => {
      await using at = await house("reject", { lease: "1s", timeout: "200ms" });
      const server = await redis();
      const [center, local] = await Promise.all([at.follow(0, "center"), at.follow(1, "local")]);
      server.stop();
      try {
        const newcomer = await at.come(1, "center");
        expect((await newcomer.closed).code).toBe(1013);
        center.client.send("still here");
        expect(await local.client.next()).toBe("still here");
        const codes = await Promise.all([center.client.closed, local.client.closed]);
        expect(codes.map(({ code }) => code)).toEqual([1013, 1013]);
      } finally {
        server.cont();
      }
      await Promise.all([at.follow(1, "center"), at.follow(2, "local")]);
    },
  );
});

describe("a node of pipes", () => {
  const LEASE = { lease: "2s" };

  /** Two nodes; a pair talks at node 0. */
  async function withPair(
    body: (at: Parameters<Parameters<typeof withNodes>[1]>[0], pair: End[]) => Promise<void>,
  ) {
    const { port } = await redis();
    await withNodes({ count: 2, redis: port, routes: routeOf("reject"), engine: LEASE }, async (nodes) => {
      const base = `ws://${nodes.host(0)}`;
      await body(nodes, await Promise.all([follow(base, "center"), follow(base, "local")]));
    });
  }
  const meet = (host: string) =>
    Promise.all([follow(`ws://${host}`, "center"), follow(`ws://${host}`, "local")]);

  withRedis("that is killed leaves its groups to another one after two leases at most", () =>
    withPair(async (nodes) => {
      const killed = performance.now();
      await nodes.kill9(0);
      await meet(nodes.host(1));
      expect(performance.now() - killed).toBeLessThan(4_000);
    }),
  );

  withRedis("that stops leaves them at once", () =>
    withPair(async (nodes, pair) => {
      const ended = nodes.term(0);
      expect((await Promise.all(pair.map(({ client }) => client.closed))).map(({ code }) => code)).toEqual([
        1012, 1012,
      ]);
      await Promise.all([ended, meet(nodes.host(1))]);
    }),
  );

  withRedis("that was stopped and comes back ends what it has lost, and the new pair goes on", () =>
    withPair(async (nodes, pair) => {
      nodes.stop(0);
      const [center, local] = await meet(nodes.host(1));
      pair[0]?.client.send("late");
      nodes.cont(0);
      const codes = await Promise.all(pair.map(({ client }) => client.closed));
      expect(codes.map(({ code }) => code)).toEqual([1013, 1013]);
      expect(pair.map(({ client }) => client.waiting)).toEqual([0, 0]);
      center?.client.send("here");
      expect(await local?.client.next()).toBe("here");
    }),
  );
});
