/**
 * Subscribing, publishing, closing and cutting inside the hooks for messages and ends, 100,000 steps of it (CVE-2020-36406): the runtime
 * has a tree of channels in native code, and a close runs the close hook inside the call. Then the same over `fairlead.v1`.
 */
import { expect, test } from "bun:test";
import type { Connection } from "../../src/connection.ts";
import type { Route } from "../../src/route.ts";
import { eventually } from "../calm.ts";
import { connect, startGateway, type TestClient } from "../gateway.ts";
import { newSeed, seeded } from "../seeded.ts";
import { type ServedRoute, serveRoute } from "../serve-route.ts";

const STEPS = 100_000;
const CLIENTS = 24;
const CHANNELS = Array.from({ length: 8 }, (_, nth) => `channel ${nth}`);

test("channels and connections change under whoever walks over them, and every counter ends at 0", async () => {
  const seed = newSeed();
  console.log(`re-entrancy: FAIRLEAD_SEED=${seed}`);
  const draw = seeded(seed);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(draw() * list.length)];
  const open = new Set<Connection>();
  let steps = 0;

  function step(): void {
    steps += 1;
    const [connection, channel = ""] = [pick([...open]), pick(CHANNELS)];
    const what = draw();
    if (what < 0.35) connection?.subscribe(channel);
    else if (what < 0.6) connection?.unsubscribe(channel);
    else if (what < 0.9) served.listener.publish(channel, "x");
    else if (what < 0.97) connection?.send("to one");
    else if (what < 0.99) connection?.close(1000, "in a hook");
    else connection?.terminate(1013, "in a hook");
  }
  const walk = (count: number) => {
    for (let left = count; left > 0; left -= 1) step();
  };
  const hooks: Partial<Route> = {
    open: (connection) => void open.add(connection),
    message: () => walk(60),
    close(connection) {
      open.delete(connection);
      walk(steps < STEPS ? 5 : 0);
    },
  };
  const served: ServedRoute = serveRoute(hooks);
  const url = `ws://${served.host}/x/a`;

  /** One client after the other, each talking until it is closed. */
  async function come(): Promise<void> {
    while (steps < STEPS) {
      using client: TestClient = await connect(url);
      const isOpen = () => client.socket.readyState === WebSocket.OPEN;
      while (isOpen() && steps < STEPS) {
        client.send("go");
        await Promise.race([client.next(), client.closed, new Promise((done) => setTimeout(done, 5))]);
      }
    }
  }

  await Promise.all(Array.from({ length: CLIENTS }, come));
  for (const connection of [...open]) connection.close(1000, "the end");
  await eventually("everybody has gone", () => served.endpoint.counters.connections === 0);
  expect(open.size).toBe(0);
  expect(served.capacity.used).toBe(0);
  expect(served.endpoint.counters.errors).toBe(0);
  expect(served.lines.filter(({ level }) => level === "error")).toEqual([]);
}, 30_000);

test("commands that subscribe, publish, end and leave in one read, of many at once, leave nothing behind", async () => {
  const draw = seeded(newSeed());
  await using gateway = await startGateway({
    "/feed/:topic": { kind: "feed", welcome: false, publish: true },
  });
  const topics = ["a", "b", "a.b", "*", ">"];
  const command = (id: number) => {
    const topic = topics[Math.floor(draw() * topics.length)] ?? "a";
    const t = ["sub", "unsub", "pub", "who", "history"][Math.floor(draw() * 5)];
    return JSON.stringify({ t, id, topic, data: "x", presence: draw() < 0.5 });
  };

  async function talk(): Promise<void> {
    for (let life = 0; life < 5; life += 1) {
      using client = await connect(gateway.ws("/feed/own"), ["fairlead.v1"]);
      for (let id = 1; id <= 40; id += 1) client.send(command(id));
      if (draw() < 0.5) await client.next();
      client.socket.close();
      await client.closed;
    }
  }

  await Promise.all(Array.from({ length: 20 }, talk));
  const series = (name: string) => gateway.metric(`${name}{route="/feed/:topic"}`);
  await eventually("everybody has gone", async () => (await series("fairlead_connections")) === 0);
  expect(await series("fairlead_route_errors_total")).toBe(0);
  expect(await series("fairlead_messages_queued")).toBe(0);
});
