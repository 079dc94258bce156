/** What `token check` prints. */
import { expect, test } from "bun:test";
import { createApiKey } from "../../../src/auth/api-keys.ts";
import { checkAgainst, checkedLines } from "../../../src/cli/token/check.ts";
import { auth, FRESH, NOW, SECRET, sign } from "../../auth/tokens.ts";
import { testClock } from "../../clock.ts";

const lines = async (token: string, options = auth({ jwt: { secret: SECRET } })) =>
  checkedLines(await checkAgainst(token, options, testClock()), NOW * 1_000);

test("who it is for, until when, and what it may do", async () => {
  const caps = { "/feed/:topic": { subscribe: ["a.*"], publish: true } };
  const token = await sign({
    sub: "alice",
    jti: "t1",
    iat: NOW - 300,
    exp: NOW + 7_200,
    caps,
    info: { n: 1 },
    target: "lab",
  });
  expect(await lines(token)).toEqual([
    'user     "alice"',
    "by       token",
    'id       "t1"',
    "issued   2023-11-14T22:25:00Z (5m ago)",
    "expires  2023-11-15T00:30:00Z (in 2h)",
    'target   "lab"',
    'info     {"n":1}',
    "may      /feed/:topic subscribe a.*",
    "         /feed/:topic publish (every name)",
  ]);
});

test("the least of one, and one at its end", async () => {
  expect(await lines(await sign({ exp: NOW - 10, iat: NOW }))).toEqual([
    "user     nobody by name",
    "by       token",
    "issued   2023-11-14T22:30:00Z (just now)",
    "expires  2023-11-14T22:29:50Z (within the tolerance)",
    "may      what the rules of each route say",
  ]);
});

test("why it does not count, and by which claim", async () => {
  expect(await lines(await sign({ exp: NOW - 60 }))).toEqual([
    'does not count: the token has expired (the claim "exp")',
  ]);
  expect(await lines(`${await sign()}x`)).toEqual(["does not count: the token's signature is wrong"]);
  for (const text of ["", "x", "a b", "x".repeat(9_000)])
    expect(await lines(text)).toEqual(["does not count: what is shown is neither a token nor an API key"]);
});

test("an API key is known by the config's hashes", async () => {
  const { key, hash } = createApiKey();
  const options = auth({ keys: { ci: { hash, admin: true } } });
  expect(await lines(key, options)).toEqual([
    "user     nobody by name",
    "by       key",
    'id       "ci"',
    "expires  never",
    "admin    yes",
    "may      what the rules of each route say",
  ]);
  expect(await lines(createApiKey().key, options)).toEqual(["does not count: the key is not known here"]);
});

test("what an issuer wrote steers no terminal", async () => {
  const caps = { "/\u001b[31m\u202e": { publish: ["\u009b2J"] } };
  const shown = (
    await lines(await sign({ ...FRESH, sub: "\u202ealice\u200b", caps, info: "\u001b]0;x\u0007" }))
  ).join("\n");
  expect(shown).not.toMatch(/[^\n\x20-\x7e]/);
  expect(shown).toContain("\\u{1b}[31m");
});
