/** Real tokens on relays, bridges and echoes of a real gateway: rights, whose sessions and streams are, expiry and revocation. */
import { describe, expect, onTestFinished, test } from "bun:test";
import type { ConfigInput } from "../../src/config/schema.ts";
import * as frames from "../../src/wire/bridge-frames.ts";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { entry, FRESH, NOW, SECRET, sign } from "../auth/tokens.ts";
import { eventually } from "../calm.ts";
import { testClock } from "../clock.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { ask, frame, type RawClient, upgrade } from "../raw-client.ts";
import { startService } from "../tcp-service.ts";
import { binary, nextData } from "./bridge-house.ts";
import { envelope } from "./relay-house.ts";

const BRIDGE = frames.BRIDGE_PROTOCOL;
/** The clock leaps, and no pong comes within a leap. */
const heartbeat = { ping: 0 };

/** `target`: of a service that sends back what it gets. */
type Routes = (target: string) => NonNullable<ConfigInput["routes"]>;

async function tokenHouse(routes: Routes) {
  const clock = testClock();
  const service = await startService((peer) => peer.echo());
  onTestFinished(() => service[Symbol.dispose]());
  const gateway = await startGateway(
    routes(service.target),
    { auth: { jwt: { secret: SECRET } } },
    { clock },
  );
  onTestFinished(async () => {
    const stopped = gateway.gateway.stop();
    const ticks = setInterval(() => clock.advance(100), 1);
    await stopped.finally(() => clearInterval(ticks));
  });
  return { gateway, service, clock };
}

const tokenOf = (user: string, claims: object = {}) => sign({ sub: user, iat: NOW, ...FRESH, ...claims });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The status of a plain handshake. */
const statusOf = async (gateway: TestGateway, path: string, token: string) =>
  (await ask(gateway.host, { path, headers: bearer(token) })).status;

/** Opens or resumes a stream; its first frame, or the code that it is closed with. */
async function stream(gateway: TestGateway, token: string, query = "") {
  const headers = { "Sec-WebSocket-Protocol": `${BRIDGE}, ${entry(token)}` };
  const client = await upgrade(gateway.host, { path: `/bridge${query}`, headers });
  onTestFinished(() => client[Symbol.dispose]());
  return { client, first: await firstOf(client) };
}

async function firstOf(client: RawClient): Promise<frames.BridgeFrame | number> {
  const { opcode, payload } = await nextData(client);
  if (opcode === 8) return payload.readUInt16BE(0);
  const read = frames.readFrame(payload, frames.MAX_DATA);
  if (read === undefined || read.type === "bad") throw new Error("no frame of a stream");
  return read;
}

function sidOf(first: frames.BridgeFrame | number): string {
  if (typeof first === "number" || first.type !== "connected")
    throw new Error(`no stream: ${JSON.stringify(first)}`);
  return first.sid;
}

const parked = (gateway: TestGateway, count: number) =>
  eventually(
    `${count} parked`,
    async () => (await gateway.metric('fairlead_bridge_streams_parked{route="/bridge"}')) === count,
  );

describe("a bridge asks a token", () => {
  const bridge: Routes = (target) => ({
    "/bridge": { kind: "bridge", target, heartbeat },
    "/vnc/:host": { kind: "bridge", targets: { lab: target }, heartbeat },
    "/tcp": { kind: "bridge", allow: [target], heartbeat },
    "/echo": { kind: "echo", heartbeat },
  });

  test("for the right to its target, dials nobody without it, and says the same of what does not exist", async () => {
    const { gateway, service } = await tokenHouse(bridge);
    const caps = { "/vnc/:host": { connect: ["office"] }, "/tcp": { connect: [] }, "/echo": {} };
    const token = await tokenOf("ann", { caps });
    const [, port] = service.target.split(":");
    const answers = await Promise.all(
      [
        "/bridge",
        "/vnc/lab",
        "/vnc/none",
        "/vnc/office",
        `/tcp?host=127.0.0.1&port=${port}`,
        "/tcp?host=127.0.0.1&port=1",
        "/echo",
      ].map((path) => statusOf(gateway, path, token)),
    );
    expect(answers).toEqual([403, 403, 403, 404, 403, 403, 403]);
    expect([await statusOf(gateway, "/vnc/lab", "x.y.z"), service.accepted]).toEqual([401, 0]);
  });

  test("for the one target that it is for, which its client need not name", async () => {
    const { gateway, service } = await tokenHouse(bridge);
    const token = await tokenOf("ann", { target: service.target });
    const client = await upgrade(gateway.host, { path: "/tcp", headers: bearer(token) });
    onTestFinished(() => client[Symbol.dispose]());
    client.write(binary("hello"));
    expect((await nextData(client)).payload.toString()).toBe("hello");
    const elsewhere = await Promise.all(
      ["/tcp?host=127.0.0.1&port=1", "/vnc/lab", "/bridge"].map((path) => statusOf(gateway, path, token)),
    );
    expect([elsewhere, service.accepted]).toEqual([[403, 403, 403], 1]);
  });
});

describe("a stream", () => {
  const bridge: Routes = (target) => ({ "/bridge": { kind: "bridge", target, heartbeat } });

  test("goes on for the user who opened it, with any token of that user, and for nobody else", async () => {
    const { gateway } = await tokenHouse(bridge);
    const opened = await stream(gateway, await tokenOf("ann"));
    const query = `?sid=${sidOf(opened.first)}&ack=0`;
    opened.client.reset();
    await parked(gateway, 1);
    expect((await stream(gateway, await tokenOf("bob"), query)).first).toBe(4510);
    const narrow = await tokenOf("ann", { caps: { "/bridge": { connect: ["other"] } } });
    expect((await stream(gateway, narrow, query)).first).toBe(3003);
    const again = await stream(gateway, await tokenOf("ann", { jti: "another" }), query);
    expect(again.first).toEqual({ type: "reconnected", count: 0 });
  });

  test("whose token has ended is closed with 3000, waits, and goes on with a new one", async () => {
    const { gateway, clock, service } = await tokenHouse(bridge);
    const opened = await stream(gateway, await tokenOf("ann", { exp: NOW + 10 }));
    opened.client.write(binary(frames.dataFrame(Buffer.from("kept"))));
    expect(await firstOf(opened.client)).toMatchObject({ type: "data" });
    clock.advance(10_000);
    clock.advance(26_000);
    expect((await opened.client.ending()).code).toBe(3000);
    await parked(gateway, 1);
    const query = `?sid=${sidOf(opened.first)}&ack=0`;
    const again = await stream(gateway, await tokenOf("ann", { exp: NOW + 3_600 }), query);
    expect([again.first, await firstOf(again.client)]).toMatchObject([
      { count: 4 },
      { bytes: Buffer.from("kept") },
    ]);
    expect(service.accepted).toBe(1);
  });

  test("whose user is revoked ends, parked or not, and its target hears of it", async () => {
    const { gateway, service } = await tokenHouse(bridge);
    const [here, away] = [
      await stream(gateway, await tokenOf("ann")),
      await stream(gateway, await tokenOf("ann")),
    ];
    const other = await stream(gateway, await tokenOf("bob"));
    away.client.reset();
    await parked(gateway, 1);
    expect(gateway.gateway.revoke({ user: "ann" })).toBe(1);
    expect((await here.client.ending()).code).toBe(3000);
    await eventually("the targets of both are gone", () => service.open === 1);
    expect(await gateway.metric('fairlead_bridge_streams{route="/bridge"}')).toBe(1);
    other.client.write(binary(frames.dataFrame(Buffer.from("still"))));
    expect(await firstOf(other.client)).toMatchObject({ type: "data" });
    const fresh = await tokenOf("ann", { iat: NOW + 10 });
    expect((await stream(gateway, fresh, `?sid=${sidOf(away.first)}&ack=0`)).first).toBe(4510);
  });
});

describe("a relay asks a token", () => {
  const relay: Routes = () => ({
    "/relay": { kind: "relay", timeout: 0, heartbeat },
    "/pipe": { kind: "relay", mode: "pipe", heartbeat },
  });
  const caps = { "/relay": { "join:local": ["lab.*"] }, "/pipe": { "join:local": ["lab.1"] } };

  async function join(gateway: TestGateway, token: string, command: object) {
    const headers = { "Sec-WebSocket-Protocol": `${PROTOCOL}, ${entry(token)}` };
    const client = await upgrade(gateway.host, { path: "/relay", headers });
    onTestFinished(() => client[Symbol.dispose]());
    await nextData(client);
    client.write(frame(JSON.stringify({ t: "join", id: 1, ...command })));
    return { client, answer: JSON.parse((await nextData(client)).payload.toString()) };
  }

  test("for the right to a role, in every way to ask for one", async () => {
    const { gateway } = await tokenHouse(relay);
    const token = await tokenOf("ann", { caps });
    expect((await join(gateway, token, { group: "lab.1", role: "local" })).answer).toMatchObject({ t: "ok" });
    for (const place of [
      { group: "lab.1", role: "center" },
      { group: "lab", role: "local" },
    ]) {
      const { client, answer } = await join(gateway, token, place);
      expect(answer).toMatchObject({ t: "err", code: "forbidden" });
      expect((await client.ending()).code).toBe(3003);
    }
    const plain = await upgrade(gateway.host, { path: "/relay", headers: bearer(token) });
    plain.write(frame(envelope({ group_id: "hall", sender_type: "local" })));
    expect((await plain.ending()).code).toBe(3003);
    expect(await statusOf(gateway, "/pipe?group=lab.2&role=local", token)).toBe(403);
    expect(await statusOf(gateway, "/pipe?group=lab.1&role=local", token)).toBe(101);
  });

  test("whose session it is: it goes on for its user, and ends when that one is revoked", async () => {
    const { gateway } = await tokenHouse(relay);
    const place = { group: "g", role: "center" };
    const ann = await join(gateway, await tokenOf("ann"), place);
    const goesOn = { ...place, session: ann.answer.session, upto: 0 };
    const isAway = (peer: RawClient) => {
      peer.reset();
      const connections = () => gateway.metric('fairlead_connections{route="/relay"}');
      return eventually("it is away", async () => (await connections()) === 0);
    };
    await isAway(ann.client);
    const bob = await join(gateway, await tokenOf("bob"), goesOn);
    expect(bob.answer).toMatchObject({ code: "gone" });
    await isAway(bob.client);
    const back = await join(gateway, await tokenOf("ann"), goesOn);
    expect(back.answer).toMatchObject({ t: "ok", session: ann.answer.session });
    await isAway(back.client);
    gateway.gateway.revoke({ user: "ann" });
    const fresh = await join(gateway, await tokenOf("ann", { iat: NOW + 10 }), goesOn);
    expect(fresh.answer).toMatchObject({ code: "gone" });
  });
});
