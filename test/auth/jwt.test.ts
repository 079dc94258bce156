/**
 * Tokens against one issuer and against several: what counts, and every way that is known to have let somebody in elsewhere. The rows of
 * hono CVE-2026-22817/22818, fast-jwt CVE-2026-34950, PyJWT CVE-2026-48526, authlib CVE-2024-37568 and centrifugo CVE-2026-49998, -32301 are named.
 */
import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createIssuer, type Issuer } from "../../src/auth/issuer.ts";
import { checkToken } from "../../src/auth/jwt.ts";
import { testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { auth, FRESH, type Jwt, NOW, pair, raw, SECRET, sign } from "./tokens.ts";

const noRemote = () => expect.unreachable("a key was asked for elsewhere");
/** Issuers of a config, whose keys are all here. */
function issuers(jwt: Jwt): Issuer[] {
  return [auth({ jwt }).jwt ?? []].flat().map((each) => createIssuer(each, noRemote));
}
const check = async (token: string, jwt: Jwt = { secret: SECRET }) =>
  checkToken(token, issuers(jwt), testClock());
const file = (text: unknown) =>
  `${folder({ key: typeof text === "string" ? text : JSON.stringify(text) })}/key`;
const alice = { identity: expect.objectContaining({ user: "alice" }) };

describe("counts", () => {
  test("if signed by the secret of the config", async () => {
    expect(await check(await sign())).toMatchObject(alice);
  });

  for (const [alg, bytes] of [
    ["HS384", 48],
    ["HS512", 64],
  ] as const) {
    test(`if signed with ${alg}, where the config names it`, async () => {
      const secret = "x".repeat(bytes);
      const token = await sign(undefined, { alg }, Buffer.from(secret));
      expect(await check(token, { secret, algorithms: [alg] })).toMatchObject(alice);
      expect(await check(token, { secret })).toEqual({ denied: "algorithm" });
    });
  }

  for (const [kind, alg] of [
    ["RSA", "RS256"],
    ["RSA", "PS512"],
    ["P-256", "ES256"],
    ["P-384", "ES384"],
    ["Ed25519", "EdDSA"],
  ] as const) {
    test(`if signed with ${alg} by the key of a PEM or JWK file, whatever the token calls that key`, async () => {
      const { pem, jwk, privateKey } = pair(kind);
      const token = await sign(undefined, { alg, kid: "any" }, privateKey);
      for (const keyFile of [file(pem), file(jwk), file({ keys: [jwk] })])
        expect(await check(token, { keyFile })).toMatchObject(alice);
    });
  }

  test("if its kid names the key among those of a set", async () => {
    const [a, b] = [pair("P-256"), pair("P-256", "b")];
    const keyFile = file({
      keys: [
        { ...a.jwk, kid: "a" },
        { ...b.jwk, kid: "b" },
      ],
    });
    const token = (kid?: string) => sign(undefined, { alg: "ES256", ...(kid && { kid }) }, b.privateKey);
    expect(await check(await token("b"), { keyFile })).toMatchObject(alice);
    expect(await check(await token("a"), { keyFile })).toEqual({ denied: "signature" });
    expect(await check(await token("c"), { keyFile })).toEqual({ denied: "unknown_key" });
    expect(await check(await token(), { keyFile })).toEqual({ denied: "unknown_key" });
  });
});

describe("does not count", () => {
  test("if it is no token", async () => {
    const good = await sign();
    const texts = [
      "",
      "a",
      "a.b",
      "..",
      "a.b.c",
      "a.b.c.d.e",
      `${good}.x`,
      good.replaceAll(".", ""),
      `.${good}`,
    ];
    const parts = ["null", "[]", "1", '"x"', "{", "\ud800"].map((text) =>
      Buffer.from(text).toString("base64url"),
    );
    for (const text of [...texts, ...parts.map((part) => `${part}.${part}.`)])
      expect(await check(text)).toEqual({ denied: "malformed" });
  });

  test("if its claims are no table, or nest deeper than 32 levels", async () => {
    const signed = (payload: string) => {
      const head = `${raw({ alg: "HS256" }, 0).split(".")[0]}.${Buffer.from(payload).toString("base64url")}`;
      return `${head}.${createHmac("sha256", SECRET).update(head).digest("base64url")}`;
    };
    expect(await check(signed(JSON.stringify({ sub: "alice", ...FRESH })))).toMatchObject(alice);
    const deep = `{"exp":${FRESH.exp},"x":${"[".repeat(1_000)}${"]".repeat(1_000)}}`;
    for (const payload of ["null", "[]", "1", '"x"', "{", "", '\ufeff{"sub":"a"}', deep])
      expect(await check(signed(payload))).toEqual({ denied: "malformed" });
  });

  test("if a letter of it is another one", async () => {
    const token = await sign();
    for (let at = 0; at < token.length; at += 7) {
      const other = token[at] === "A" ? "B" : "A";
      if (token[at] === ".") continue;
      expect(await check(token.slice(0, at) + other + token.slice(at + 1))).toHaveProperty("denied");
    }
  });

  test("if signed by another secret, the empty one, or not at all", async () => {
    const body = { sub: "alice", ...FRESH };
    const signature = await sign(body, {}, Buffer.from("another secret of at least thirty-two bytes"));
    for (const token of [signature, raw({ alg: "HS256" }, body), raw({ alg: "HS256" }, body, "x".repeat(32))])
      expect(await check(token)).toEqual({ denied: "signature" });
  });

  test("if it has no exp, or nbf in the future (PyJWT CVE-2026-48526)", async () => {
    expect(await check(await sign({ sub: "alice" }))).toEqual({ denied: "claims", claim: "exp" });
    const early = await sign({ ...FRESH, nbf: NOW + 31 });
    expect(await check(early)).toEqual({ denied: "not_yet", claim: "nbf" });
    expect(await check(await sign({ exp: NOW - 30 }))).toEqual({ denied: "expired", claim: "exp" });
  });
});

describe("algorithm confusion", () => {
  for (const alg of ["none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "HS384", "constructor"]) {
    test(`alg ${JSON.stringify(alg)} is refused, with and without a signature (hono CVE-2026-22817)`, async () => {
      for (const signature of ["", "x".repeat(32)]) {
        const token = raw({ alg }, { sub: "alice", ...FRESH }, signature);
        expect(await check(token)).toEqual({ denied: "algorithm" });
        expect(await check(token, { keyFile: file(pair("RSA").pem) })).toEqual({ denied: "algorithm" });
      }
    });
  }

  test("an alg that is no text, or missing, is refused", async () => {
    for (const alg of [undefined, null, 1, ["HS256"], {}])
      expect(await check(raw({ alg }, FRESH))).toEqual({ denied: "algorithm" });
  });

  test("HS256 by the RSA public key is refused, with newline and blank too (fast-jwt CVE-2026-34950)", async () => {
    const { pem } = pair("RSA");
    const keyFile = file(pem);
    for (const key of [pem, pem.trim(), `${pem}\n`, ` ${pem}`, `\n${pem}`, pem.replaceAll("\n", "\r\n")]) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const token = await sign(undefined, { alg }, Buffer.from(key));
        expect(await check(token, { keyFile })).toEqual({ denied: "algorithm" });
      }
    }
  });

  test("a public key is not taken for a secret, in whatever file (authlib CVE-2024-37568)", () => {
    const secretFile = file(pair("RSA").pem);
    expect(() => issuers({ secretFile })).toThrow("is a key in PEM. Name its file with keyFile.");
  });

  test("an algorithm of another kind of key is refused", async () => {
    const token = await sign(undefined, { alg: "ES256" }, pair("P-256").privateKey);
    expect(await check(token, { keyFile: file(pair("RSA").pem) })).toEqual({ denied: "unknown_key" });
    expect(await check(token, { keyFile: file(pair("P-384").pem) })).toEqual({ denied: "unknown_key" });
  });

  test("an algorithm that fits the key and that the config leaves out is refused", async () => {
    const { privateKey, pem } = pair("RSA");
    const token = await sign(undefined, { alg: "RS512" }, privateKey);
    expect(await check(token, { keyFile: file(pem), algorithms: ["RS256"] })).toEqual({
      denied: "algorithm",
    });
  });

  test("an algorithm that the key of a set does not name is refused", async () => {
    const { privateKey, jwk } = pair("RSA");
    const keyFile = file({ keys: [{ ...jwk, kid: "a", alg: "PS256" }] });
    const token = (alg: string) => sign(undefined, { alg, kid: "a" }, privateKey);
    expect(await check(await token("RS256"), { keyFile })).toEqual({ denied: "unknown_key" });
    expect(await check(await token("PS256"), { keyFile })).toMatchObject(alice);
  });
});

describe("keys that a token brings along (hono CVE-2026-22818)", () => {
  const mine = pair("RSA", "mine");

  for (const [name, value] of [
    ["jwk", mine.jwk],
    ["jku", "http://127.0.0.1:1/keys"],
    ["x5u", "http://127.0.0.1:1/cert"],
    ["x5c", ["AAAA"]],
    ["crit", ["exp"]],
    ["crit", ["b64"]],
    ["b64", false],
  ] as const) {
    test(`${name} ${JSON.stringify(value).slice(0, 30)} is refused, also beside a right signature`, async () => {
      const keyFile = file(pair("RSA").pem);
      const forged = raw({ alg: "RS256", [name]: value }, { sub: "root", ...FRESH }, "x");
      expect(await check(forged, { keyFile })).toEqual({ denied: "header" });
      expect(await check(forged)).toEqual({ denied: "header" });
    });
  }

  test("a key that a token is signed with and holds, is not asked", async () => {
    const token = await sign(undefined, { alg: "RS256", jwk: mine.jwk }, mine.privateKey);
    expect(await check(token, { keyFile: file(pair("RSA").pem) })).toEqual({ denied: "header" });
  });
});

describe("kid", () => {
  const paths = [
    "../../../dev/null",
    "/dev/null",
    "a' OR 1=1",
    "\0",
    "__proto__",
    "constructor",
    "http://127.0.0.1:1/",
  ];

  for (const kid of paths) {
    test(`${JSON.stringify(kid)} names no key and opens no file`, async () => {
      const { jwk } = pair("P-256");
      const keyFile = file({ keys: [{ ...jwk, kid: "a" }] });
      const token = await sign(undefined, { alg: "ES256", kid }, pair("P-256", "b").privateKey);
      expect(await check(token, { keyFile })).toEqual({ denied: "unknown_key" });
      const empty = raw({ alg: "HS256", kid }, FRESH, createHmac("sha256", "").digest());
      expect(await check(empty)).toEqual({ denied: "signature" });
    });
  }

  test("that is no text is refused", async () => {
    for (const kid of [1, null, ["a"], { a: 1 }])
      expect(await check(raw({ alg: "HS256", kid }, FRESH))).toEqual({ denied: "header" });
  });
});

test("what is refused by its form, its names or its HMAC is refused at once, so that guessing costs next to nothing", async () => {
  const body = { sub: "alice", ...FRESH };
  const wrong = await sign(body, {}, Buffer.from("another secret of at least thirty-two bytes"));
  for (const token of [
    "x",
    raw({ alg: "none" }, body),
    raw({ alg: "HS256", crit: ["x"] }, body),
    wrong,
    `${wrong}AAAA`,
  ])
    expect(checkToken(token, issuers({ secret: SECRET }), testClock())).not.toBeInstanceOf(Promise);
  expect(checkToken(await sign(), issuers({ secret: SECRET }), testClock())).toBeInstanceOf(Promise);
});
