/** Byte streams over links that are cut again and again: what comes out is what went in, byte for byte, however the cuts fall. */
import { expect, test } from "bun:test";
import { resumeClient } from "../bridge/resume/client.ts";
import { eventually } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { noise, sha256 } from "../routes/bridge-house.ts";
import { startProxy, type TcpProxy } from "../tcp-proxy.ts";
import { startService, type TcpPeer } from "../tcp-service.ts";

const MIB = 1024 * 1024;
const LIMIT_MS = 60_000;

async function house(serve: (peer: TcpPeer) => void, resume = {}) {
  const service = await startService(serve);
  const gateway = await startGateway({ "/bridge": { kind: "bridge", target: service.target, resume } });
  const proxy = await startProxy(gateway.gateway.address.port);
  return {
    service,
    gateway,
    proxy,
    join: (block: Buffer, maxData?: number) =>
      resumeClient({ url: `ws://${proxy.host}/bridge`, block, ...(maxData && { maxData }) }),
    async expectCalm() {
      await eventually(
        "every descriptor is back",
        async () => (await gateway.metric("fairlead_descriptors_used")) === 0,
      );
      expect(await gateway.metric('fairlead_bridge_streams{route="/bridge"}')).toBe(0);
    },
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      proxy[Symbol.dispose]();
      await gateway.gateway.stop();
    },
  };
}

/** Of a stream whose sid has not come yet nobody knows: cut before that, another one takes its place, and it waits for its window. */
const begun = (client: { readonly taken: number }) =>
  eventually("the stream has begun", () => client.taken > 0);

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Ends the link where some bytes of either direction have come through and the rest has not: inside a frame, more often than not. */
async function cut(proxy: TcpProxy): Promise<void> {
  proxy.hold();
  await pause(1 + Math.random() * 4);
  proxy.letThrough(Math.floor(Math.random() ** 3 * 20_000));
  proxy.reset();
  proxy.flow();
}

/** 50 to 500 ms, the short ones most often: so many cuts should not take minutes. */
const gap = () => 50 + 450 * Math.random() ** 10;

test(
  "64 MiB there and back come out exact over 200 cuts, with half-closes at the end",
  async () => {
    await using a = await house((peer) => peer.echo());
    const block = noise(64 * MIB);
    const client = a.join(block);
    const [cuts, perCut] = [200, block.length / 205];
    client.allow(1);
    await begun(client);
    let isOver = false;
    const ended = client.ended.finally(() => {
      isOver = true;
    });
    for (let n = 1; n <= cuts && !isOver; n += 1) {
      client.allow(Math.floor(n * perCut));
      await pause(gap());
      await cut(a.proxy);
    }
    client.allow(block.length);
    expect(await ended).toBe(1000);
    expect([client.taken, client.hash()]).toEqual([block.length + 1, sha256(block)]);
    expect(client.connections).toBeGreaterThan(cuts * 0.9);
    expect(a.service.accepted).toBe(1);
    await a.expectCalm();
  },
  LIMIT_MS,
);

test(
  "an echoing target with both directions full is no deadlock, cut or not",
  async () => {
    await using a = await house((peer) => peer.echo());
    const block = noise(64 * MIB, 2);
    const client = a.join(block);
    let isOver = false;
    const ended = client.ended.finally(() => {
      isOver = true;
    });
    await begun(client);
    for (let n = 0; n < 20 && !isOver; n += 1) {
      await pause(10 + Math.random() * 40);
      await cut(a.proxy);
    }
    expect(await ended).toBe(1000);
    expect([client.taken, client.hash()]).toEqual([block.length + 1, sha256(block)]);
    await a.expectCalm();
  },
  LIMIT_MS,
);

/** Resolves when the number has not moved for a while. */
async function standstill(value: () => number): Promise<number> {
  for (let [last, since] = [value(), 0]; ; since += 1) {
    await pause(20);
    if (value() !== last) [last, since] = [value(), 0];
    else if (since > 15) return last;
  }
}

test(
  "a reader that stalls is owed at most 1 MiB, holds up neither its own bytes nor its pings, and goes on after a cut",
  async () => {
    const [down, up] = [noise(24 * MIB, 3), noise(8 * MIB, 4)];
    await using a = await house((peer) => void peer.write(down).then(() => peer.end()));
    const client = a.join(up);
    client.stall();
    const peer = await a.service.next();
    await peer.has(up.length);
    const counted = () => a.gateway.metric('fairlead_message_bytes_total{route="/bridge",direction="out"}');
    let sent = 0;
    const poll = setInterval(() => void counted().then((now) => (sent = now)), 20);
    const owed = await standstill(() => sent);
    clearInterval(poll);
    expect(owed).toBeGreaterThan(MIB / 2);
    expect(owed).toBeLessThan(MIB + 64 * 1024);
    await cut(a.proxy);
    await eventually("it is back", () => client.connections === 2);
    client.flow();
    expect(await client.ended).toBe(1000);
    expect([client.taken, client.hash(), peer.hash()]).toEqual([down.length + 1, sha256(down), sha256(up)]);
    await a.expectCalm();
  },
  LIMIT_MS,
);

test(
  "a target that reads nothing is owed at most 1 MiB, and gets all of it in the end",
  async () => {
    const block = noise(24 * MIB, 5);
    await using a = await house((peer) => peer.pause());
    const client = a.join(block);
    const peer = await a.service.next();
    await standstill(() => client.unacknowledged);
    expect(client.unacknowledged).toBeLessThanOrEqual(MIB);
    for (let n = 0; n < 3; n += 1) await cut(a.proxy);
    await eventually("it is back", () => client.connections > 1);
    peer.resume();
    expect(await client.ended).toBe(1000);
    expect(peer.hash()).toBe(sha256(block));
    await a.expectCalm();
  },
  LIMIT_MS,
);

test(
  "a link that is gone for longer than the window is told, not silent",
  async () => {
    await using a = await house((peer) => peer.echo(), { window: 200 });
    const client = a.join(noise(64 * MIB, 6));
    const peer = await a.service.next();
    await peer.has(MIB);
    const { port } = a.gateway.gateway.address;
    a.proxy.target = 1;
    a.proxy.reset();
    await peer.ended();
    a.proxy.target = port;
    expect(await client.ended).toBe(4510);
    await a.expectCalm();
  },
  LIMIT_MS,
);

test(
  "twenty streams at once, each cut at moments of its own, keep apart",
  async () => {
    await using a = await house((peer) => peer.echo());
    const clients = Array.from({ length: 20 }, (_, n) => ({
      block: noise(MIB + n * 1_000, n + 10),
      maxData: 50 + n * 3_000,
    }));
    const joined = clients.map(({ block, maxData }) => ({ block, client: a.join(block, maxData) }));
    for (let n = 0; n < 8; n += 1) {
      await pause(50);
      await cut(a.proxy);
    }
    for (const { block, client } of joined) {
      expect(await client.ended).toBe(1000);
      expect(client.hash()).toBe(sha256(block));
    }
    await a.expectCalm();
  },
  LIMIT_MS,
);
