/** Keys at an address: a stub of an issuer that is down, slow, huge, rotated, redirecting, wrong (fault catalogue, row 48). */
import { describe, expect, onTestFinished, test } from "bun:test";
import { createRemoteKeys } from "../../src/auth/remote-keys.ts";
import { eventually } from "../calm.ts";
import { CERT, KEY } from "../certificate.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";
import { startService } from "../tcp-service.ts";
import { pair } from "./tokens.ts";

type Answer = () => Response | Promise<Response>;
const ENOUGH_MS = 60_000;

const named = (kid: string, name = kid) => ({ ...pair("P-256", name).jwk, kid });
const set = (...kids: string[]) => Response.json({ keys: kids.map((kid) => named(kid)) });

/** An issuer whose answer the test changes, and who counts how often it is asked. */
function setUp(first: Answer) {
  const issuer = { answer: first, asked: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      issuer.asked += 1;
      return issuer.answer();
    },
  });
  const [clock, log] = [testClock(), memoryLog()];
  const url = `http://127.0.0.1:${server.port}/keys?tenant=1`;
  const keys = createRemoteKeys(url, { clock, log, fetch });
  onTestFinished(() => {
    keys.dispose();
    return server.stop(true);
  });
  const find = (kid?: string) => keys.find("ES256", kid);
  const reasons = () => log.lines.map(({ reason }) => reason);
  return { issuer, server, clock, log, keys, find, reasons };
}

test("nothing is fetched before a token asks, and once for all that ask at once", async () => {
  const { issuer, clock, find } = setUp(() => set("a"));
  expect(issuer.asked).toBe(0);
  const found = await Promise.all(Array.from({ length: 200 }, () => find("a")));
  expect(found.every((key) => key instanceof CryptoKey)).toBe(true);
  expect([issuer.asked, clock.pending]).toEqual([1, 0]);
});

test("is asked for what is configured, whatever a token calls its key", async () => {
  const paths: string[] = [];
  const { issuer, find } = setUp(() => set("a"));
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      paths.push(url);
      return set("a");
    },
  });
  onTestFinished(() => server.stop(true));
  for (const kid of ["../x", `http://127.0.0.1:${server.port}/`, "a?b", "\r\nHost: x"])
    expect(await find(kid)).toBe("unknown_key");
  expect(paths).toEqual([]);
  expect(issuer.asked).toBe(1);
});

describe("rotated", () => {
  test("a new key counts, though its name was not known; the issuer is asked once for it", async () => {
    const { issuer, clock, find } = setUp(() => set("a"));
    await find("a");
    issuer.answer = () => set("a", "b");
    clock.advance(30_000);
    expect(await find("b")).toBeInstanceOf(CryptoKey);
    expect(await find("a")).toBeInstanceOf(CryptoKey);
    expect(issuer.asked).toBe(2);
  });

  test("made-up names ask the issuer no more than once in 30 s", async () => {
    const { issuer, clock, find } = setUp(() => set("a"));
    for (let n = 0; n < 1_000; n += 1) expect(await find(`made-up-${n}`)).toBe("unknown_key");
    expect(issuer.asked).toBe(1);
    clock.advance(29_999);
    expect(await find("b")).toBe("unknown_key");
    expect(issuer.asked).toBe(1);
    clock.advance(1);
    await Promise.all(Array.from({ length: 100 }, (_, n) => find(`made-up-${n}`)));
    expect(issuer.asked).toBe(2);
  });

  test("a key that its issuer has taken back counts no longer than ten minutes", async () => {
    const { issuer, clock, find } = setUp(() => set("a", "b"));
    await find("a");
    issuer.answer = () => set("b");
    clock.advance(599_999);
    expect(await find("a")).toBeInstanceOf(CryptoKey);
    clock.advance(1);
    expect(await find("a")).toBe("unknown_key");
    expect(await find("b")).toBeInstanceOf(CryptoKey);
    expect(issuer.asked).toBe(2);
  });
});

describe("down", () => {
  test("from the start: nobody can be checked, and it is asked again after 5 s", async () => {
    const { issuer, clock, find, log } = setUp(() => new Response("no", { status: 500 }));
    expect(await Promise.all([find("a"), find("b")])).toEqual(["unavailable", "unavailable"]);
    expect(await find("a")).toBe("unavailable");
    expect(issuer.asked).toBe(1);
    expect(log.lines).toEqual([
      {
        level: "warn",
        text: "! the keys of an issuer cannot be fetched",
        jwks: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/keys$/),
        reason: "it answers 500",
      },
    ]);
    issuer.answer = () => set("a");
    clock.advance(5_000);
    expect(await find("a")).toBeInstanceOf(CryptoKey);
  });

  test("later: keys that were fetched go on to count, however long it takes; others cannot be checked", async () => {
    const { server, clock, find } = setUp(() => set("a"));
    await find("a");
    await server.stop(true);
    for (let hours = 0; hours < 48; hours += 1) {
      clock.advance(3_600_000);
      expect(await find("a")).toBeInstanceOf(CryptoKey);
    }
    expect(await find("b")).toBe("unavailable");
  });

  test("nobody listens there: that is told, not thrown", async () => {
    const clock = testClock();
    const log = memoryLog();
    const keys = createRemoteKeys("http://127.0.0.1:1/", { clock, log, fetch });
    expect(await keys.find("ES256", "a")).toBe("unavailable");
    expect(log.lines).toHaveLength(1);
  });
});

describe("slow", () => {
  test("it is given up after 5 s; who needs it waits so long and no longer", async () => {
    const { issuer, clock, find, reasons } = setUp(() => new Promise<Response>(() => {}));
    const waiting = find("a");
    await eventually("it is asked", () => issuer.asked === 1);
    clock.advance(5_000);
    expect(await waiting).toBe("unavailable");
    expect(reasons()).toEqual(["no answer within 5000 ms"]);
    expect(clock.pending).toBe(0);
  });

  test("a body that drips is given up as well", async () => {
    using drip = await startService((peer) => {
      void peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{").catch(() => undefined);
    });
    const [clock, log] = [testClock(), memoryLog()];
    const keys = createRemoteKeys(`http://${drip.target}/`, { clock, log, fetch });
    const waiting = keys.find("ES256", "a");
    await (await drip.next()).has(1);
    await eventually("the deadline runs", () => clock.pending === 1);
    clock.advance(5_000);
    expect(await waiting).toBe("unavailable");
  });

  test("keys that are known slow nobody down once it has failed", async () => {
    const { issuer, clock, find } = setUp(() => set("a"));
    await find("a");
    issuer.answer = () => new Promise<Response>(() => {});
    clock.advance(600_000);
    const first = find("a");
    await eventually("it is asked", () => issuer.asked === 2);
    clock.advance(5_000);
    expect(await first).toBeInstanceOf(CryptoKey);
    clock.advance(5_000);
    expect(await find("a")).toBeInstanceOf(CryptoKey);
    await eventually("it is asked", () => issuer.asked === 3);
    expect(await find("a")).toBeInstanceOf(CryptoKey);
  });

  test("an end of the gateway ends what is under way, without a word", async () => {
    const { issuer, keys, find, log } = setUp(() => new Promise<Response>(() => {}));
    const waiting = find("a");
    await eventually("it is asked", () => issuer.asked === 1);
    keys.dispose();
    expect(await waiting).toBe("unavailable");
    expect(log.lines).toEqual([]);
    expect(await find("a")).toBe("unavailable");
    expect(issuer.asked).toBe(1);
  });
});

describe("wrong", () => {
  const huge = () => new Response(`{"keys":[${" ".repeat(1_048_576)}]}`);
  const bomb = () =>
    new Response(Bun.gzipSync(Buffer.alloc(20_000_000, " ")), { headers: { "Content-Encoding": "gzip" } });
  const privateKey = () =>
    Response.json({ keys: [{ ...pair("P-256").privateKey.export({ format: "jwk" }), kid: "a" }] });
  const answers: Record<string, readonly [Answer, reason: string]> = {
    "an answer over 1 MiB": [huge, "its answer has more than 1048576 bytes"],
    "an answer that grows when it is unpacked": [bomb, "its answer is no JSON"],
    "a redirect elsewhere": [() => Response.redirect("http://127.0.0.1:1/"), "it answers 302"],
    "a page": [() => new Response("<html>"), "its answer is no JSON"],
    nothing: [() => new Response(""), "its answer is no JSON"],
    "bytes that are no text": [() => new Response(new Uint8Array([0xff, 0xfe])), "its answer is no JSON"],
    "no set": [() => Response.json({ keys: "a" }), "it holds no key that can be used"],
    "an empty set": [() => Response.json({ keys: [] }), "it holds no key that can be used"],
    "keys of HMAC": [
      () => Response.json({ keys: [{ kty: "oct", k: "AAAA", kid: "a" }] }),
      "it holds no key that can be used",
    ],
    "a private key": [privateKey, "it holds no key that can be used"],
    "not found": [() => new Response("{}", { status: 404 }), "it answers 404"],
  };
  for (const [what, [answer, reason]] of Object.entries(answers)) {
    test(`${what}: told, and no key comes of it`, async () => {
      const { find, reasons } = setUp(answer);
      expect(await find("a")).toBe("unavailable");
      expect(reasons()).toEqual([reason]);
    });
  }

  test("after right ones: those of before go on to count", async () => {
    const { issuer, clock, find } = setUp(() => set("a"));
    await find("a");
    for (const [answer] of Object.values(answers)) {
      issuer.answer = answer;
      clock.advance(ENOUGH_MS);
      expect(await find("b")).toBe("unavailable");
      expect(await find("a")).toBeInstanceOf(CryptoKey);
    }
  });

  test("keys that cannot be used stand beside one that can: that one counts", async () => {
    const { find } = setUp(() =>
      Response.json({
        keys: [null, 1, { kty: "X" }, { kty: "RSA", n: "AQAB", e: "AQAB", kid: "r" }, named("a")],
      }),
    );
    expect(await find("a")).toBeInstanceOf(CryptoKey);
    expect(await find("r")).toBe("unknown_key");
  });

  test("two keys of one name: neither is guessed", async () => {
    const { find } = setUp(() => Response.json({ keys: [named("a"), named("a", "b")] }));
    expect(await find("a")).toBe("unknown_key");
  });
});

test("an issuer whose certificate nobody vouches for is not believed, whatever the process's environment says", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: CERT, key: KEY },
    fetch: () => set("a"),
  });
  onTestFinished(() => server.stop(true));
  const before = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  onTestFinished(() => {
    if (before === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = before;
  });
  const log = memoryLog();
  for (const value of ["1", "0"]) {
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = value;
    const parts = { clock: testClock(), log, fetch };
    const keys = createRemoteKeys(`https://localhost:${server.port}/`, parts);
    expect(await keys.find("ES256", "a")).toBe("unavailable");
  }
  expect(log.lines.map(({ reason }) => reason)).toEqual([
    "self signed certificate",
    "self signed certificate",
  ]);
});
