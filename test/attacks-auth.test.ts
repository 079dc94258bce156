/** Tokens that somebody made up, through the real gateway: every door gives the same answer, and nothing of them is kept. */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createApiKey } from "../src/auth/api-keys.ts";
import type { ConfigInput } from "../src/config/schema.ts";
import { PROTOCOL } from "../src/wire/v1.ts";
import { entry, pair, raw, SECRET, sign } from "./auth/tokens.ts";
import { folder } from "./folder.ts";
import { connect, memoryLog, startGateway } from "./gateway.ts";
import { ask } from "./raw-client.ts";
import { startService } from "./tcp-service.ts";

const routes: ConfigInput["routes"] = {
  "/feed/:topic": { kind: "feed", publish: true },
  "/echo": { kind: "echo" },
};
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600;
const good = { sub: "alice", exp: inAnHour };
const HS = { alg: "HS256" };

async function start(auth: ConfigInput["auth"] = { jwt: { secret: SECRET } }) {
  const log = memoryLog(true);
  const gateway = await startGateway(routes, { auth }, { log });
  return { gateway, log, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

async function plain(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Tokens that must not count, whatever the keys are; `lure`: an address that none of them may lead to. */
async function forged(lure: string): Promise<Record<string, string>> {
  const rsa = pair("RSA", "attacker");
  const brought = (name: string, value: unknown) =>
    raw({ alg: "RS256", [name]: value }, good, "x".repeat(256));
  return {
    "no token": "x",
    "alg none": raw({ alg: "none" }, good),
    "alg none with a signature": raw({ alg: "None" }, good, "x"),
    "an empty secret": raw(HS, good, createHmac("sha256", "").digest()),
    "another secret": await sign(good, {}, Buffer.from("somebody else's secret of forty bytes...")),
    "the RSA public key as a secret": await sign(good, {}, Buffer.from(pair("RSA").pem)),
    "the RSA public key and a newline": await sign(good, {}, Buffer.from(`${pair("RSA").pem}\n`)),
    "a key of its own": await sign(good, { alg: "RS256", jwk: rsa.jwk }, rsa.privateKey),
    "an address of keys": brought("jku", `http://${lure}/keys`),
    "an address of a certificate": brought("x5u", `http://${lure}/cert`),
    "a certificate": brought("x5c", ["MAA="]),
    "a critical extension": await sign(good, { crit: ["b64"], b64: true }),
    "a kid that is a path": raw({ ...HS, kid: "../../dev/null" }, good, createHmac("sha256", "").digest()),
    "an issuer that is an address": await sign(
      { ...good, iss: `http://${lure}@id.example/../` },
      {},
      Buffer.alloc(32),
    ),
    "no exp": await sign({ sub: "alice" }),
    "exp in the past": await sign({ sub: "alice", exp: inAnHour - 3_700 }),
    "nbf in the future": await sign({ ...good, nbf: inAnHour }),
    "caps that cannot be read": await sign({ ...good, caps: { "*": { publish: "yes" } } }),
    "a user that is no text": await sign({ ...good, sub: ["alice"] as unknown as string }),
    "an API key nobody has": createApiKey().key,
  };
}

test("every token that was made up gets 401 at each door, leads nowhere, and stands in no log and no answer", async () => {
  using lure = await startService();
  const tokens = await forged(lure.target);
  for (const auth of [
    { jwt: { secret: SECRET } },
    { jwt: { keyFile: `${folder({ k: pair("RSA").pem })}/k` } },
  ]) {
    await using house = await start(auth);
    const { gateway, log } = house;
    for (const [what, token] of Object.entries(tokens)) {
      const bearer = { Authorization: `Bearer ${token}` };
      const inEntry = { "Sec-WebSocket-Protocol": `binary, ${entry(token)}` };
      const all = [
        await ask(gateway.host, { path: "/echo", headers: bearer }),
        await ask(gateway.host, { path: "/feed/a", headers: inEntry }),
        await plain(gateway.http("/feed/a"), { headers: bearer }),
        await plain(gateway.http("/feed/a"), { method: "POST", headers: bearer, body: "x" }),
      ];
      expect([what, ...all.map(({ status }) => status)]).toEqual([what, 401, 401, 401, 401]);
      for (const { headers, body } of all) {
        expect(headers.get("www-authenticate")).toStartWith("Bearer");
        expect(body).not.toContain(token.length > 1 ? token : "Bearer x");
      }
    }
    const told = JSON.stringify(log.lines);
    for (const token of Object.values(tokens).filter(({ length }) => length > 1)) {
      expect(told).not.toContain(token);
      expect(told).not.toContain(token.split(".").at(-1) || token);
      expect(told).not.toContain(entry(token));
    }
    expect(await gateway.metric('fairlead_handshakes_rejected_total{reason="unauthorized"}')).toBe(
      4 * Object.keys(tokens).length,
    );
  }
  expect(lure.accepted).toBe(0);
});

test("a first command with such a token is answered unauthorized, and the connection ends with 3000", async () => {
  await using house = await start();
  for (const token of ["", "x", raw({ alg: "none" }, good), await sign({ sub: "a" }), "x".repeat(10_000)]) {
    using client = await connect(house.gateway.ws("/feed/a"), [PROTOCOL]);
    client.send(JSON.stringify({ t: "auth", id: 1, token }));
    expect(JSON.parse(String(await client.next()))).toMatchObject({ t: "err", id: 1, code: "unauthorized" });
    expect((await client.closed).code).toBe(3000);
  }
});

describe("a token that counts", () => {
  test("comes in by header, by entry and by command, and its entry is not echoed", async () => {
    await using house = await start();
    const { gateway } = house;
    const token = await sign(good);
    const byHeader = await ask(gateway.host, {
      path: "/echo",
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(byHeader.status).toBe(101);
    const offered = `${PROTOCOL}, ${entry(token)}`;
    const byEntry = await ask(gateway.host, {
      path: "/feed/a",
      headers: { "Sec-WebSocket-Protocol": offered },
    });
    expect([byEntry.status, byEntry.headers.get("sec-websocket-protocol")]).toEqual([101, PROTOCOL]);
    using client = await connect(gateway.ws("/feed/a"), [PROTOCOL]);
    client.send(JSON.stringify({ t: "auth", id: 1, token }));
    expect(JSON.parse(String(await client.next()))).toMatchObject({ t: "welcome", user: "alice" });
  });

  test("does not come in by the query, or twice, unless the config lets it", async () => {
    const token = await sign(good);
    const path = `/echo?access_token=${token}`;
    await using closed = await start();
    expect((await ask(closed.gateway.host, { path })).status).toBe(401);
    await using open = await start({ jwt: { secret: SECRET }, query: true });
    expect((await ask(open.gateway.host, { path })).status).toBe(101);
    expect(await open.gateway.metric('fairlead_insecure{switch="auth.query"}')).toBe(1);
    const twice = await ask(open.gateway.host, { path, headers: { Authorization: `Bearer ${token}` } });
    expect([twice.status, twice.body]).toEqual([401, expect.stringContaining("more than one token")]);
    expect(JSON.stringify(open.log.lines)).not.toContain(token);
  });

  test("still comes in after five hundred that did not", async () => {
    await using house = await start();
    const { gateway } = house;
    const bad = { Authorization: `Bearer ${raw(HS, good, "x".repeat(32))}` };
    for (let round = 0; round < 10; round += 1)
      await Promise.all(Array.from({ length: 50 }, () => fetch(gateway.http("/feed/a"), { headers: bad })));
    const answer = await ask(gateway.host, {
      path: "/echo",
      headers: { Authorization: `Bearer ${await sign(good)}` },
    });
    expect(answer.status).toBe(101);
    expect(await gateway.metric('fairlead_auth_denied_total{reason="signature"}')).toBe(500);
  });
});

test("one header said twice is never one token, or one certificate, in either order", async () => {
  const auth = { jwt: { secret: SECRET }, certificate: { header: "X-Subject" } };
  await using gateway = await startGateway(
    { "/echo": { kind: "echo" } },
    { auth, trustProxy: ["127.0.0.1"] },
  );
  const bearer = `Bearer ${await sign(good)}`;
  const said: Record<string, string[]>[] = [
    { Authorization: [bearer, bearer] },
    { Authorization: [bearer, "Bearer x"] },
    { Authorization: ["Bearer x", bearer] },
    { Authorization: ["Basic x", bearer] },
    { Authorization: [bearer, "Basic x"] },
    { "X-Subject": ["CN=alice", "CN=root"] },
    { "X-Subject": ["", "CN=root"] },
    { "X-Subject": ["CN=alice"], Authorization: [bearer] },
  ];
  for (const headers of said) {
    const { status } = await ask(gateway.host, { path: "/echo", headers });
    expect([headers, status]).toEqual([headers, 401]);
  }
});

test("nobody's header makes a certificate, unless the proxy that sends it is trusted", async () => {
  const auth = { certificate: { header: "X-Subject" } };
  const headers = { "X-Subject": "CN=root" };
  const on = (trustProxy: string[]) => startGateway({ "/echo": { kind: "echo" } }, { auth, trustProxy });
  await using trusting = await on(["127.0.0.1"]);
  expect((await ask(trusting.host, { path: "/echo", headers })).status).toBe(101);
  await using other = await on(["192.0.2.1"]);
  expect((await ask(other.host, { path: "/echo", headers })).status).toBe(401);
  const forwarded = { ...headers, "X-Forwarded-For": "192.0.2.1", Forwarded: "for=192.0.2.1" };
  expect((await ask(other.host, { path: "/echo", headers: forwarded })).status).toBe(401);
});
