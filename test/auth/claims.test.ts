/** What stands in a token whose signature is right, and what makes it count no longer. */
import { describe, expect, test } from "bun:test";
import { type ClaimRules, MAX_INFO_BYTES, readClaims } from "../../src/auth/claims.ts";
import type { Denial } from "../../src/auth/denials.ts";

const NOW = 1_700_000_000;
const RULES: ClaimRules = { userClaim: "sub", tolerance: 30_000 };
const read = (claims: Record<string, unknown>, rules: Partial<ClaimRules> = {}) =>
  readClaims({ exp: NOW + 60, ...claims }, { ...RULES, ...rules }, NOW * 1_000);
const denied = (word: Denial, claim: string) => ({ denied: word, claim });

test("become an identity, with times in milliseconds", () => {
  const caps = { "/feed/:topic": { subscribe: ["a.*"] } };
  const claims = { sub: "alice", jti: "t1", iat: NOW - 5, caps, info: { nick: "Al" }, target: "lab" };
  expect(read(claims)).toEqual({
    identity: {
      user: "alice",
      by: "token",
      tokenId: "t1",
      issuedAt: (NOW - 5) * 1_000,
      expires: (NOW + 60) * 1_000,
      caps,
      info: { nick: "Al" },
      target: "lab",
    },
  });
});

test("may name nobody; then there is a token and no user", () => {
  expect(read({})).toEqual({ identity: { user: null, by: "token", expires: (NOW + 60) * 1_000 } });
});

test("name the user by the claim that the config says", () => {
  expect(read({ sub: "1", email: "a@b.example" }, { userClaim: "email" })).toMatchObject({
    identity: { user: "a@b.example" },
  });
  expect(read({ sub: "1" }, { userClaim: "email" })).toMatchObject({ identity: { user: null } });
});

test("never make an admin", () => {
  expect(read({ admin: true })).toEqual(read({}));
});

describe("count not at all", () => {
  test("without exp", () => {
    expect(readClaims({ sub: "alice" }, RULES, NOW * 1_000)).toEqual(denied("claims", "exp"));
  });

  test.each(["exp", "nbf", "iat"])("with a time %s that is none", (claim) => {
    for (const value of ["1700000000", null, -1, Number.NaN, 1e300, {}, [NOW], true])
      expect(read({ [claim]: value })).toEqual(denied("claims", claim));
  });

  test.each(["sub", "jti", "target"])("with a name %s that is none", (claim) => {
    for (const value of [
      1,
      null,
      "",
      "a\nb",
      "\u0000",
      "\u009b",
      "\ud800",
      "x".repeat(256),
      "é".repeat(128),
      {},
      ["a"],
    ])
      expect(read({ [claim]: value })).toEqual(denied("claims", claim));
  });

  test("with caps that cannot be read: nobody gets more for a slip of the pen", () => {
    const slips = [null, [], "all", true, { "/x": true }, { x: {} }, { "/x": { read: true } }];
    const patterns = [
      { "*": { publish: false } },
      { "*": { publish: ["a.>"] } },
      { "*": { publish: ["a*"] } },
    ];
    for (const caps of [...slips, ...patterns]) expect(read({ caps })).toEqual(denied("claims", "caps"));
  });

  test("with info that is too large or too deep for others to be sent it", () => {
    expect(read({ info: "x".repeat(MAX_INFO_BYTES - 2) })).toHaveProperty("identity");
    expect(read({ info: "x".repeat(MAX_INFO_BYTES - 1) })).toEqual(denied("claims", "info"));
    const deep = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`);
    expect(read({ info: deep })).toEqual(denied("claims", "info"));
  });
});

describe("time", () => {
  test("exp counts up to the tolerance after it, and not at its end", () => {
    expect(read({ exp: NOW - 29 })).toHaveProperty("identity");
    expect(read({ exp: NOW - 30 })).toEqual(denied("expired", "exp"));
    expect(read({ exp: NOW }, { tolerance: 0 })).toEqual(denied("expired", "exp"));
  });

  test("nbf and iat may lie ahead by the tolerance, and no further", () => {
    for (const claim of ["nbf", "iat"]) {
      expect(read({ [claim]: NOW + 30 })).toHaveProperty("identity");
      expect(read({ [claim]: NOW + 31 })).toEqual(denied("not_yet", claim));
    }
  });
});

describe("aud", () => {
  const rules = { audience: ["fairlead", "chat"] };

  test("is not looked at unless the config names one", () => {
    expect(read({ aud: "somebody" })).toHaveProperty("identity");
  });

  test("must name one of those, alone or among others", () => {
    for (const aud of ["chat", ["x", "fairlead"]]) expect(read({ aud }, rules)).toHaveProperty("identity");
    expect(read({ aud: "chat" }, { audience: "chat" })).toHaveProperty("identity");
  });

  test("names none of them when it is absent, empty, another, part of one, or of another type", () => {
    for (const aud of [undefined, "", [], "cha", "chat2", "Chat", [["chat"]], { chat: true }, null])
      expect(read({ aud }, rules)).toEqual(denied("audience", "aud"));
  });
});

test("are their own: what tables inherit is no claim", () => {
  const claims: unknown = JSON.parse(`{"exp":${NOW + 60},"__proto__":{"sub":"root","caps":{"*":{}}}}`);
  expect(readClaims(claims as Record<string, unknown>, RULES, NOW * 1_000)).toEqual(read({}));
  expect(({} as Record<string, unknown>)["sub"]).toBeUndefined();
});
