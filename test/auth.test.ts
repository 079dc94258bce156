/** The authenticator as a whole: what is shown, who that is, and who may say otherwise. */
import { describe, expect, test } from "bun:test";
import { createApiKey } from "../src/auth/api-keys.ts";
import { createDenialCounts } from "../src/auth/denials.ts";
import { createRevocations } from "../src/auth/revocations.ts";
import { type AuthenticatorParts, createAuthenticator } from "../src/auth.ts";
import type { AuthorizeRequest } from "../src/config/auth.ts";
import type { Identity } from "../src/identity.ts";
import { type AuthInput, auth, bearer, entry, FRESH, NOW, SECRET, shown, sign } from "./auth/tokens.ts";
import { eventually } from "./calm.ts";
import { testClock } from "./clock.ts";
import { memoryLog } from "./gateway.ts";

function setUp(options: AuthInput = { jwt: { secret: SECRET } }, parts: Partial<AuthenticatorParts> = {}) {
  const [clock, log, counts] = [testClock(), memoryLog(), createDenialCounts()];
  return { clock, log, counts, auth: createAuthenticator(auth(options), { clock, log, counts, ...parts }) };
}
const denied = (text: string) => ({ denied: expect.stringContaining(text) });
const alice: { identity: Identity } = {
  identity: { user: "alice", by: "token", expires: FRESH.exp * 1_000 },
};

describe("a token", () => {
  test("counts in a header, in a subprotocol entry and in a command", async () => {
    const { auth } = setUp();
    const token = await sign();
    const inEntry = shown({ "Sec-WebSocket-Protocol": `fairlead.v1, ${entry(token)}` });
    for (const credentials of [bearer(token), inEntry])
      expect(await auth.request(credentials)).toEqual(alice);
    expect(await auth.token(token, shown())).toEqual(alice);
  });

  test("counts in the query only where that is allowed", async () => {
    const query = `access_token=${await sign()}`;
    expect(await setUp().auth.request(shown({}, query))).toBeUndefined();
    const open = setUp({ jwt: { secret: SECRET }, query: true });
    expect(await open.auth.request(shown({}, query))).toEqual(alice);
  });

  test("that does not count is denied and counted by its word, never taken for none", async () => {
    const { auth, counts } = setUp();
    expect(await auth.request(bearer(await sign({ exp: NOW - 60 })))).toMatchObject(denied("has expired"));
    expect(await auth.request(bearer("a.b.c"))).toMatchObject(denied("neither a token nor an API key"));
    expect(await auth.request(shown({ Authorization: "Bearer" }))).toMatchObject(denied("neither"));
    expect(await auth.token("", shown())).toMatchObject(denied("neither"));
    expect(await auth.token("a b", shown())).toMatchObject(denied("neither"));
    expect(counts).toMatchObject({ expired: 1, malformed: 4 });
  });

  test("beside another one is denied", async () => {
    const { auth } = setUp();
    const token = await sign();
    const both = shown({ Authorization: `Bearer ${token}`, "Sec-WebSocket-Protocol": `x, ${entry(token)}` });
    expect(await auth.request(both)).toMatchObject(denied("more than one"));
  });

  test("is not trusted before it is known whether another node has revoked it", async () => {
    const known = Promise.withResolvers<boolean>();
    const revocations = createRevocations({ max: 1, ttl: 0 }, testClock());
    const { auth } = setUp(undefined, { revocations, settled: () => known.promise });
    const verdict = auth.request(bearer(await sign()));
    revocations.take([{ what: { user: "alice" }, until: NOW * 1_000, left: 9_000 }]);
    known.resolve(true);
    expect(await verdict).toMatchObject(denied("this was revoked"));
  });

  test("is told to come later, if what others revoked cannot be known; what does not count is denied", async () => {
    const { auth, counts } = setUp(undefined, { settled: () => Promise.resolve(false) });
    expect(await auth.request(bearer(await sign()))).toMatchObject({ unavailable: true });
    expect(await auth.request(bearer(await sign({ exp: NOW - 60 })))).toMatchObject(denied("has expired"));
    expect(counts).toMatchObject({ unavailable: 1, expired: 1 });
  });

  test("counts to its end plus the tolerance, on the wall clock", async () => {
    const { auth, clock } = setUp();
    const token = await sign({ sub: "alice", exp: NOW + 10 });
    clock.advance(39_000);
    expect(await auth.token(token, shown())).toHaveProperty("identity");
    clock.advance(1_000);
    expect(await auth.token(token, shown())).toMatchObject(denied("has expired"));
  });

  test("that was revoked, by its id or with its user, is denied", async () => {
    const { auth } = setUp();
    const one = await sign({ sub: "alice", jti: "t1", iat: NOW - 1, ...FRESH });
    const other = await sign({ sub: "alice", jti: "t2", iat: NOW - 1, ...FRESH });
    auth.revoke({ tokenId: "t1" });
    expect(await auth.token(one, shown())).toMatchObject(denied("was revoked"));
    expect(await auth.token(other, shown())).toHaveProperty("identity");
    auth.revoke({ user: "alice" });
    expect(await auth.request(bearer(other))).toMatchObject(denied("was revoked"));
  });
});

test("nothing shown is nobody, at once and without a promise", () => {
  const { auth } = setUp();
  for (const credentials of [shown(), shown({ Authorization: "Basic YTpi" }), shown({ Cookie: "token=a" })])
    expect(auth.request(credentials)).toBeUndefined();
});

describe("an API key", () => {
  const { key, hash } = createApiKey();
  const keys = { ci: { hash, user: "builder" } };

  test("counts as a token does, beside tokens", async () => {
    const { auth } = setUp({ keys, jwt: { secret: SECRET } });
    const ci = { identity: { user: "builder", by: "key", tokenId: "ci" } };
    expect(await auth.request(bearer(key))).toMatchObject(ci);
    expect(await auth.token(key, shown())).toMatchObject(ci);
    expect(await auth.token(await sign(), shown())).toEqual(alice);
  });

  test("that is not known is denied, and so is one where there are none", async () => {
    const other = createApiKey().key;
    expect(await setUp({ keys }).auth.request(bearer(other))).toMatchObject(denied("not known"));
    expect(await setUp().auth.request(bearer(key))).toMatchObject(denied("neither"));
  });

  test("never counts in the query", async () => {
    const { auth } = setUp({ keys, query: true });
    expect(await auth.request(shown({}, `access_token=${key}`))).toHaveProperty("denied");
  });

  test("is revoked by its name", async () => {
    const { auth } = setUp({ keys });
    auth.revoke({ tokenId: "ci" });
    expect(await auth.request(bearer(key))).toMatchObject(denied("was revoked"));
  });
});

describe("a certificate", () => {
  const options: AuthInput = { certificate: { header: "X-Subject" }, jwt: { secret: SECRET } };
  const isTrustedProxy = (address: string) => address === "10.0.0.1";
  const from = (
    peerAddress: string,
    headers: Record<string, string> = { "X-Subject": "CN=alice,O=Acme" },
  ) => ({
    ...shown(headers),
    peerAddress,
  });

  test("names the user where a trusted proxy says so", async () => {
    const { auth } = setUp(options, { isTrustedProxy });
    const identity = { user: "CN=alice,O=Acme", by: "certificate" } as const;
    expect(await auth.request(from("10.0.0.1"))).toEqual({ identity });
  });

  test("is nothing where anybody else says so, or nobody knows who", () => {
    const { auth } = setUp(options, { isTrustedProxy });
    expect(auth.request(from("10.0.0.2"))).toBeUndefined();
    expect(auth.request(shown({ "X-Subject": "CN=alice" }))).toBeUndefined();
    expect(setUp(options).auth.request(from("10.0.0.1"))).toBeUndefined();
    expect(setUp(undefined, { isTrustedProxy }).auth.request(from("10.0.0.1"))).toBeUndefined();
  });

  test("told twice is denied, and so is one that is no name, and one beside a token", async () => {
    const { auth } = setUp(options, { isTrustedProxy });
    const twice = from("10.0.0.1");
    twice.headers.append("X-Subject", "CN=root");
    expect(await auth.request(twice)).toMatchObject(denied("more than one"));
    expect(await auth.request(from("10.0.0.1", { "X-Subject": "x".repeat(256) }))).toMatchObject(
      denied("neither"),
    );
    const both = from("10.0.0.1", { "X-Subject": "CN=alice", Authorization: `Bearer ${await sign()}` });
    expect(await auth.request(both)).toMatchObject(denied("more than one"));
  });

  test("is not told by an empty header, as proxies send where there was none", () => {
    const { auth } = setUp(options, { isTrustedProxy });
    expect(auth.request(from("10.0.0.1", { "X-Subject": "" }))).toBeUndefined();
  });
});

describe("authorize", () => {
  test("is asked after what was checked, and adds to it", async () => {
    const asked: AuthorizeRequest[] = [];
    const authorize = (request: AuthorizeRequest) => {
      asked.push(request);
      return { info: { nick: "Al" } };
    };
    const { auth } = setUp({ jwt: { secret: SECRET }, authorize });
    const token = await sign();
    const { expires } = alice.identity;
    const identity = { user: "alice", by: "hook", expires, info: { nick: "Al" } } as const;
    expect(await auth.request(bearer(token))).toEqual({ identity });
    const { route, params, remoteAddress } = shown();
    expect(asked).toMatchObject([{ route, params, remoteAddress, token, identity: alice.identity }]);
  });

  test("is not asked about a token that does not count", async () => {
    const authorize = () => expect.unreachable("it was asked");
    const { auth } = setUp({ jwt: { secret: SECRET }, authorize });
    expect(await auth.request(bearer("a.b.c"))).toMatchObject(denied("neither"));
  });

  test("stands in where nothing else knows tokens; one that it does not know either is denied", async () => {
    const authorize = ({ token }: AuthorizeRequest) => (token === "session-1" ? { user: "alice" } : null);
    const { auth, clock } = setUp({ authorize });
    const identity = { user: "alice", by: "hook", issuedAt: clock.wall() } as const;
    expect(await auth.request(bearer("session-1"))).toEqual({ identity });
    expect(await auth.request(bearer("session-2"))).toMatchObject(denied("neither"));
    expect(await auth.request(shown())).toBeUndefined();
    expect(await auth.token("session-1", shown())).toEqual({ identity });
  });

  test("says no to whoever it says no to, in spite of a good token", async () => {
    const { auth } = setUp({ jwt: { secret: SECRET }, authorize: () => false });
    for (const credentials of [bearer(await sign()), shown()])
      expect(await auth.request(credentials)).toMatchObject(denied("rules"));
  });

  test("that vouches anew for somebody after a revocation lets in, for what it said before does not count", async () => {
    const { auth, clock } = setUp({ authorize: () => ({ user: "alice" }) });
    const before = await auth.request(shown());
    auth.revoke({ user: "alice" });
    expect(before !== undefined && "identity" in before && auth.isRevoked(before.identity)).toBe(true);
    clock.advance(1);
    expect(await auth.request(shown())).toHaveProperty("identity");
  });
});

test("a part that throws denies, with a line in the log, and rejects nothing", async () => {
  const { auth, log } = setUp(undefined, {
    clock: { ...testClock(), wall: () => expect.unreachable("no clock") },
  });
  expect(await auth.request(bearer(await sign()))).toMatchObject(denied("the log of the gateway"));
  expect(log.lines.map(({ text }) => text)).toContain("! a client could not be checked");
});

test("checks that take their time are as many as may be, shared by addresses, and more are told to come later", async () => {
  const answers: ((answer: null) => void)[] = [];
  const authorize = () => new Promise<null>((resolve) => answers.push(resolve));
  const { auth, counts } = setUp({ authorize, pending: 3 });
  const ask = (remoteAddress: string) => auth.request({ ...shown(), remoteAddress });
  const flood = [ask("192.0.2.1"), ask("192.0.2.1")];
  const later = { unavailable: true };
  expect(await ask("192.0.2.1")).toMatchObject(later);
  const other = ask("192.0.2.2");
  expect(await ask("192.0.2.2")).toMatchObject(later);
  expect(counts.unavailable).toBe(2);
  await eventually("all are asked", () => answers.length === 3);
  for (const answer of answers.splice(0)) answer(null);
  expect(await Promise.all([...flood, other])).toEqual([undefined, undefined, undefined]);
  const again = ask("192.0.2.1");
  await eventually("it is asked", () => answers.length === 1);
  answers[0]?.(null);
  expect(await again).toBeUndefined();
});
