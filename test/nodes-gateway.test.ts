/** Gateways that share a Redis: who they say is there, and what a revocation on one of them does on the others. */
import { expect } from "bun:test";
import { entry } from "./auth/tokens.ts";
import { eventually } from "./calm.ts";
import { connect, memoryLog, startGateway, type TestClient } from "./gateway.ts";
import { nodesAt, OPERATED, revokeAt, statusAt, userToken } from "./operators.ts";
import { bounded } from "./raw-client.ts";
import { sharedRedis, startRedis } from "./redis-house.ts";
import { requires } from "./requires.ts";
import { startProxy } from "./tcp-proxy.ts";

const redis = sharedRedis();
const test = requires("redis-server");

const ROUTES = { "/feed/:topic": { kind: "feed" }, "/room/:name": { kind: "room" } } as const;

interface NodeOptions {
  readonly name?: string;
  readonly maxMessage?: number;
}

async function startNode(url: string, { name = "node", maxMessage = 1_000 }: NodeOptions = {}) {
  const log = memoryLog();
  const gateway = await startGateway(
    { ...ROUTES, "/echo": { kind: "echo", maxMessage } },
    {
      auth: OPERATED,
      node: name,
      advertise: `ws://${name}.example`,
      engine: { redis: url, timeout: "1s", lease: "900ms" },
      drain: { window: 0 },
    },
    { log },
  );
  return { ...gateway, log };
}

/** One that hears the room: who only just came in may be closed when Redis goes away. */
async function inRoom(url: string, token: string): Promise<TestClient> {
  const client = await connect(url, ["fairlead.v1", entry(token)]);
  client.send(JSON.stringify({ t: "pub", data: "here" }));
  while (JSON.parse(String(await bounded("its own message", client.next()))).t !== "msg") {}
  return client;
}

/** Whether a token opens a connection where no engine is needed. */
function comesIn(url: string, token: string): Promise<boolean> {
  const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } });
  const opened = Promise.withResolvers<boolean>();
  socket.onopen = () => opened.resolve(true);
  socket.onerror = () => opened.resolve(false);
  return bounded("the handshake", opened.promise).finally(() => socket.close());
}

const codeOf = async (client: { closed: Promise<{ code: number }> }) =>
  (await bounded("the close", client.closed)).code;

test("each node lists all of them, what they carry, and the sums", async () => {
  const { url } = await redis();
  await using a = await startNode(url, { name: "a" });
  await using b = await startNode(url, { name: "b" });
  using _first = await connect(a.ws("/room/x"), ["fairlead.v1", entry(await userToken("alice"))]);
  using _second = await connect(b.ws("/room/x"), ["fairlead.v1", entry(await userToken("bob"))]);
  const isWhole = async () => (await nodesAt(a.host)).sum.load["connections"] === 2;
  await eventually("a has heard what b carries", isWhole);
  const page = await nodesAt(a.host);
  expect(page.status).toBe(200);
  expect(page.nodes).toMatchObject([
    { name: "a", address: "ws://a.example", age: 0, load: { "connections.room": 1, "connections.echo": 0 } },
    { name: "b", address: "ws://b.example", load: { "connections.room": 1 } },
  ]);
  expect(page.self).toBe(page.nodes[0]?.id ?? "");
  expect(page.sum.age).toBe(page.nodes[1]?.age ?? -1);
  expect(Object.values(page.configs)).toEqual([["a", "b"]]);
  expect((await nodesAt(b.host)).nodes.length).toBe(2);
  expect(await b.metric("fairlead_nodes")).toBe(2);
  await b.gateway.stop();
  expect((await nodesAt(a.host)).nodes.map(({ name }) => name)).toEqual(["a"]);
  expect(await a.metric("fairlead_nodes")).toBe(1);
});

test("two nodes with another config warn of each other, with both names", async () => {
  const { url } = await redis();
  await using a = await startNode(url, { name: "a" });
  await using b = await startNode(url, { name: "b", maxMessage: 2_000 });
  const warnings = ({ log }: typeof a) => log.lines.filter(({ text }) => text.startsWith("! another node"));
  const { configs } = await nodesAt(a.host);
  expect(Object.values(configs)).toEqual([["a"], ["b"]]);
  await eventually("b has looked", () => warnings(b).length > 0);
  expect(warnings(a)).toMatchObject([{ level: "warn", node: "a", other: "b" }]);
  expect(warnings(b)).toMatchObject([{ level: "warn", node: "b", other: "a" }]);
});

test("while Redis is away a node lists itself, with 503", async () => {
  await using own = await startRedis();
  await using a = await startNode(own.url, { name: "a" });
  await using _b = await startNode(own.url, { name: "b" });
  await own.kill();
  const isAlone = async () => (await nodesAt(a.host)).status === 503;
  await eventually("a says that it is alone", isAlone);
  const { nodes, sum, problem } = await nodesAt(a.host);
  expect(nodes.map(({ name }) => name)).toEqual(["a"]);
  expect(sum.nodes).toBe(1);
  expect(problem).toStartWith("engine_down: ");
  await own.restart();
  await eventually("both are there", async () => (await nodesAt(a.host)).sum.nodes === 2);
});

test("a revocation ends connections on another node, and its token counts there no more, nor on one that starts later", async () => {
  const { url } = await redis();
  await using a = await startNode(url);
  await using b = await startNode(url);
  const [old, other] = [await userToken("alice"), await userToken("bob")];
  using alice = await connect(b.ws("/room/x"), ["fairlead.v1", entry(old)]);
  using bob = await connect(b.ws("/room/x"), ["fairlead.v1", entry(other)]);
  expect(await statusAt(b.host, "/feed/t", old)).toBe(200);
  const answer = await revokeAt(a.host, { user: "alice" });
  // The connection is one of the other node.
  expect([answer.status, await answer.json()]).toEqual([200, { ended: 0 }]);
  expect(await codeOf(alice)).toBe(3000);
  expect(await statusAt(b.host, "/feed/t", old)).toBe(401);
  await using c = await startNode(url);
  expect([await statusAt(c.host, "/feed/t", old), await statusAt(c.host, "/feed/t", other)]).toEqual([
    401, 200,
  ]);
  const fresh = await userToken("alice", { iat: Math.floor(Date.now() / 1_000) + 2 });
  expect(await statusAt(c.host, "/feed/t", fresh)).toBe(200);
  expect(bob.socket.readyState).toBe(WebSocket.OPEN);
  expect(b.log.lines).toContainEqual({ level: "info", text: "revoked at another node", count: 1, ended: 1 });
});

test("a node whose link to Redis was cut ends them when it is back, and trusts no token before", async () => {
  const { url, port } = await redis();
  using way = await startProxy(port);
  await using a = await startNode(url);
  await using b = await startNode(`redis://${way.host}`);
  const token = await userToken("alice", { jti: "t-1" });
  using alice = await inRoom(b.ws("/room/x"), token);
  way.isShut = true;
  way.reset();
  await eventually("b is cut off", async () => (await b.metric("fairlead_engine_up")) === 0);
  expect((await revokeAt(a.host, { tokenId: "t-1" })).status).toBe(200);
  // It cannot know, and goes on.
  expect(await comesIn(b.ws("/echo"), token)).toBe(true);
  expect(alice.socket.readyState).toBe(WebSocket.OPEN);
  way.isShut = false;
  await eventually("b is back", async () => (await b.metric("fairlead_engine_up")) === 1);
  expect(await comesIn(b.ws("/echo"), token)).toBe(false);
  expect(await codeOf(alice)).toBe(3000);
});

test("a revocation while Redis is away says that others do not know it yet, and they learn it when it is back", async () => {
  await using own = await startRedis();
  await using a = await startNode(own.url);
  await using b = await startNode(own.url);
  const token = await userToken("alice");
  using here = await inRoom(a.ws("/room/x"), token);
  using there = await inRoom(b.ws("/room/x"), token);
  await own.kill();
  const answer = await revokeAt(a.host, { user: "alice" });
  expect([answer.status, await answer.text()]).toEqual([
    503,
    expect.stringContaining("Revoked on this node"),
  ]);
  expect(await codeOf(here)).toBe(3000);
  expect(there.socket.readyState).toBe(WebSocket.OPEN);
  await own.restart();
  expect(await codeOf(there)).toBe(3000);
  expect(a.gateway.revoke({ user: "nobody" })).toBe(0);
});

test("a node that starts without Redis trusts no token until it has read what was revoked", async () => {
  await using own = await startRedis();
  const token = await userToken("alice");
  await own.kill();
  await using a = await startNode(own.url);
  expect(await statusAt(a.host, "/feed/t", token)).toBe(503);
  await own.restart();
  await eventually("it is trusted", async () => (await statusAt(a.host, "/feed/t", token)) === 200);
});
