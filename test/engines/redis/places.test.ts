/** The ways to a Redis: TLS, users, sockets, several servers; and what is said where one does not lead there. */
import { afterAll, expect } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineError, Position } from "../../../src/engine.ts";
import { defineScript } from "../../../src/engines/redis/script.ts";
import type { RedisEngine } from "../../../src/engines/redis.ts";
import { CERT, KEY, STRANGER_CERT } from "../../certificate.ts";
import { claim, listen, publish, text, won } from "../../contracts/engine/harness.ts";
import { page } from "../../docs/markdown.ts";
import { until } from "../../redis-cluster-house.ts";
import { type RedisHouse, sharedRedis, startRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { freePort } from "../../system/programs/free-port.ts";
import { startEngine } from "../redis-house.ts";
import { openHomes } from "./homes-house.ts";

const test = requires("redis-server");
const redis = sharedRedis();
const ECHO = defineScript("return ARGV[2]");

const dir = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-places-")));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = async (name: string, text: string) => {
  await Bun.write(join(dir, name), text);
  return join(dir, name);
};

/** Answers its URL with TLS. */
async function startTls(): Promise<RedisHouse & { readonly tlsUrl: string; readonly ca: string }> {
  const port = await freePort();
  const [cert, key] = [await file("cert.pem", CERT), await file("key.pem", KEY)];
  const settings = {
    "tls-port": String(port),
    "tls-cert-file": cert,
    "tls-key-file": key,
    "tls-auth-clients": "no",
  };
  return { ...(await startRedis({ settings })), tlsUrl: `rediss://127.0.0.1:${port}`, ca: cert };
}

test("speaks TLS with a server that engine.ca vouches for", async () => {
  await using own = await startTls();
  using house = await openHomes(own.tlsUrl, { ca: own.ca });
  expect(await house.homes.of("kind", "name").run(ECHO, [], ["x"])).toBe("x");
});

test("refuses to start on a server whose certificate engine.ca does not vouch for", async () => {
  await using own = await startTls();
  const ca = await file("stranger.pem", STRANGER_CERT);
  const message = /^engine\.redis: rediss:\/\/127.*certificate/;
  await expect(openHomes(own.tlsUrl, { ca })).rejects.toThrow(message);
  await expect(openHomes(own.tlsUrl)).rejects.toThrow(message);
});

test("refuses to start when engine.ca cannot be read", async () => {
  const { url } = await redis();
  const ca = join(dir, "missing.pem");
  await expect(openHomes(url.replace("redis:", "rediss:"), { ca })).rejects.toThrow(
    /engine\.ca: .*missing\.pem/,
  );
});

/** What docs/engines/redis.md asks for, after the name and the password. */
const RIGHTS =
  /^user fairlead on >\S+ (.*)$/m.exec(page("docs/engines/redis.md").text)?.[1]?.split(" ") ?? [];

test("needs no more rights than docs/engines/redis.md asks for, with the password in the URL or in engine.password", async () => {
  const { command, port } = await redis();
  await command("ACL", "SETUSER", "gate", "on", ">se:cret", ...RIGHTS);
  const url = `redis://gate@127.0.0.1:${port}`;
  using house = await openHomes(`redis://gate:se%3Acret@127.0.0.1:${port}`);
  expect(await house.homes.of("kind", "name").run(ECHO, [], ["x"])).toBe("x");
  await expect(openHomes(url, { password: "wrong" })).rejects.toThrow(/WRONGPASS/);
  await command("ACL", "LOG", "RESET");
  const engine = await startEngine(url, { redis: { password: "se:cret", prefix: "fairlead" } });
  await using _end = { [Symbol.asyncDispose]: () => engine.close() };
  const room = engine.topics("/acl", { size: 10, ttl: 1_000, bytes: 0 });
  const inbox = await listen(room, "t");
  await publish(room, "t", text("x"), { id: "once" });
  await inbox.take(1);
  expect((await room.history("t", { limit: 1 })).messages).toHaveLength(1);
  expect(await room.find("*", 10)).toHaveLength(1);
  await engine.sweep();
  won(await claim(engine, "role")).release();
  engine.presence.join("t", { conn: "c", user: null, info: null }, 0);
  expect((await engine.presence.list("t", { limit: 1 })).total).toBe(1);
  expect(await command("ACL", "LOG")).toEqual([]);
});

test("refuses to start without a password that Redis asks for", async () => {
  await using own = await startRedis();
  await own.command("CONFIG", "SET", "requirepass", "secret");
  await expect(openHomes(own.url)).rejects.toThrow(/NOAUTH/);
  using house = await openHomes(own.url, { password: "secret" });
  expect(house.homes.problem).toBeUndefined();
});

test("goes through a socket of the file system", async () => {
  const { unixUrl } = await redis();
  using house = await openHomes(unixUrl);
  expect(await house.homes.of("kind", "name").run(ECHO, [], ["x"])).toBe("x");
});

test("uses the database that the URL names", async () => {
  const { url, command } = await redis();
  using house = await openHomes(`${url}/3`);
  await house.homes.of("kind", "name").run(ECHO, [], ["x"]);
  expect(await command("DBSIZE")).toBe(0);
  expect(String(await command("INFO", "keyspace"))).toContain("db3:keys=1");
});

test("refuses to start on what is no Cluster, if it should be one", async () => {
  const { url } = await redis();
  await expect(openHomes(url, { cluster: true })).rejects.toThrow(
    /^engine\.redis: redis:\/\/127.*it is no node of a Redis Cluster; leave engine\.cluster out/,
  );
});

test("refuses to start on a node of a Cluster, if nothing says that it is one", async () => {
  await using own = await startRedis({
    settings: { "cluster-enabled": "yes", "cluster-port": String(await freePort()) },
  });
  await expect(openHomes(own.url)).rejects.toThrow(/set engine\.cluster: true/);
});

const publishTo = (engine: RedisEngine, topic: string) =>
  new Promise<Position | EngineError>((done) =>
    engine
      .topics("/several", { size: 10, ttl: 0, bytes: 0 })
      .publish(topic, { data: "x", json: false }, done),
  );

test("refuses what a server that is down has, and goes on with the others, if there are several", async () => {
  await using one = await startRedis();
  await using two = await startRedis();
  const engine = await startEngine([one.url, two.url], { redis: { timeout: 300 } });
  await using _end = { [Symbol.asyncDispose]: () => engine.close() };
  const names = Array.from({ length: 20 }, (_, n) => `t${n}`);
  const outcomes = async () => {
    const answers = await Promise.all(names.map((name) => publishTo(engine, name)));
    return answers.map((answer) => ("code" in answer ? answer.code : "published"));
  };
  expect(await outcomes()).toEqual(names.map(() => "published"));
  await two.kill();
  await until(async () => !engine.health().up);
  expect(engine.health().text).toMatch(new RegExp(`^redis://127.0.0.1:${two.port}: `));
  const down = await outcomes();
  expect(new Set(down)).toEqual(new Set(["published", "engine_down"]));
  expect(await outcomes()).toEqual(down);
  await two.restart();
  await until(async () => engine.health().up);
  expect(await outcomes()).toEqual(names.map(() => "published"));
});

test("looks at its readers on one server again, if another one is still down", async () => {
  await using one = await startRedis();
  await using two = await startRedis();
  using house = await openHomes([one.url, two.url], { timeout: 300 });
  await Promise.all([one.kill(), two.kill()]);
  await until(async () => house.homes.all("k").every(({ server }) => server.problem !== undefined));
  const up = new Promise<void>((done) => house.homes.onUp(done));
  await one.restart();
  await up;
  expect(house.homes.problem).toStartWith(`redis://127.0.0.1:${two.port}: `);
});
