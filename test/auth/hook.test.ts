/** `authorize`: what it may say, and that everything else denies. */
import { describe, expect, test } from "bun:test";
import { askHook } from "../../src/auth/hook.ts";
import type { Authorize } from "../../src/config/auth.ts";
import type { Identity } from "../../src/identity.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";
import { shown } from "./tokens.ts";

const ALICE: Identity = {
  user: "alice",
  by: "token",
  tokenId: "t1",
  issuedAt: 1_000,
  expires: 2_000,
  caps: { "*": { publish: ["a"] } },
};

function ask(authorize: unknown, identity: Identity | null = null, deadline = 5_000) {
  const [clock, log] = [testClock(), memoryLog()];
  const { headers, query, route, params, remoteAddress } = shown();
  const request = { headers, query, route, params, remoteAddress, identity, token: undefined };
  const said = askHook(authorize as Authorize, request, { clock, log, deadline });
  return { said, clock, log };
}
const say = (answer: unknown, identity?: Identity) => ask(() => answer, identity).said;

test("null and false are answers, now or later", async () => {
  expect(await say(null)).toBeNull();
  expect(await say(Promise.resolve(null))).toBeNull();
  expect(await say(false)).toBe("refused");
  expect(await say(Promise.resolve(false))).toBe("refused");
});

test("fields make somebody of nobody, as of now", async () => {
  const { said, clock } = ask(() => ({ user: "bob" }));
  expect(await said).toEqual({ user: "bob", by: "hook", issuedAt: clock.wall() });
  expect(await say({})).toMatchObject({ user: null, by: "hook" });
});

describe("beside what was checked", () => {
  test("a field takes the place of one, and what is left out stays", async () => {
    const caps = { "*": { subscribe: true } } as const;
    expect(await say({ caps, info: { n: 1 } }, ALICE)).toEqual({
      ...ALICE,
      by: "hook",
      caps,
      info: { n: 1 },
    });
    expect(await say({}, ALICE)).toEqual({ ...ALICE, by: "hook" });
  });

  test("a field that is undefined is left out: it takes no limit away", async () => {
    const nothing = { user: undefined, caps: undefined, expires: undefined, tokenId: undefined };
    expect(await say(nothing, ALICE)).toEqual({ ...ALICE, by: "hook" });
  });
});

test("an end that has passed is told as one; that of a token within the tolerance is not its own", async () => {
  const { said, clock } = ask(() => ({ user: "bob", expires: testClock().wall() }));
  expect(await said).toBe("expired");
  expect(await say({ user: "bob", expires: clock.wall() + 1 })).toMatchObject({ user: "bob" });
  expect(await say({ info: 1 }, { ...ALICE, expires: clock.wall() - 1 })).toMatchObject({ user: "alice" });
});

describe("denies", () => {
  const wrong: Record<string, unknown> = {
    "an answer that was forgotten": undefined,
    true: true,
    "a text": "alice",
    "a number": 1,
    "a list": [{ user: "alice" }],
    "a field that no identity has": { user: "alice", admin: true },
    "a field of ours": { user: "alice", by: "token" },
    "a user that is no text": { user: 1 },
    "an empty user": { user: "" },
    "caps that cannot be read": { caps: { "*": { publish: "all" } } },
    "caps that are null": { caps: null },
    "an end that is no time": { expires: "tomorrow" },
    "an end that is no number": { expires: Number.NaN },
    "an end in seconds": { expires: testClock().wall() / 1_000 + 3_600 },
    "info that is too large": { info: "x".repeat(2_000) },
    "info that is no JSON": { info: () => 1 },
    "a target that is no text": { target: 9000 },
  };
  for (const [what, answer] of Object.entries(wrong)) {
    test(`${what}, with a line that says so`, async () => {
      for (const identity of [null, ALICE]) {
        const { said, log } = ask(() => answer, identity);
        expect(await said).toBe("failed");
        expect(log.lines).toMatchObject([
          { level: "error", text: "! authorize failed", route: "/feed/:topic" },
        ]);
      }
    });
  }

  test("in words that say what a field must be, and never what it was", async () => {
    const { said, log } = ask(() => ({ expires: "a-secret" }));
    expect(await said).toBe("failed");
    const told = String(log.lines[0]?.["err"]);
    expect(told).toContain("its expires must be a number of unix milliseconds");
    expect(told).not.toContain("a-secret");
  });

  test("info that turns in a circle", async () => {
    const info: Record<string, unknown> = {};
    info["info"] = info;
    expect(await say({ info })).toBe("failed");
  });

  test("a throw, at once or later, of anything", async () => {
    for (const thrown of [new Error("no database"), "text", undefined]) {
      const throws = () => {
        throw thrown;
      };
      for (const authorize of [throws, async () => throws(), () => Promise.reject(thrown)]) {
        const { said, log } = ask(authorize);
        expect(await said).toBe("failed");
        expect(log.lines).toHaveLength(1);
      }
    }
  });
});

describe("no answer within the deadline", () => {
  test("means that it cannot be said now, and is told", async () => {
    const { said, clock, log } = ask(() => new Promise(() => {}));
    clock.advance(4_999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await said).toBe("unavailable");
    expect(log.lines).toMatchObject([{ level: "warn", deadline: 5_000 }]);
  });

  test("is waited for when the deadline is 0", async () => {
    const gate = Promise.withResolvers<object>();
    const { said, clock } = ask(() => gate.promise, null, 0);
    clock.advance(60_000);
    gate.resolve({ user: "bob" });
    expect(await said).toMatchObject({ user: "bob" });
  });

  test("changes nothing when it comes later, also as a failure", async () => {
    const fails = () => Promise.reject(new Error("late"));
    for (const late of [async () => ({ user: "root" }), fails]) {
      const gate = Promise.withResolvers<void>();
      const answered = Promise.withResolvers<void>();
      const { said, clock, log } = ask(() => gate.promise.then(late).finally(answered.resolve));
      clock.advance(5_000);
      expect(await said).toBe("unavailable");
      gate.resolve();
      await answered.promise;
      expect(log.lines).toHaveLength(1);
    }
  });

  test("an answer in time leaves no timer", async () => {
    const { said, clock } = ask(async () => null);
    await said;
    expect(clock.pending).toBe(0);
  });
});
