/** The operators' API: who may, what is understood, and what everybody else learns of it. */
import { describe, expect, test } from "bun:test";
import type { Sharing } from "../../src/auth/revoke.ts";
import type { Authenticator, Revocation, Verdict } from "../../src/identity.ts";
import type { NodesPage } from "../../src/nodes.ts";
import { createApi } from "../../src/reception/api.ts";

const FROM = { remoteAddress: "203.0.113.7", peerAddress: "203.0.113.7" };
const operator: Verdict = { identity: { user: null, by: "key", tokenId: "ops", admin: true } };
const service: Verdict = { identity: { user: "svc", by: "key", tokenId: "svc" } };

const ALONE: NodesPage = { self: "n", nodes: [], sum: { nodes: 0, age: 0, load: {} }, configs: {} };

interface Unwell {
  readonly isFull?: boolean;
  readonly sharing?: Sharing;
  readonly problem?: string;
}

function house(verdict: Verdict | undefined, { isFull = false, sharing = "told", problem }: Unwell = {}) {
  const revoked: Revocation[] = [];
  const refused: string[] = [];
  const authenticator: Authenticator = {
    request: async () => verdict,
    token: () => ({ denied: "" }),
    revoke: () => true,
    isRevoked: () => false,
    dispose() {},
  };
  const api = createApi({
    authenticator,
    revoke(what) {
      revoked.push(what);
      return isFull ? undefined : { ended: 3, sharing: Promise.resolve(sharing) };
    },
    nodes: async () => ({ ...ALONE, ...(problem !== undefined && { problem }) }),
    onRefused: ({ code }, path, ip) => void refused.push(`${code} ${path} ${ip}`),
  });
  const ask = (body: string, path = "/api/revoke", method = "POST") =>
    api(new Request(`http://a${path}`, { method, ...(method === "POST" && { body }) }), path, FROM);
  return { ask, revoked, refused };
}

describe("an operator", () => {
  test.each<[string, Revocation]>([
    ['{"user":"alice"}', { user: "alice" }],
    ['{"tokenId":"t-1"}', { tokenId: "t-1" }],
  ])("revokes by %s and learns how many were ended", async (body, what) => {
    const { ask, revoked } = house(operator);
    const response = await ask(body);
    expect([response.status, await response.json()]).toEqual([200, { ended: 3 }]);
    expect(revoked).toEqual([what]);
  });

  test.each([
    "",
    "null",
    "[]",
    "{}",
    "alice",
    '{"user":""}',
    '{"user":1}',
    '{"user":"a","tokenId":"b"}',
    '{"__proto__":{"user":"a"}}',
    `{"user":"${"x".repeat(256)}"}`,
  ])("is told what is expected, and nobody is revoked, by the body %p", async (body) => {
    const { ask, revoked } = house(operator);
    expect((await ask(body)).status).toBe(400);
    expect(revoked).toEqual([]);
  });

  test("is told that too many are remembered already", async () => {
    expect((await house(operator, { isFull: true }).ask('{"user":"a"}')).status).toBe(507);
  });

  test("lists the nodes, and gets 503 with those that are known, if that is not all", async () => {
    const list = (problem?: string) =>
      house(operator, problem === undefined ? {} : { problem }).ask("", "/api/nodes", "GET");
    const all = await list();
    expect([all.status, all.headers.get("cache-control"), await all.json()]).toEqual([
      200,
      "no-store",
      ALONE,
    ]);
    const some = await list("engine_down: why");
    expect([some.status, await some.json()]).toEqual([503, { ...ALONE, problem: "engine_down: why" }]);
  });

  test.each<[number, Sharing]>([
    [503, "later"],
    [507, "full"],
  ])("gets %d when it holds on this node only: %s", async (status, sharing) => {
    const { ask, revoked } = house(operator, { sharing });
    const response = await ask('{"user":"a"}');
    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining("Revoked on this node"),
    ]);
    expect(revoked).toEqual([{ user: "a" }]);
  });

  test("gets 405 for another method and 404 for another path", async () => {
    const { ask, refused } = house(operator);
    const wrong = await ask("", "/api/revoke", "GET");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await ask("{}", "/api/nodes")).headers.get("allow")).toBe("GET");
    expect((await ask("{}", "/api/nothing")).status).toBe(404);
    expect(refused).toEqual([
      "method_not_allowed /api/revoke 203.0.113.7",
      "method_not_allowed /api/nodes 203.0.113.7",
      "not_found /api/nothing 203.0.113.7",
    ]);
  });
});

describe("anybody else", () => {
  test.each<[number, string, Verdict | undefined]>([
    [401, "who shows nothing", undefined],
    [401, "whose key does not count", { denied: "no such key" }],
    [403, "whose key has no admin", service],
    [503, "who cannot be checked now", { denied: "late", unavailable: true }],
  ])("gets %d, one %s, for any path, and nothing happens", async (status, _, verdict) => {
    const { ask, revoked } = house(verdict);
    for (const path of ["/api/revoke", "/api/nodes", "/api/nothing"])
      expect((await ask('{"user":"a"}', path)).status).toBe(status);
    expect(revoked).toEqual([]);
  });

  test("is told what its key lacks, and not of rights on routes", async () => {
    const response = await house(service).ask('{"user":"a"}');
    expect(await response.text()).toBe(
      "forbidden: This needs an API key with `admin: true` in the config.\n",
    );
  });

  test("gets 404 where nobody can show a key", async () => {
    const api = createApi({
      authenticator: undefined,
      revoke: () => undefined,
      nodes: async () => ALONE,
      onRefused: () => {},
    });
    const request = new Request("http://a/api/revoke", { method: "POST", body: '{"user":"a"}' });
    expect((await api(request, "/api/revoke", FROM)).status).toBe(404);
  });
});
