/** A room on several gateways: what one who watches is told of the members of others that die, stand still, or lose Redis. */
import { expect } from "bun:test";
import { eventually } from "../calm.ts";
import { type Nodes, withNodes } from "../nodes-house.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { speak, type V1Client } from "../v1-client.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const LEASE_MS = 1_000;
const routes = { "/room/:topic": { kind: "room" } } as const;

async function three(body: (nodes: Nodes, flush: () => Promise<void>) => Promise<void>): Promise<void> {
  const server = await redis();
  const engine = { lease: LEASE_MS, timeout: 1_000 };
  await withNodes({ redis: server.port, routes, engine }, (nodes) => body(nodes, server.flush));
}

const enter = (nodes: Nodes, node: number, query = "") => speak(`ws://${nodes.host(node)}/room/a${query}`);

const connOf = ({ welcome }: V1Client) => String(welcome["conn"]);

async function membersAt(client: V1Client): Promise<string> {
  const { members } = await client.ask({ t: "who", topic: "a", limit: 1_000 });
  return Array.isArray(members)
    ? members
        .map(({ conn }) => String(conn))
        .sort()
        .join()
    : "";
}

const listed = (...clients: readonly V1Client[]) => clients.map(connOf).sort().join();

test("members of a node that is killed leave within two leases, each told once", async () => {
  await three(async (nodes) => {
    using watcher = await enter(nodes, 0, "?presence=1");
    using other = await enter(nodes, 1);
    const guests = [await enter(nodes, 2), await enter(nodes, 2)];
    for (let n = 0; n < 3; n++) expect(await watcher.next()).toMatchObject({ t: "join" });
    expect(await membersAt(watcher)).toBe(listed(watcher, other, ...guests));
    const began = performance.now();
    await nodes.kill9(2);
    const left = [await watcher.next(), await watcher.next()];
    expect(performance.now() - began).toBeLessThan(2 * LEASE_MS);
    expect(left.map(({ t, conn }) => `${t} ${conn}`).sort()).toEqual(
      guests.map((guest) => `leave ${connOf(guest)}`).sort(),
    );
    expect([await membersAt(watcher), await membersAt(other)]).toEqual(Array(2).fill(listed(watcher, other)));
    expect(await watcher.told()).toEqual([]);
  });
});

test("members of a node that stands still leave, and come again when it goes on", async () => {
  await three(async (nodes) => {
    using watcher = await enter(nodes, 0, "?presence=1");
    using guest = await enter(nodes, 1, "?presence=1");
    const conn = connOf(guest);
    expect(await watcher.next()).toMatchObject({ t: "join", conn });
    nodes.stop(1);
    expect(await watcher.next()).toMatchObject({ t: "leave", conn, total: 1 });
    nodes.cont(1);
    expect(await watcher.next()).toMatchObject({ t: "join", conn, total: 2 });
    await eventually("both are listed", async () => (await membersAt(guest)) === listed(watcher, guest));
    expect(await watcher.told()).toEqual([]);
  });
});

test("nobody is told anything when Redis loses all, and all are listed again", async () => {
  await three(async (nodes, flush) => {
    using watcher = await enter(nodes, 0, "?presence=1");
    using guest = await enter(nodes, 1);
    expect(await watcher.next()).toMatchObject({ t: "join", conn: connOf(guest) });
    await flush();
    await eventually("both are listed", async () => (await membersAt(watcher)) === listed(watcher, guest));
    using late = await enter(nodes, 2);
    expect(await watcher.next()).toMatchObject({ t: "join", conn: connOf(late), total: 3 });
    expect(await watcher.told()).toEqual([]);
  });
});
