/** Streams on two gateways that share a Redis, on the wire: what a resume at the wrong one is told, in which form, and who is told nothing. */
import { expect } from "bun:test";
import * as frames from "../../src/wire/bridge-frames.ts";
import { SECRET, sign } from "../auth/tokens.ts";
import { OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { startGateways } from "../shared-gateways.ts";
import { startService } from "../tcp-service.ts";
import type { BridgeInput } from "./bridge-house.ts";
import { nextData } from "./bridge-house.ts";

const BRIDGE = frames.BRIDGE_PROTOCOL;
const redis = sharedRedis();
const withRedis = requires("redis-server");

const tokenOf = (user: string, connect: true | readonly string[] = true) =>
  sign({ sub: user, exp: Math.floor(Date.now() / 1_000) + 600, caps: { "/bridge": { connect } } });

async function house(options: BridgeInput = {}, auth?: object) {
  const service = await startService();
  const gateways = await startGateways({
    redis: (await redis()).url,
    routes: { "/bridge": { kind: "bridge", target: service.target, resume: { ssh: true }, ...options } },
    config: auth === undefined ? {} : { auth: { jwt: { secret: SECRET } } },
  });
  const enter = (
    node: number,
    query = "",
    protocol: string = BRIDGE,
    more: Record<string, string> = {},
    path = "",
  ) =>
    upgrade(gateways.all[node]?.host ?? "", {
      path: `/bridge${path}${query}`,
      headers: { "Sec-WebSocket-Protocol": protocol, ...more },
    });
  return {
    ...gateways,
    service,
    enter,
    async open(protocol: string = BRIDGE, more: Record<string, string> = {}) {
      const client = await enter(0, "", protocol, more);
      return { client, sid: await sidOf(client) };
    },
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      await gateways[Symbol.asyncDispose]();
    },
  };
}

async function sidOf(client: RawClient): Promise<string> {
  const read = frames.readFrame((await nextData(client)).payload, frames.MAX_DATA);
  if (read?.type !== "connected") throw new Error("no CONNECT_SUCCESS");
  return read.sid;
}

/** `4011 ws://...` */
async function closeOf(client: RawClient): Promise<string> {
  const { opcode, payload } = await nextData(client);
  if (opcode !== OPCODE.close) throw new Error(`no close: ${payload.toHex()}`);
  return `${payload.readUInt16BE(0)} ${payload.subarray(2)}`;
}

withRedis("a resume at another node is told the address of the right one, which takes it", async () => {
  await using at = await house();
  const { sid } = await at.open();
  expect(sid).toMatch(/^[\w-]{30}$/);
  expect(await closeOf(await at.enter(1, `?sid=${sid}&ack=0`))).toBe(`4011 ws://${at.ways[0]?.host}`);
  const back = await nextData(await at.enter(0, `?sid=${sid}&ack=0`));
  expect(frames.readFrame(back.payload, frames.MAX_DATA)).toEqual({ type: "reconnected", count: 0 });
  expect(at.service.accepted).toBe(1);
  expect(JSON.stringify(at.logs)).not.toContain(sid.slice(8));
});

withRedis("the SSH form is told the same, on its own path and on the route's", async () => {
  await using at = await house();
  const { sid } = await at.open("ssh");
  for (const path of ["", "/v4/reconnect"]) {
    const client = await at.enter(1, `?sid=${sid}&ack=0`, "ssh", {}, path);
    expect(await closeOf(client)).toBe(`4011 ws://${at.ways[0]?.host}`);
  }
});

withRedis("a node that is named and does not know the stream says so, and sends nobody on", async () => {
  await using at = await house();
  const { sid } = await at.open();
  const forged = `?sid=${sid.slice(0, 8)}${"A".repeat(22)}&ack=0`;
  expect(await closeOf(await at.enter(1, forged))).toStartWith("4011 ");
  expect(await closeOf(await at.enter(0, forged))).toStartWith("4510 ");
  const unknown = `?sid=${"A".repeat(30)}&ack=0`;
  expect(await closeOf(await at.enter(1, unknown))).toStartWith("4510 ");
});

withRedis(
  "who may not come in, or not be led there, is told no address; whose it is, the owner checks",
  async () => {
    await using at = await house({}, {});
    const bearer = async (user: string, connect?: readonly string[]) => ({
      Authorization: `Bearer ${await tokenOf(user, connect)}`,
    });
    const { sid } = await at.open(BRIDGE, await bearer("alice"));
    const query = `?sid=${sid}&ack=0`;
    expect(await closeOf(await at.enter(1, query))).toStartWith("3000 ");
    await expect(at.enter(1, query, "ssh")).rejects.toThrow("401");
    const other = await at.enter(1, query, BRIDGE, await bearer("mallory", ["elsewhere"]));
    expect(await closeOf(other)).toStartWith("3003 no right");
    expect(await closeOf(await at.enter(1, query, BRIDGE, await bearer("bob")))).toStartWith("4011 ");
    expect(await closeOf(await at.enter(0, query, BRIDGE, await bearer("bob")))).toStartWith("4510 ");
    const back = await nextData(await at.enter(0, query, BRIDGE, await bearer("alice")));
    expect(frames.readFrame(back.payload, frames.MAX_DATA)).toMatchObject({ type: "reconnected" });
  },
);
