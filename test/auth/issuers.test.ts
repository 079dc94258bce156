/** Tokens against several issuers, whose keys and rules must not mix. */
import { describe, expect, test } from "bun:test";
import { createIssuer, type Issuer } from "../../src/auth/issuer.ts";
import { checkToken } from "../../src/auth/jwt.ts";
import { testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { auth, FRESH, type Jwt, pair, SECRET, sign } from "./tokens.ts";

const noRemote = () => expect.unreachable("a key was asked for elsewhere");
/** Issuers of a config, whose keys are all here. */
function issuers(jwt: Jwt): Issuer[] {
  return [auth({ jwt }).jwt ?? []].flat().map((each) => createIssuer(each, noRemote));
}
const check = async (token: string, jwt: Jwt) => checkToken(token, issuers(jwt), testClock());
const file = (text: unknown) => `${folder({ key: JSON.stringify(text) })}/key`;
const alice = { identity: expect.objectContaining({ user: "alice" }) };

describe("of several issuers", () => {
  const [a, b] = [pair("P-256"), pair("P-256", "b")];
  const two = (): Jwt => [
    { issuer: "https://a.example", keyFile: file({ keys: [{ ...a.jwk, kid: "k" }] }), audience: "x" },
    { issuer: "https://b.example", keyFile: file({ keys: [{ ...b.jwk, kid: "k" }] }) },
  ];
  const token = (iss: unknown, key = a.privateKey) =>
    sign({ sub: "alice", aud: "x", ...FRESH, iss: iss as string }, { alg: "ES256", kid: "k" }, key);

  test("each vouches for its own tokens", async () => {
    expect(await check(await token("https://a.example"), two())).toMatchObject(alice);
    expect(await check(await token("https://b.example", b.privateKey), two())).toMatchObject(alice);
  });

  test("the same kid under two issuers does not mix their keys (centrifugo CVE-2026-49998)", async () => {
    for (const [iss, key] of [
      ["https://b.example", a.privateKey],
      ["https://a.example", b.privateKey],
    ] as const)
      expect(await check(await token(iss, key), two())).toEqual({ denied: "signature" });
  });

  test("one that is not known, or not named, is refused", async () => {
    const names = [
      "https://c.example",
      "https://a.example/",
      "HTTPS://A.EXAMPLE",
      "",
      undefined,
      1,
      ["https://a.example"],
    ];
    for (const iss of names) expect(await check(await token(iss), two())).toEqual({ denied: "issuer" });
  });

  test("claims that would build an address elsewhere lead nowhere (centrifugo CVE-2026-32301)", async () => {
    const names = [
      "https://a.example@evil.example",
      "https://a.example/../evil",
      "//evil.example",
      "http://127.0.0.1:1",
    ];
    for (const iss of names) expect(await check(await token(iss), two())).toEqual({ denied: "issuer" });
  });

  test("rules of one do not hold for the other", async () => {
    const claims = { sub: "alice", ...FRESH, iss: "https://b.example" };
    expect(await check(await sign(claims, { alg: "ES256", kid: "k" }, b.privateKey), two())).toMatchObject(
      alice,
    );
    const ofA = await sign({ ...claims, iss: "https://a.example" }, { alg: "ES256", kid: "k" }, a.privateKey);
    expect(await check(ofA, two())).toEqual({ denied: "audience", claim: "aud" });
  });
});

test("the only issuer, where it is named, is compared too", async () => {
  const jwt: Jwt = { secret: SECRET, issuer: "https://a.example" };
  expect(await check(await sign({ ...FRESH, sub: "alice", iss: "https://a.example" }), jwt)).toMatchObject(
    alice,
  );
  expect(await check(await sign({ ...FRESH, iss: "https://b.example" }), jwt)).toMatchObject({
    denied: "issuer",
  });
  expect(await check(await sign(), jwt)).toMatchObject({ denied: "issuer" });
});
