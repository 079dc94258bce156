/** What `auth` may not combine, each told with what to do, and no secret in what is told. */
import { describe, expect, test } from "bun:test";
import { gatewayFlags } from "../../src/cli/flags.ts";
import { problemText } from "../../src/config/problems.ts";
import { validate } from "../../src/config/validate.ts";

const SECRET = "correct-horse-battery-staple-and-more";
const HASH = `sha256:${"0a".repeat(32)}`;
const routes = { "/feed/:topic": { kind: "feed" } };

/** `path: text` of each problem. */
function problems(auth: unknown, more: object = {}): string[] {
  const result = validate({ routes, auth, ...more });
  return "problems" in result
    ? result.problems.map((each) => `${each.path.join(".")}: ${problemText(each)}`)
    : [];
}
const jwt = (options: unknown) => problems({ jwt: options });

describe("is fine", () => {
  for (const [what, auth] of Object.entries({
    "one secret": { jwt: { secret: SECRET } },
    "a file of one": { jwt: { secretFile: "secret.txt", algorithms: ["HS512"] } },
    "a key": { jwt: { keyFile: "key.pem", audience: "a", algorithms: ["RS256", "EdDSA"] } },
    "an address": { jwt: { jwks: "https://id.example/keys" } },
    "two issuers": {
      jwt: [
        { issuer: "a", secret: SECRET },
        { issuer: "b", jwks: "http://127.0.0.1:8000/keys" },
      ],
    },
    "API keys": { keys: { ci: { hash: HASH, caps: { "/feed/:topic": { publish: ["a.*"] }, "*": {} } } } },
    "a hook": { authorize: () => null },
  }))
    test(what, () => expect(problems(auth)).toEqual([]));
});

describe("rights of those who show nothing", () => {
  const strangers = (auth?: string) =>
    problems(
      { jwt: { secret: SECRET } },
      { routes: { "/r": { kind: "room", ...(auth && { auth }), anonymous: { subscribe: true } } } },
    );

  test("are a mistake on a route that lets none of them in", () => {
    const text =
      "routes./r.anonymous: is for nobody where auth is required. Add auth: optional to the route, or leave anonymous out.";
    expect([strangers(), strangers("required")]).toEqual([[text], [text]]);
  });

  test("are fine where they come in", () => {
    expect([strangers("optional"), strangers("none")]).toEqual([[], []]);
  });
});

test("auth that checks nothing would let nobody in", () => {
  const text =
    "auth: names nothing that could count, so nobody could come in. Add jwt, keys, certificate or authorize.";
  expect(problems({})).toEqual([text]);
  expect(problems({ deadline: "1s" })).toEqual([text]);
});

test("a route that asks for what nobody checks is told so", () => {
  for (const auth of ["required", "optional"])
    expect(problems(undefined, { routes: { "/echo": { kind: "echo", auth } } })).toEqual([
      `routes./echo.auth: has nothing that checks clients, got "${auth}". Add auth at the top level, with jwt, keys or authorize.`,
    ]);
  expect(problems(undefined, { routes: { "/echo": { kind: "echo", auth: "none" } } })).toEqual([]);
});

test("an issuer has one key, no more and no fewer", () => {
  expect(jwt({})).toEqual([
    "auth.jwt: has no key to check tokens with. Add one of secret, secretFile, keyFile, jwks.",
  ]);
  expect(jwt([{ issuer: "a" }])[0]).toStartWith("auth.jwt.0: has no key");
  expect(jwt({ secret: SECRET, jwks: "https://id.example" })).toEqual([
    "auth.jwt.jwks: stands beside secret. Keep one of the two.",
  ]);
});

test("of several issuers each has a name of its own, so that their keys do not mix", () => {
  const [a, b] = [{ issuer: "a", secret: SECRET }, { secret: SECRET }];
  expect(jwt([a, b])).toEqual([
    "auth.jwt.1.issuer: is missing. Of several, each says what `iss` its tokens have.",
  ]);
  expect(jwt([a, a])[0]).toStartWith('auth.jwt.1.issuer: is the issuer of another entry, got "a".');
  expect(jwt([])[0]).toStartWith("auth.jwt: expected");
});

describe("a secret", () => {
  test("has as many bytes as its hash, counted as bytes", () => {
    expect(jwt({ secret: "x".repeat(31) })).toEqual([
      "auth.jwt.secret: has 31 bytes, and at least 32 are needed. Make one with `openssl rand -base64 48`.",
    ]);
    expect(jwt({ secret: "é".repeat(16) })).toEqual([]);
    expect(jwt({ secret: "x".repeat(47), algorithms: ["HS256", "HS384"] })[0]).toContain("at least 48");
    expect(jwt({ secret: "x".repeat(63), algorithms: ["HS512"] })[0]).toContain("at least 64");
  });

  test("is not a key in PEM, whose public half everybody may have", () => {
    const pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n";
    expect(jwt({ secret: pem })).toEqual(["auth.jwt.secret: is a key in PEM. Name its file with keyFile."]);
  });
});

test("HMAC goes with secrets and nothing else does", () => {
  expect(jwt({ secret: SECRET, algorithms: ["RS256"] })[0]).toContain('does not go with secret, got "RS256"');
  for (const key of [{ keyFile: "k" }, { jwks: "https://id.example" }])
    expect(jwt({ ...key, algorithms: ["ES256", "HS256"] })).toEqual([
      expect.stringMatching(
        /^auth\.jwt\.algorithms\.1: does not go with .* Whoever knew the public key could make tokens/,
      ),
    ]);
  for (const none of ["none", "NONE", "HS1", "RS256 "])
    expect(jwt({ secret: SECRET, algorithms: [none] })[0]).toContain("expected");
});

test("keys are fetched by https, or from this machine, and with no password in the address", () => {
  for (const jwks of [
    "http://id.example/",
    "ftp://id.example",
    "id.example",
    "/keys",
    "http://127.0.0.1.evil.example/",
    "file:///k",
  ])
    expect(jwt({ jwks })[0]).toContain("expected an https:// address");
  for (const jwks of ["http://localhost/k", "http://[::1]:1/k", "http://127.9.9.9/k"])
    expect(jwt({ jwks })).toEqual([]);
  const [told = ""] = jwt({ jwks: "https://user:hidden@id.example/" });
  expect(told).toContain("has a user or a password in it");
  expect(told).not.toContain("hidden");
});

test("an API key is given by its hash, and one that is given itself is not repeated", () => {
  const [told = ""] = problems({ keys: { ci: { hash: "fl_very-secret" } } });
  expect(told).toContain("expected sha256: and 64 digits of hex, got [redacted].");
  for (const keys of ["fl_very-secret", { ci: "fl_very-secret" }, ["fl_very-secret"]])
    expect(problems({ keys }).join()).not.toContain("fl_very-secret");
});

test("two API keys with one hash would be one key under two names", () => {
  expect(problems({ keys: { a: { hash: HASH }, b: { hash: HASH } } })).toEqual([
    "auth.keys.b: has the hash of another key. Make a key for each.",
  ]);
});

test("an API key has rights on routes that there are, by patterns that can be", () => {
  const caps = (table: unknown) => problems({ keys: { ci: { hash: HASH, caps: table } } });
  expect(caps({ "/feed/:topics": {} })).toEqual([
    "auth.keys.ci.caps./feed/:topics: is no route. Did you mean /feed/:topic?",
  ]);
  expect(caps({ "*": { publish: ["a*"] } })[0]).toContain("auth.keys.ci.caps.*.publish.0: no pattern");
  expect(caps({ "*": { read: true } })[0]).toContain("unknown key");
});

test("a header counts from trusted proxies, so there must be one", () => {
  const certificate = { header: "X-Subject" };
  expect(problems({ certificate }, { trustProxy: ["127.0.0.1"] })).toEqual([]);
  for (const more of [{}, { trustProxy: [] }])
    expect(problems({ certificate }, more)[0]).toContain(
      "counts only from a trusted proxy, and there is none",
    );
  const wrong = problems({ certificate: { header: "X Subject:" } }, { trustProxy: ["127.0.0.1"] });
  expect(wrong[0]).toContain("expected the name of a header");
});

test("certificates of the listener's own are told only where it asks for them, on a port", () => {
  const tls = { cert: "c.pem", clientCa: "ca.pem" };
  const certificate = true;
  expect(problems({ certificate }, { listen: { tls } })).toEqual([]);
  for (const listen of [{}, { tls: { cert: "c.pem" } }])
    expect(problems({ certificate }, { listen })[0]).toContain("has nobody who vouches for certificates");
  const unix = problems({ certificate }, { listen: { tls, unix: "/run/x.sock" } });
  expect(unix[0]).toContain("cannot be told on a socket of the file system");
});

test("what has the wrong type is told once, and never what it was where it may be a secret", () => {
  for (const wrong of [
    "very-secret",
    ["very-secret"],
    { secret: ["very-secret"] },
    [{ secret: { a: "very-secret" } }],
  ])
    expect(jwt(wrong).join()).not.toContain("very-secret");
  expect(jwt([{ issuer: "a", secert: "very-secret" }])[0]).toContain(
    "unknown key, got [redacted]. Did you mean secret?",
  );
  for (const auth of [
    "very-secret",
    { jwt: { key: "very-secret" } },
    { jwt: [{ issuer: "a", hmac: "very-secret" }] },
    { keys: { ci: { sha256: "very-secret" } } },
  ])
    expect(problems(auth).join()).toMatch(/got \[redacted\]/);
});

test("no flag takes a secret, which others on the machine could read", () => {
  const flags = gatewayFlags({}).map(({ name }) => name);
  expect(flags).toContain("auth-jwt-secret-file");
  expect(flags.filter((name) => /(?:secret|password)$/.test(name))).toEqual([]);
  expect(flags).not.toContain("auth-jwt");
  expect(flags).not.toContain("auth-keys");
});
