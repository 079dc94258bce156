/**
 * What a token does to connections while they live, over real sockets of a real gateway whose clock the test moves: first messages,
 * ends, new tokens, revocation, and what an operator may do.
 */
import { describe, expect, onTestFinished, test } from "bun:test";
import { createHash } from "node:crypto";
import type { ConfigInput } from "../src/config/schema.ts";
import { entry, FRESH, NOW, SECRET, sign } from "./auth/tokens.ts";
import { eventually } from "./calm.ts";
import { type TestClock, testClock } from "./clock.ts";
import { connect, startGateway, type TestGateway } from "./gateway.ts";
import { bounded } from "./raw-client.ts";
import { startService } from "./tcp-service.ts";
import { speak } from "./v1-client.ts";

const OPERATOR = `fl_${"A".repeat(43)}`;
const auth: ConfigInput["auth"] = {
  jwt: { secret: SECRET },
  keys: { ops: { hash: `sha256:${createHash("sha256").update(OPERATOR).digest("hex")}`, admin: true } },
};

/** The clock leaps, and no pong comes within a leap. */
const heartbeat = { ping: 0 };

async function house(): Promise<TestGateway & { clock: TestClock }> {
  const clock = testClock();
  const target = await startService();
  onTestFinished(() => target[Symbol.dispose]());
  const gateway = await startGateway(
    {
      "/echo": { kind: "echo", welcome: false, heartbeat },
      "/room/:name": { kind: "room", heartbeat },
      "/feed/:topic": { kind: "feed", welcome: false, publish: true, heartbeat },
      "/relay": { kind: "relay", timeout: 0, heartbeat },
      "/bridge": { kind: "bridge", target: target.target, heartbeat },
      "/open": { kind: "echo", auth: "none", welcome: false, heartbeat },
    },
    { auth },
    { clock },
  );
  onTestFinished(async () => {
    const stopped = gateway.gateway.stop();
    const ticks = setInterval(() => clock.advance(100), 1);
    await stopped.finally(() => clearInterval(ticks));
  });
  return { ...gateway, clock };
}

/** A client that speaks no subprotocol, with its token where programs put it. */
function plain(url: string, token: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers: { Authorization: `Bearer ${token}` } });
  onTestFinished(() => socket.close());
  return bounded(
    "the handshake",
    new Promise((resolve, reject) => {
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error(`no connection to ${url}`));
    }),
  );
}

const endOf = (socket: WebSocket) =>
  bounded(
    "the close",
    new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code))),
  );

const tokenOf = (user: string, claims: object = {}) => sign({ sub: user, iat: NOW, ...FRESH, ...claims });
const codeOf = async (client: { closed: Promise<{ code: number }> }) =>
  (await bounded("the close", client.closed)).code;
const frameOf = async (client: { next(): Promise<string | Uint8Array> }) =>
  JSON.parse(String(await bounded("a frame", client.next())));

function revoke(gateway: TestGateway, body: object, key = OPERATOR): Promise<Response> {
  const headers = { Authorization: `Bearer ${key}` };
  return fetch(gateway.http("/api/revoke"), { method: "POST", headers, body: JSON.stringify(body) });
}

describe("a client of fairlead.v1 without a token", () => {
  test("may show it in its first message, is welcomed by name and then heard", async () => {
    const gateway = await house();
    using client = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    client.send(JSON.stringify({ t: "auth", id: 1, token: await tokenOf("alice") }));
    expect(await frameOf(client)).toMatchObject({ t: "welcome", user: "alice", expires: FRESH.exp * 1_000 });
    expect(await frameOf(client)).toMatchObject({ t: "ok", id: 1, user: "alice" });
    client.send(JSON.stringify({ t: "pub", id: 2, data: "hi" }));
    const told = [await frameOf(client), await frameOf(client)];
    expect(told).toContainEqual(expect.objectContaining({ t: "msg", data: "hi", user: "alice" }));
  });

  test("is told of to the hooks of the config when it is known, and not at all when it never is", async () => {
    const events: string[] = [];
    const hooks = {
      onOpen: ({ user }: { user: string | null }) => void events.push(`${user} came`),
      onClose: ({ user }: { user: string | null }) => void events.push(`${user} left`),
    };
    await using gateway = await startGateway({ "/room/:name": { kind: "room", ...hooks } }, { auth });
    using stranger = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    stranger.send(JSON.stringify({ t: "auth", token: "x" }));
    expect(await codeOf(stranger)).toBe(3000);
    using alice = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    expect(events).toEqual([]);
    const now = Math.floor(Date.now() / 1_000);
    alice.send(JSON.stringify({ t: "auth", token: await sign({ sub: "alice", exp: now + 60 }) }));
    await frameOf(alice);
    expect(events).toEqual(["alice came"]);
    alice[Symbol.dispose]();
    await eventually("the end is told", () => events.length === 2);
    expect(events).toEqual(["alice came", "alice left"]);
  });

  test("gets none of the room meanwhile, and is not in its presence", async () => {
    const gateway = await house();
    using stranger = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    using alice = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice"))]);
    await alice.ask({ t: "pub", data: "secret" });
    expect(await alice.ask({ t: "who", topic: "a" })).toMatchObject({
      total: 1,
      members: [{ user: "alice" }],
    });
    stranger.send(JSON.stringify({ t: "history", id: 1, topic: "a" }));
    expect(await frameOf(stranger)).toMatchObject({ t: "err", id: 1, code: "unauthorized" });
    expect(stranger.waiting).toBe(0);
  });

  test("is told and closed with 3008 after five seconds", async () => {
    const gateway = await house();
    using client = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    await eventually(
      "it is there",
      async () => (await gateway.metric('fairlead_connections{route="/room/:name"}')) === 1,
    );
    gateway.clock.advance(5_000);
    expect(await frameOf(client)).toMatchObject({ t: "err", code: "unauthorized" });
    expect(await codeOf(client)).toBe(3008);
  });

  test("with a bad one is told and closed with 3000", async () => {
    const gateway = await house();
    using client = await connect(gateway.ws("/room/a"), ["fairlead.v1"]);
    client.send(JSON.stringify({ t: "auth", token: "nonsense" }));
    expect(await frameOf(client)).toMatchObject({ t: "err", code: "unauthorized" });
    expect(await codeOf(client)).toBe(3000);
  });
});

describe("a token that ends", () => {
  test("is announced, may be replaced, and the new one's end counts", async () => {
    const gateway = await house();
    using alice = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice", { exp: NOW + 10 }))]);
    gateway.clock.advance(11_000);
    expect(await alice.next()).toEqual({ t: "expiring", at: (NOW + 10 + 25) * 1_000 });
    const renewed = await alice.ask({ t: "auth", token: await tokenOf("alice", { exp: NOW + 100 }) });
    expect(renewed).toMatchObject({ t: "ok", user: "alice", expires: (NOW + 100) * 1_000 });
    gateway.clock.advance(60_000);
    expect(await alice.ask({ t: "ping" })).toMatchObject({ t: "ok" });
    gateway.clock.advance(70_000);
    expect((await alice.closed()).code).toBe(3000);
  });

  test("ends connections of every kind 25 s later with 3000, and none that needs no token", async () => {
    const gateway = await house();
    const token = await tokenOf("alice", { exp: NOW + 10 });
    const paths = ["/echo", "/room/a", "/feed/a", "/relay", "/bridge"];
    const clients = await Promise.all(paths.map((path) => plain(gateway.ws(path), token)));
    const ends = clients.map(endOf);
    using open = await connect(gateway.ws("/open"));
    gateway.clock.advance(20_000);
    using echo = await connect(gateway.ws("/open"));
    echo.send("still here");
    await echo.next();
    expect(clients.map(({ readyState }) => readyState)).toEqual(clients.map(() => WebSocket.OPEN));
    gateway.clock.advance(17_000);
    expect(await Promise.all(ends)).toEqual(clients.map(() => 3000));
    expect(open.socket.readyState).toBe(WebSocket.OPEN);
  });

  test("of another user, or with fewer rights than are in use, is refused and the old one runs on", async () => {
    const gateway = await house();
    using alice = await speak(gateway.ws("/feed/a"), [entry(await tokenOf("alice"))]);
    await alice.ask({ t: "sub", topic: "b.c" });
    const bob = await alice.ask({ t: "auth", token: await tokenOf("bob") });
    expect(bob).toMatchObject({ t: "err", code: "forbidden" });
    const caps = { "/feed/:topic": { subscribe: ["a"] } };
    const less = await alice.ask({ t: "auth", token: await tokenOf("alice", { caps }) });
    expect(less).toMatchObject({ t: "err", code: "forbidden" });
    await alice.ask({ t: "unsub", topic: "b.c" });
    const enough = await alice.ask({ t: "auth", token: await tokenOf("alice", { caps }) });
    expect(enough).toMatchObject({ t: "ok" });
    expect(await alice.ask({ t: "pub", data: 1 })).toMatchObject({ t: "err", code: "forbidden" });
  });

  test("ends an event stream too", async () => {
    const gateway = await house();
    const headers = {
      Accept: "text/event-stream",
      Authorization: `Bearer ${await tokenOf("alice", { exp: NOW + 10 })}`,
    };
    const stream = await fetch(gateway.http("/feed/a"), { headers });
    gateway.clock.advance(40_000);
    await bounded("the end of the stream", stream.text());
  });
});

describe("a revocation", () => {
  test("ends all connections and streams of a user at once and no one else's, and the token comes in no more", async () => {
    const gateway = await house();
    const token = await tokenOf("alice");
    const end = endOf(await plain(gateway.ws("/echo"), token));
    using speaking = await speak(gateway.ws("/room/a"), [entry(token)]);
    using bob = await speak(gateway.ws("/room/a"), [entry(await tokenOf("bob"))]);
    const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
    const stream = await fetch(gateway.http("/feed/a"), { headers });
    const answer = await revoke(gateway, { user: "alice" });
    expect(await answer.json()).toEqual({ ended: 3 });
    expect([await end, (await speaking.closed()).code]).toEqual([3000, 3000]);
    await bounded("the end of the stream", stream.text());
    expect(await bob.ask({ t: "who", topic: "a" })).toMatchObject({ total: 1 });
    expect((await fetch(gateway.http("/feed/a"), { headers })).status).toBe(401);
  });

  test("does not touch tokens that were issued later", async () => {
    const gateway = await house();
    expect(gateway.gateway.revoke({ user: "alice" })).toBe(0);
    gateway.clock.advance(2_000);
    using again = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice", { iat: NOW + 2 }))]);
    expect(again.welcome["user"]).toBe("alice");
  });

  test("of one token spares the user's others", async () => {
    const gateway = await house();
    using lost = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice", { jti: "phone" }))]);
    using kept = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice", { jti: "laptop" }))]);
    expect(await (await revoke(gateway, { tokenId: "phone" })).json()).toEqual({ ended: 1 });
    expect((await lost.closed()).code).toBe(3000);
    expect(await kept.ask({ t: "ping" })).toMatchObject({ t: "ok" });
  });

  test("is for operators: a user's token gets 403, nothing 401, and nobody is ended", async () => {
    const gateway = await house();
    const token = await tokenOf("mallory");
    using alice = await speak(gateway.ws("/room/a"), [entry(await tokenOf("alice"))]);
    expect((await revoke(gateway, { user: "alice" }, token)).status).toBe(403);
    expect((await revoke(gateway, { user: "alice" }, "fl_guess")).status).toBe(401);
    expect((await fetch(gateway.http("/api/revoke"), { method: "POST" })).status).toBe(401);
    expect(await alice.ask({ t: "ping" })).toMatchObject({ t: "ok" });
  });
});
