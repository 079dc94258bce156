/** Tokens that are made: they count, and what would not count is not made. */
import { describe, expect, test } from "bun:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { readArguments } from "../../../src/cli/arguments.ts";
import { command } from "../../../src/cli/commands/token.ts";
import { checkAgainst } from "../../../src/cli/token/check.ts";
import { createToken } from "../../../src/cli/token/create.ts";
import { readAuth } from "../../../src/cli/token/issuers.ts";
import { type AuthInput, auth, NOW, pair, SECRET } from "../../auth/tokens.ts";
import { testClock } from "../../clock.ts";
import { folder } from "../../folder.ts";

const create = (flags: readonly string[], options: AuthInput = { jwt: { secret: SECRET } }) =>
  createToken(readArguments(command, ["create", ...flags]), auth(options), NOW * 1_000);
const file = (text: string) => `${folder({ key: text })}/key`;
const privatePem = (...of: Parameters<typeof pair>) =>
  pair(...of)
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

test("the least is nobody's, for an hour, with an id by which it can be revoked", async () => {
  const token = await create([]);
  expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "JWT" });
  expect(decodeJwt(token)).toEqual({ iat: NOW, exp: NOW + 3_600, jti: expect.stringMatching(/^[\w-]{16}$/) });
  expect(decodeJwt(await create([])).jti).not.toBe(decodeJwt(token).jti ?? "");
});

test("flags become claims, and the check reads them back", async () => {
  const flags = [
    "--user",
    "alice",
    "--expires",
    "15m",
    "--id",
    "t1",
    "--target",
    "lab",
    "--info",
    '{"nick":"Al"}',
  ];
  const token = await create([...flags, "--cap", "/feed/:topic subscribe a.*", "--cap", "* connect"]);
  expect(await checkAgainst(token, auth({ jwt: { secret: SECRET } }), testClock())).toEqual({
    identity: {
      user: "alice",
      by: "token",
      tokenId: "t1",
      issuedAt: NOW * 1_000,
      expires: (NOW + 900) * 1_000,
      target: "lab",
      info: { nick: "Al" },
      caps: { "/feed/:topic": { subscribe: ["a.*"] }, "*": { connect: true } },
    },
  });
});

test("issuer, audience and the user's claim are what the config looks at", async () => {
  const jwt = { secret: SECRET, issuer: "https://a.example", audience: ["gate", "x"], userClaim: "email" };
  expect(decodeJwt(await create(["--user", "al@a.example"], { jwt }))).toMatchObject({
    iss: "https://a.example",
    aud: "gate",
    email: "al@a.example",
  });
});

test("of several issuers one is chosen by its name", async () => {
  const jwt = [
    { issuer: "a", secret: SECRET },
    { issuer: "b", secret: SECRET.toUpperCase(), algorithms: ["HS384" as const] },
  ];
  const token = await create(["--issuer", "b"], { jwt });
  expect([decodeJwt(token).iss, decodeProtectedHeader(token).alg]).toEqual(["b", "HS384"]);
  expect(() => create([], { jwt })).toThrow('choose one with --issuer: "a", "b"');
  expect(() => create(["--issuer", "c"], { jwt })).toThrow('the config has no issuer "c"');
});

for (const [kind, alg] of [
  ["RSA", "RS256"],
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["Ed25519", "EdDSA"],
] as const) {
  test(`a private key (${kind}) signs with ${alg}, and its public half checks`, async () => {
    const token = await create(["--user", "alice", "--key-file", file(privatePem(kind))]);
    expect(decodeProtectedHeader(token).alg).toBe(alg);
    const jwt = { keyFile: file(pair(kind).pem) };
    expect(await checkAgainst(token, auth({ jwt }), testClock())).toHaveProperty("identity.user", "alice");
  });
}

describe("is not made", () => {
  for (const [flags, problem] of [
    [["--expires", "0s"], "--expires needs a duration from 1s to 24d"],
    [["--expires", "tomorrow"], 'got "tomorrow"'],
    [["--user", "x".repeat(256)], "the claim sub could not be used"],
    [["--user", "a\nb"], "the claim sub could not be used"],
    [["--info", "{nick}"], "--info needs JSON"],
    [["--info", JSON.stringify("x".repeat(2_000))], "the claim info could not be used"],
    [["--cap", "/x read"], "none of subscribe"],
  ] as const)
    test(`with ${JSON.stringify(flags).slice(0, 40)}: ${problem}`, () =>
      expect(() => create(flags)).toThrow(problem));

  test("with a key that makes none, and no word of the key is told", () => {
    const { pem } = pair("P-256");
    for (const text of [pem, "very-secret", ""])
      expect(() => create(["--key-file", file(text)])).toThrow("holds no private key that could be used");
    expect(() => create(["--key-file", file("very-secret")])).not.toThrow("very-secret");
    expect(() => create([], { jwt: { keyFile: file(pem) } })).toThrow("name the private one with --key-file");
    expect(() => create([], { keys: {} })).toThrow("the config has no jwt");
  });
});

test("a file of a flag stands for the whole config, and two of them for nothing", async () => {
  const read = (...flags: string[]) => readAuth(readArguments(command, ["create", ...flags]));
  expect((await read("--secret-file", "s")).jwt).toMatchObject({ secretFile: "s" });
  expect(read("--secret-file", "s", "--key-file", "k")).rejects.toThrow("give one of them");
});
