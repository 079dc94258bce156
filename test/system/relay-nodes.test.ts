/**
 * A relay over three processes and one Redis: two peers with the library talk without pause while the nodes under them are killed, stopped
 * and stood still, one after the other. Each message is taken once, in order, and its sender is told so.
 */
import { expect } from "bun:test";
import { openRelay } from "../../src/client/relay.ts";
import { type Nodes, withNodes } from "../nodes-house.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { startProxy, type TcpProxy } from "../tcp-proxy.ts";

const redis = sharedRedis();
const test = requires("redis-server");
const LEASE_MS = 1_000;
/** Under way at a time. */
const WINDOW = 16;

test("two peers lose nothing and get nothing twice while their nodes are killed, stopped and stand still", async () => {
  const { port } = await redis();
  const engine = { lease: `${LEASE_MS}ms`, timeout: "500ms" };
  const routes = { "/relay": { kind: "relay", queue: { ttl: "60s" } } } as const;
  await withNodes({ redis: port, engine, routes, seconds: 55, config: { drain: { window: "200ms" } } }, play);
}, 60_000);

async function play(nodes: Nodes): Promise<void> {
  const [left, right] = [await openPeer(nodes, "center", 0), await openPeer(nodes, "local", 1)];
  let isOver = false;
  const talking = [left, right].map((peer) => talk(peer, () => isOver));
  for (const [round, shake] of [kill, stop, hang, kill, hang, stop].entries()) {
    await shake(nodes, round % nodes.count, [left, right]);
    await progress([left, right]);
  }
  isOver = true;
  const said = await Promise.all(talking);
  for (const [index, peer] of [left, right].entries()) {
    const other = index === 0 ? right : left;
    expect(other.taken).toEqual(Array.from({ length: said[index] ?? 0 }, (_, n) => n));
    await peer.relay.close();
    peer.way[Symbol.dispose]();
  }
}

interface Peer {
  readonly relay: ReturnType<typeof openRelay>;
  readonly way: TcpProxy;
  node: number;
  readonly taken: unknown[];
}

async function openPeer(nodes: Nodes, role: "center" | "local", node: number): Promise<Peer> {
  const way = await startProxy(portOf(nodes, node));
  const delays = { minDelay: 20, maxDelay: 100 };
  const relay = openRelay(`ws://${way.host}/relay`, { group: "g", role, ...delays });
  const peer: Peer = { relay, way, node, taken: [] };
  void (async () => {
    for await (const { data } of relay) peer.taken.push(data);
  })();
  return peer;
}

/** Says numbers until it is over; how many. A send that does not end as delivered fails the test. */
async function talk({ relay }: Peer, isOver: () => boolean): Promise<number> {
  const open = new Set<Promise<void>>();
  let count = 0;
  for (; !isOver(); count += 1) {
    const sent = relay.send(count).finally(() => open.delete(sent));
    open.add(sent);
    if (open.size >= WINDOW) await Promise.race(open);
  }
  await Promise.all(open);
  return count;
}

async function kill(nodes: Nodes, node: number, peers: readonly Peer[]): Promise<void> {
  await nodes.kill9(node);
  move(nodes, node, peers);
  await nodes.start(node);
}

async function stop(nodes: Nodes, node: number, peers: readonly Peer[]): Promise<void> {
  move(nodes, node, peers);
  await nodes.term(node);
  await nodes.start(node);
}

/** For longer than it is waited for. */
async function hang(nodes: Nodes, node: number, peers: readonly Peer[]): Promise<void> {
  nodes.stop(node);
  move(nodes, node, peers);
  for (const peer of peers) if (peer.node === (node + 1) % nodes.count) peer.way.reset();
  await new Promise((done) => setTimeout(done, 3 * LEASE_MS));
  nodes.cont(node);
}

/** Who was there is led to the next one when it comes back. */
function move(nodes: Nodes, from: number, peers: readonly Peer[]): void {
  for (const peer of peers) {
    if (peer.node !== from) continue;
    peer.node = (from + 1) % nodes.count;
    peer.way.target = portOf(nodes, peer.node);
  }
}

/** Both have taken more than before. */
async function progress(peers: readonly Peer[]): Promise<void> {
  const before = peers.map(({ taken }) => taken.length + 100);
  while (peers.some(({ taken }, index) => taken.length < (before[index] ?? 0)))
    await new Promise((done) => setTimeout(done, 10));
}

const portOf = (nodes: Nodes, node: number) => Number(nodes.host(node).split(":")[1]);
