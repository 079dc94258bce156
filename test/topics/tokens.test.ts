/** Rooms and feeds behind a gateway that wants to know who asks, by every door. */
import { describe, expect, test } from "bun:test";
import { entry } from "../auth/tokens.ts";
import { connect } from "../gateway.ts";
import { startTokenGateway, type TokenGateway } from "../token-gateway.ts";
import { speak } from "../v1-client.ts";

const start = () =>
  startTokenGateway({
    "/room/:name": { kind: "room" },
    "/feed/:topic": { kind: "feed", welcome: false },
    "/mixed/:topic": { kind: "feed", auth: "optional", publish: true, anonymous: { subscribe: ["news"] } },
  });

const reads = { subscribe: true, presence: true, history: true } as const;
const writes = (publish: string[]) => ({ caps: { "/feed/:topic": { ...reads, publish } } });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

async function post(gateway: TokenGateway, path: string, headers: Record<string, string> = {}) {
  const type = { "Content-Type": "text/plain" };
  const response = await fetch(gateway.http(path), {
    method: "POST",
    body: "x",
    headers: { ...type, ...headers },
  });
  const text = await response.text();
  return `${response.status} ${response.ok ? "" : text.split(":", 1)}`.trim();
}

async function eventsOf(gateway: TokenGateway, path: string, token: string): Promise<Response> {
  return fetch(gateway.http(path), { headers: { Accept: "text/event-stream", ...bearer(token) } });
}

describe("a feed where clients do not publish", () => {
  test("takes from a token what its caps name, by POST and command, and says whose it is", async () => {
    await using gateway = await start();
    const token = await gateway.token("ann", writes(["news.*"]));
    using reader = await speak(gateway.ws("/feed/news.a"), [entry(await gateway.token("bob"))]);
    using ann = await speak(gateway.ws("/feed/own"), [entry(token)]);
    expect(await post(gateway, "/feed/news.a", bearer(token))).toBe("200");
    await ann.ask({ t: "pub", topic: "news.a", data: "y" });
    expect(await reader.take(2)).toMatchObject([
      { data: "x", user: "ann" },
      { data: "y", user: "ann", conn: ann.welcome["conn"] },
    ]);
  });

  test("refuses what they do not name, tokens without any, and whoever shows none", async () => {
    await using gateway = await start();
    const [named, plain] = [await gateway.token("ann", writes(["news.*"])), await gateway.token("bob")];
    for (const path of ["/feed/news", "/feed/news.a.b", "/feed/News.a", "/feed/other"])
      expect(await post(gateway, path, bearer(named))).toBe("403 forbidden");
    expect(await post(gateway, "/feed/news.a", bearer(plain))).toBe("403 forbidden");
    expect(await post(gateway, "/feed/news.a")).toBe("401 unauthorized");
    expect(await post(gateway, "/feed/news.a", bearer("x"))).toBe("401 unauthorized");
    const denied = 'fairlead_handshakes_rejected_total{reason="forbidden"}';
    expect(await gateway.metric(denied)).toBe(5);
  });
});

describe("a route that asks nobody to show who it is", () => {
  test("gives those who show nothing its own rules, and the others theirs", async () => {
    await using gateway = await start();
    using nobody = await speak(gateway.ws("/mixed/news"));
    using ann = await speak(gateway.ws("/mixed/other"), [entry(await gateway.token("ann"))]);
    expect([nobody.welcome["user"], ann.welcome["user"]]).toEqual([null, "ann"]);
    expect(await nobody.ask({ t: "pub", data: 1 })).toMatchObject({ code: "forbidden" });
    expect(await nobody.ask({ t: "who", topic: "news" })).toMatchObject({ code: "forbidden" });
    expect(await ann.ask({ t: "pub", topic: "news", data: 1 })).toMatchObject({ t: "ok", offset: 1 });
    expect(await nobody.next()).toMatchObject({ data: 1, user: "ann" });
    await expect(connect(gateway.ws("/mixed/other"))).rejects.toThrow("handshake refused");
  });
});

describe("a client of fairlead.v1 that shows its token by `auth`", () => {
  /** What it is told until it is closed. */
  async function authenticate(gateway: TokenGateway, path: string, token: string) {
    const client = await connect(gateway.ws(path), ["fairlead.v1"]);
    client.send(JSON.stringify({ t: "auth", id: 1, token }));
    return { client, first: JSON.parse(String(await client.next())) };
  }

  test("is welcomed as its user, and subscribed with the rights of its token", async () => {
    await using gateway = await start();
    const { client, first } = await authenticate(gateway, "/feed/a?presence=1", await gateway.token("ann"));
    expect(first).toMatchObject({ t: "welcome", user: "ann", sub: { topic: "a", count: 0 } });
    client.socket.close();
  });

  test("is closed with 3003 and told which right it lacks, and nobody hears that it came", async () => {
    await using gateway = await start();
    using watcher = await speak(gateway.ws("/feed/a?presence=1"), [entry(await gateway.token("bob"))]);
    const token = await gateway.token("ann", { caps: { "/feed/:topic": { subscribe: ["b"] } } });
    const { client, first } = await authenticate(gateway, "/feed/a", token);
    expect(first).toMatchObject({
      t: "err",
      code: "forbidden",
      message: expect.stringContaining('`subscribe` on "a"'),
    });
    expect((await client.closed).code).toBe(3003);
    expect(await watcher.told()).toEqual([]);
  });

  test("keeps what it has under a new token, unless that does not cover it", async () => {
    await using gateway = await start();
    using client = await speak(gateway.ws("/feed/a"), [entry(await gateway.token("ann"))]);
    await client.ask({ t: "sub", topic: "chat.*" });
    const caps = (subscribe: string[]) => ({ caps: { "*": { subscribe, publish: ["a"] } } });
    const token = await gateway.token("ann", caps(["a", "chat.x"]));
    const lacking = await client.ask({ t: "auth", token });
    expect(lacking).toMatchObject({ code: "forbidden", message: expect.stringContaining('"chat.*"') });
    expect(await client.ask({ t: "pub", data: 1 })).toMatchObject({ code: "forbidden" });
    expect(
      await client.ask({ t: "auth", token: await gateway.token("ann", caps(["a", "*.*"])) }),
    ).toMatchObject({
      t: "ok",
      user: "ann",
    });
    expect(await client.ask({ t: "pub", data: 1 })).toMatchObject({ t: "ok" });
    expect(await client.ask({ t: "who", topic: "a" })).toMatchObject({ code: "forbidden" });
    expect(await client.next()).toMatchObject({ topic: "a", user: "ann" });
  });
});

test("a room shows its members' users and infos, and says who comes", async () => {
  await using gateway = await start();
  using ann = await speak(gateway.ws("/room/a?presence=1"), [
    entry(await gateway.token("ann", { info: { face: 1 } })),
  ]);
  using bob = await speak(gateway.ws("/room/a"), [entry(await gateway.token("bob"))]);
  expect(await ann.next()).toMatchObject({ t: "join", user: "bob", conn: bob.welcome["conn"] });
  expect(await bob.ask({ t: "who", topic: "a" })).toMatchObject({
    members: [
      { user: "ann", info: { face: 1 } },
      { user: "bob", info: null },
    ],
  });
});

describe("an event stream", () => {
  test("is read with a token, and ends with an event that says so when that is revoked", async () => {
    await using gateway = await start();
    const stream = await eventsOf(gateway, "/feed/a", await gateway.token("ann", { jti: "one" }));
    const other = await eventsOf(gateway, "/feed/a", await gateway.token("ann", { jti: "two" }));
    expect(gateway.gateway.revoke({ tokenId: "one" })).toBe(1);
    expect(await stream.text()).toMatch(/^: \n\nevent: end\ndata: \{"code":"unauthorized",.*\}\n\n$/);
    expect(await gateway.metric('fairlead_event_streams{route="/feed/:topic"}')).toBe(1);
    await other.body?.cancel();
  });

  test("is refused to a token without the right, and to none", async () => {
    await using gateway = await start();
    const token = await gateway.token("ann", { caps: { "*": { history: true } } });
    expect((await eventsOf(gateway, "/feed/a", token)).status).toBe(403);
    expect((await fetch(gateway.http("/feed/a"), { headers: bearer(token) })).status).toBe(200);
    expect((await fetch(gateway.http("/feed/a"), { headers: { Accept: "text/event-stream" } })).status).toBe(
      401,
    );
  });
});
