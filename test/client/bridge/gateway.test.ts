/**
 * openBridge against a real gateway and a TCP service, over links that a proxy cuts at any byte. The seed is in the test's name;
 * FAIRLEAD_SEED repeats it.
 */
import { expect, test } from "bun:test";
import { type OpenBridgeOptions, openBridge } from "../../../src/client/bridge.ts";
import { eventually } from "../../calm.ts";
import { startGateway } from "../../gateway.ts";
import { noise, sha256 } from "../../routes/bridge-house.ts";
import { newSeed, seeded } from "../../seeded.ts";
import { startProxy } from "../../tcp-proxy.ts";
import { closedTarget, startService, type TcpPeer } from "../../tcp-service.ts";
import { failure } from "./house.ts";
import { hashAll, writeAll } from "./whole.ts";

const MIB = 1024 * 1024;
const seed = newSeed();

async function house(serve: (peer: TcpPeer) => void = () => {}, resume = {}) {
  const service = await startService(serve);
  const gateway = await startGateway({ "/tcp": { kind: "bridge", target: service.target, resume } });
  const proxy = await startProxy(gateway.gateway.address.port);
  const open = (options: OpenBridgeOptions = {}) =>
    openBridge(`ws://${proxy.host}/tcp`, { minDelay: 1, maxDelay: 20, ...options });
  return {
    service,
    gateway,
    proxy,
    open,
    async [Symbol.asyncDispose]() {
      proxy[Symbol.dispose]();
      service[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

test(`an echo comes back exactly while the link is cut at any byte (seed ${seed})`, async () => {
  await using at = await house((peer) => peer.echo());
  const { open, proxy } = at;
  const chance = seeded(seed);
  const bytes = noise(8 * MIB);
  const bridge = open();
  await eventually("an open bridge", () => bridge.status.type === "open");
  let cuts = 0;
  // On a fast machine all would be through before the links had been cut often enough to prove anything.
  const cutOften = () => eventually("several cuts", () => cuts > 3);
  const both = Promise.all([hashAll(bridge), writeAll(bridge, bytes, 100_000, cutOften)]);
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  both.then(over, over);
  while (!isOver) {
    // The links end in the middle of whatever is on its way.
    proxy.hold();
    await Bun.sleep(chance() * 5);
    proxy.letThrough(chance() * 100_000);
    proxy.reset();
    cuts += 1;
    proxy.flow();
    await Bun.sleep(chance() * 40);
  }
  const [hash] = await both;
  await bridge.closed;
  expect(hash).toBe(sha256(bytes));
  expect(at.service.accepted).toBe(1);
}, 30_000);

test("each side ends its direction by itself, in either order", async () => {
  await using at = await house((peer) => peer.stay());
  const bridge = at.open();
  const writer = bridge.writable.getWriter();
  await writer.write(noise(1000));
  const peer = await at.service.next();
  peer.end();
  expect(await hashAll(bridge)).toBe(sha256(new Uint8Array()));
  await writer.write(noise(1000));
  await writer.close();
  await bridge.closed;
  expect([await peer.ended(), peer.received]).toEqual(["end", 2000]);

  const other = at.open();
  const bytes = noise(3 * MIB);
  await writeAll(other, bytes);
  const second = await at.service.next();
  expect([await second.ended(), second.hash()]).toEqual(["end", sha256(bytes)]);
  const back = hashAll(other);
  await second.write(bytes);
  second.end();
  expect(await back).toBe(sha256(bytes));
  await other.closed;
});

test("a reader that stalls makes the service wait, holds nothing else up, and gets everything", async () => {
  await using at = await house();
  const bridge = at.open();
  const peer = await at.service.next();
  const bytes = noise(32 * MIB);
  let written = 0;
  const all = (async () => {
    for (let from = 0; from < bytes.length; from += 65_536) {
      await peer.write(bytes.subarray(from, from + 65_536));
      written += 65_536;
    }
    peer.end();
  })();
  const writer = bridge.writable.getWriter();
  let before = -1;
  await eventually("a service that waits", async () => {
    const now = written;
    await writer.write(noise(10));
    await Bun.sleep(20);
    const stands = now === before && written === now && now > 0;
    before = now;
    return stands;
  });
  // Two windows, and what the system keeps of two connections.
  expect(written).toBeLessThan(24 * MIB);
  await peer.has(10);
  at.proxy.reset();
  expect(await hashAll(bridge)).toBe(sha256(bytes));
  await all;
  await writer.close();
  await bridge.closed;
}, 20_000);

test("a service that resets its connection is a lost stream, with the bytes before it", async () => {
  await using at = await house();
  const bridge = at.open();
  const peer = await at.service.next();
  await peer.write("last words");
  const reader = bridge.readable.getReader();
  expect(new TextDecoder().decode((await reader.read()).value)).toBe("last words");
  peer.reset();
  expect(await failure(reader.read())).toMatchObject({
    code: "lost",
    message: expect.stringContaining("closed with 1014"),
  });
});

test("a gateway that no longer knows the stream says so", async () => {
  await using at = await house(undefined, { window: 1 });
  const bridge = at.open();
  await at.service.next();
  await eventually("an open bridge", () => bridge.status.type === "open");
  const [, port] = (await closedTarget()).split(":");
  at.proxy.target = Number(port);
  at.proxy.reset();
  await eventually("no stream", () => at.service.open === 0);
  at.proxy.target = at.gateway.gateway.address.port;
  expect(await failure(bridge.closed)).toMatchObject({
    code: "lost",
    message: expect.stringContaining("closed with 4510"),
  });
});

test("a service that is not there is a bridge that was refused", async () => {
  await using gateway = await startGateway({ "/tcp": { kind: "bridge", target: await closedTarget() } });
  const bridge = openBridge(gateway.ws("/tcp"));
  expect(await failure(bridge.closed)).toMatchObject({
    code: "refused",
    message: expect.stringContaining("log"),
  });
});

test("a bridge that this side ends is the end for the service", async () => {
  await using at = await house();
  const over = new AbortController();
  const bridge = at.open({ signal: over.signal });
  const peer = await at.service.next();
  const writer = bridge.writable.getWriter();
  await writer.write(noise(10));
  await peer.has(10);
  over.abort();
  await bridge.closed;
  expect(await peer.ended()).toBe("end");
});
