/** Where a token may stand, and what stands there and is none. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findToken, isTokenLike, MAX_TOKEN_LENGTH } from "../../src/auth/credentials.ts";
import { entry } from "./tokens.ts";

const find = (headers: Record<string, string>, query = "", takesQuery = false) =>
  findToken(new Headers(headers), () => new URLSearchParams(query), takesQuery);
const found = (token: string, inQuery = false) => ({ token, inQuery });
const NOTHING = { token: undefined, inQuery: false };
const MALFORMED = { fault: "malformed" } as const;
const SEVERAL = { fault: "several" } as const;

describe("Authorization", () => {
  test("carries a token after Bearer, in any case and after any number of spaces", () => {
    for (const value of ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c", "Bearer a.b.c "])
      expect(find({ Authorization: value })).toEqual(found("a.b.c"));
  });

  test("is for somebody else with another scheme", () => {
    for (const value of ["Basic YTpi", "Digest a=b", "a.b.c", "BearerX a.b.c", ""])
      expect(find({ Authorization: value })).toEqual(NOTHING);
  });

  test("holds no token without one, with two, or with what no token has", () => {
    for (const value of ["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b", "Bearer a=b", 'Bearer "a"'])
      expect(find({ Authorization: value })).toEqual(MALFORMED);
  });

  test("holds a token of 8192 characters, and none of one more", () => {
    expect(find({ Authorization: `Bearer ${"a".repeat(MAX_TOKEN_LENGTH)}` })).toHaveProperty("token");
    expect(find({ Authorization: `Bearer ${"a".repeat(MAX_TOKEN_LENGTH + 1)}` })).toEqual(MALFORMED);
  });
});

describe("Sec-WebSocket-Protocol", () => {
  const protocols = (...names: string[]) => find({ "Sec-WebSocket-Protocol": names.join(", ") });

  test("carries a token beside any subprotocol, in any place", () => {
    expect(protocols("fairlead.v1", entry("a.b.c"))).toEqual(found("a.b.c"));
    expect(protocols(entry("a.b.c"), "binary")).toEqual(found("a.b.c"));
  });

  test("carries none where no entry is one", () => {
    expect(protocols("fairlead.v1", "fairlead.tokens", "x.fairlead.token.YQ")).toEqual(NOTHING);
  });

  test("holds no token in base64 that is padded, not canonical, of the other alphabet, empty, or not UTF-8", () => {
    for (const text of ["YQ==", "YR", "YQ*", "_w", "/w", "", "Y"])
      expect(protocols("fairlead.v1", `fairlead.token.${text}`)).toEqual(MALFORMED);
  });

  test("holds no token with control characters or spaces in it", () => {
    for (const text of ["a\nb", "a b", "a\0", "é"]) expect(protocols(entry(text))).toEqual(MALFORMED);
  });

  test("carries one token, not two, also of one text", () => {
    expect(protocols(entry("a"), entry("b"))).toEqual(SEVERAL);
    expect(protocols(entry("a"), entry("a"))).toEqual(SEVERAL);
  });
});

describe("the query", () => {
  test("carries no token unless the config says so, and is not even read", () => {
    expect(find({}, "access_token=a.b.c")).toEqual(NOTHING);
    findToken(new Headers(), () => expect.unreachable("it was read"), false);
  });

  test("carries one as access_token where the config says so", () => {
    expect(find({}, "access_token=a.b.c&x=1", true)).toEqual(found("a.b.c", true));
    expect(find({}, "token=a.b.c", true)).toEqual(NOTHING);
    expect(find({}, "access_token=", true)).toEqual(MALFORMED);
    expect(find({}, "access_token=a&access_token=b", true)).toEqual(SEVERAL);
  });
});

test("of two places neither counts, whether they agree or not", () => {
  for (const other of ["a", "b"]) {
    expect(find({ Authorization: "Bearer a", "Sec-WebSocket-Protocol": entry(other) })).toEqual(SEVERAL);
    expect(find({ Authorization: "Bearer a" }, `access_token=${other}`, true)).toEqual(SEVERAL);
  }
});

test("cookies carry nothing", () => {
  expect(find({ Cookie: "access_token=a; token=b; fairlead.token=c" })).toEqual(NOTHING);
});

test("finds nothing but what RFC 6750 lets a token have, whatever the headers hold", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 60 }).filter((value) => !/[\0\r\n]/.test(value));
  fc.assert(
    fc.property(text, text, (authorization, protocol) => {
      const result = find({
        Authorization: `Bearer ${authorization}`,
        "Sec-WebSocket-Protocol": `x, fairlead.token.${protocol}`,
      });
      if ("token" in result && result.token !== undefined) expect(result.token).toMatch(/^[\w.~+/-]+=*$/);
    }),
  );
});

test("is read in time linear in its length", () => {
  const long = `${"a".repeat(100_000)} ${" ".repeat(100_000)}x`;
  const begun = performance.now();
  find({
    Authorization: `Bearer ${long}`,
    "Sec-WebSocket-Protocol": `${"fairlead.token.a,".repeat(1_000)}x`,
  });
  isTokenLike("=".repeat(100_000));
  expect(performance.now() - begun).toBeLessThan(500);
});
