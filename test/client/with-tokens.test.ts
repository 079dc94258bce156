/** The library and a gateway that wants to know who asks, over real sockets. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { openBridge } from "../../src/client/bridge.ts";
import { type ConnectOptions, connect, type Session, type Status } from "../../src/client/index.ts";
import { openRelay } from "../../src/client/relay.ts";
import type { WebSocketConstructor } from "../../src/client/web-socket-like.ts";
import { eventually } from "../calm.ts";
import { bounded } from "../raw-client.ts";
import { startProxy } from "../tcp-proxy.ts";
import { type Claims, startTokenGateway, type TokenGateway } from "../token-gateway.ts";

const start = (auth = {}) =>
  startTokenGateway(
    {
      "/room/:name": { kind: "room" },
      "/feed/:topic": { kind: "feed", publish: true },
      "/relay": { kind: "relay" },
      "/tcp": { kind: "bridge", target: "127.0.0.1:9" },
    },
    auth,
  );

const caps = (subscribe: string[]): Claims => ({
  caps: { "*": { subscribe, history: true, presence: true } },
});

/** As in a page: with an `Origin`, so that a refusal is told by a close code. It notes what it was called with. */
function browser({ host }: TokenGateway) {
  const urls: string[] = [];
  const Bare = WebSocket as unknown as new (url: string, init: object) => WebSocket;
  class PageSocket extends Bare {
    constructor(url: string, protocols: string | string[] = []) {
      super(url, { protocols, headers: { Origin: `http://${host}` } });
      urls.push(url);
    }
  }
  return { WebSocket: PageSocket as unknown as WebSocketConstructor, urls };
}

/** With all that it told, and how it ended. */
function open(url: string, options: ConnectOptions) {
  const session = connect(url, { minDelay: 1, maxDelay: 5, ...options });
  onTestFinished(() => session.close());
  const statuses: Status[] = [];
  const until = (type: Status["type"]) =>
    bounded(
      `the status ${type}`,
      new Promise<Status>((resolve) => {
        const seen = statuses.find((status) => status.type === type);
        if (seen !== undefined) resolve(seen);
        session.onStatus((status) => {
          if (status.type === type) resolve(status);
        });
      }),
    );
  session.onStatus((status) => statuses.push(status));
  return { session, statuses, until };
}

const failure = (promise: Promise<unknown>) =>
  bounded(
    "a failure",
    promise.then(
      () => "none",
      (error) => error,
    ),
  );

describe("a session with a token", () => {
  test("is its user, in what it says and in who is there; the token stands in no URL", async () => {
    await using gateway = await start();
    const { WebSocket, urls } = browser(gateway);
    const token = await gateway.token("ann", { info: { face: 1 } });
    const { session, until } = open(gateway.ws("/room/a"), { token, WebSocket });
    const items = session.subscribe(undefined, { presence: true });
    expect(await until("open")).toMatchObject({ user: "ann", expires: expect.any(Number) });
    await session.publish("hello");
    expect(await session.presence()).toMatchObject([{ user: "ann", info: { face: 1 } }]);
    for await (const item of items) {
      expect(item).toMatchObject({ type: "message", data: "hello", user: "ann" });
      break;
    }
    expect(urls.join()).not.toContain(token.slice(0, 16));
    expect(urls.join()).toContain("/room/a");
  });

  test("that does not count stops after one attempt, with the server's words", async () => {
    await using gateway = await start();
    const { WebSocket, urls } = browser(gateway);
    const { session, until } = open(gateway.ws("/room/a"), { token: "x", WebSocket });
    const { ready } = session.subscribe();
    expect(await until("closed")).toMatchObject({ code: 3000, error: { code: "unauthorized" } });
    expect(await failure(ready)).toMatchObject({ code: "unauthorized" });
    expect(urls).toHaveLength(1);
  });

  test("that does not count, and can be had anew, is tried once more", async () => {
    await using gateway = await start();
    const { WebSocket, urls } = browser(gateway);
    const bad = open(gateway.ws("/room/a"), { token: () => "x", WebSocket });
    expect(await bad.until("closed")).toMatchObject({ code: 3000, error: { code: "unauthorized" } });
    expect(urls).toHaveLength(2);
    let asked = 0;
    const token = () => (++asked === 1 ? "x" : gateway.token("ann"));
    const good = open(gateway.ws("/room/a"), { token, ...browser(gateway) });
    expect(await good.until("open")).toMatchObject({ user: "ann" });
  });

  test("that lacks the right to its path stops with the right that it lacks, and asks for no other", async () => {
    await using gateway = await start();
    let asked = 0;
    const token = () => {
      asked += 1;
      return gateway.token("ann", caps(["b"]));
    };
    const { until } = open(gateway.ws("/room/a"), { token, ...browser(gateway) });
    expect(await until("closed")).toMatchObject({ code: 3003, error: { code: "forbidden" } });
    expect(asked).toBe(1);
  });

  test("brings a new one to the living connection before the old one has ended", async () => {
    await using gateway = await start();
    let given = 0;
    const token = async () => {
      const text = await gateway.token("ann", given === 0 ? { jti: "t1", ends: -1 } : { jti: "t2" });
      given += 1;
      return text;
    };
    const { session, statuses, until } = open(gateway.ws("/room/a"), { token });
    await until("open");
    await eventually("another token", () => given === 2);
    await session.ping();
    expect(statuses.map(({ type }) => type)).toEqual(["open"]);
    expect(["t1", "t2"].map((tokenId) => gateway.gateway.revoke({ tokenId }))).toEqual([0, 1]);
  });

  test("that was revoked is followed by a fresh one; a fixed one is the end", async () => {
    await using gateway = await start();
    let asked = 0;
    const token = () => gateway.token("ann", { jti: `t${++asked}` });
    const renewing = open(gateway.ws("/room/a"), { token });
    const fixed = open(gateway.ws("/room/a"), { token: await gateway.token("bob", { jti: "t1" }) });
    await Promise.all([renewing.until("open"), fixed.until("open")]);
    const back = bounded("the second connection", again(renewing.session));
    gateway.gateway.revoke({ tokenId: "t1" });
    expect(await fixed.until("closed")).toMatchObject({ code: 3000, error: { code: "unauthorized" } });
    expect(await back).toMatchObject({ user: "ann" });
    expect(asked).toBe(2);
  });

  test("a subscription that it may not have rejects, and does not come back with the next connection", async () => {
    await using gateway = await start();
    using proxy = await startProxy(Number(gateway.host.split(":")[1]));
    const { session, until } = open(`ws://${proxy.host}/feed/own`, {
      token: await gateway.token("ann", caps(["own"])),
    });
    await until("open");
    const secret = session.subscribe("secret");
    expect(await failure(secret.ready)).toMatchObject({ code: "forbidden" });
    expect(await failure(secret.listen(() => {}))).toMatchObject({ code: "forbidden" });
    const back = again(session);
    proxy.reset();
    await bounded("the next connection", back);
    await session.ping();
    expect(await gateway.metric('fairlead_commands_denied_total{route="/feed/:topic"}')).toBe(1);
  });

  const again = (session: Session) =>
    new Promise<Status>((resolve) => {
      session.onStatus((status) => {
        if (status.type === "open") resolve(status);
      });
    });
});

describe("a peer of a relay", () => {
  test("that may not take the role rejects at once, with the right that it lacks", async () => {
    await using gateway = await start();
    const token = await gateway.token("ann", { caps: { "/relay": { "join:local": ["other"] } } });
    const relay = openRelay(gateway.ws("/relay"), { group: "g", role: "local", token });
    onTestFinished(() => relay.close());
    const sent = failure(relay.send("x"));
    expect(await failure(relay[Symbol.asyncIterator]().next())).toMatchObject({ code: "forbidden" });
    expect(await sent).toMatchObject({ code: "closed" });
    expect(relay.status).toMatchObject({ type: "closed", code: 3003, error: { code: "forbidden" } });
  });
});

describe("a bridge", () => {
  test("that may not be opened is refused, and no second attempt is made", async () => {
    await using gateway = await start();
    const token = await gateway.token("ann", { caps: { "/tcp": {} } });
    const { WebSocket, urls } = browser(gateway);
    const bridge = openBridge(gateway.ws("/tcp"), { token, WebSocket });
    expect(await failure(bridge.closed)).toMatchObject({
      code: "refused",
      message: expect.stringContaining("3003"),
    });
    expect(urls).toHaveLength(1);
  });
});
