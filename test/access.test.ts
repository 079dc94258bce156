/** What somebody may do: properties of the patterns, and which of the three lists holds. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createAccess, lacks, NOBODY, readCaps } from "../src/access.ts";
import { type Identity, RIGHTS, type Rights } from "../src/identity.ts";
import { covers, namesProblem } from "../src/wire/name-pattern.ts";
import { matcher } from "../src/wire/topic.ts";

const ALL: Rights = { subscribe: true, publish: true };
const someone: Identity = { user: "alice", by: "token" };
const segment = fc.stringMatching(/^[a-cA-C*>é%/]{1,4}$/);
const name = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("."));
const patterns = fc
  .array(fc.oneof(fc.constant("*"), fc.stringMatching(/^[a-cA-Cé%/]{1,3}$/)), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("."));

describe("a pattern", () => {
  test("never covers a name with another number of segments", () => {
    fc.assert(
      fc.property(patterns, name, (pattern, asked) => {
        if (covers(pattern, asked)) expect(asked.split(".")).toHaveLength(pattern.split(".").length);
      }),
    );
  });

  test("covers exactly those names whose segments it has or leaves open", () => {
    fc.assert(
      fc.property(
        patterns,
        fc.array(fc.stringMatching(/^[a-cé]{1,3}$/), { minLength: 1, maxLength: 4 }),
        (pattern, parts) => {
          const wanted = pattern.split(".");
          const expected =
            wanted.length === parts.length && wanted.every((each, at) => each === "*" || each === parts[at]);
          expect(covers(pattern, parts.join("."))).toBe(expected);
        },
      ),
    );
  });

  test("covers what a subscription stands for only if it covers every topic of it", () => {
    fc.assert(
      fc.property(
        patterns,
        name,
        fc.array(fc.stringMatching(/^[a-c]{1,2}$/), { minLength: 1, maxLength: 5 }),
        (pattern, asked, parts) => {
          const topic = parts.join(".");
          const isSubscription = asked
            .split(".")
            .every(
              (part, at, all) =>
                part === "*" || !/[*>]/.test(part) || (part === ">" && at === all.length - 1),
            );
          if (isSubscription && covers(pattern, asked) && matcher(asked)(topic))
            expect(covers(pattern, topic)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    "Chat",
    "chat ",
    "chat\u0000",
    "chat.",
    ".chat",
    "%63hat",
    "chat/",
    "//chat",
    "cha\u0074\u0301",
    "chat.x",
  ])("of one name does not cover %j, which only looks like it", (asked) => {
    expect(covers("chat", asked)).toBe(false);
  });

  test("does not cover the other Unicode form of its name", () => {
    expect(covers("caf\u00e9", "cafe\u0301")).toBe(false);
    expect(covers("caf\u00e9", "caf\u00e9")).toBe(true);
  });

  test("takes time in proportion to its length, however many stars it has", () => {
    const stars = Array.from({ length: 120 }, () => "*").join(".");
    const long = `${Array.from({ length: 120 }, () => "aaaaaaaaaa").join(".")}.b`;
    expect(covers(stars, long)).toBe(false);
  });

  test.each(["", "a..b", ".a", "a.", "a.>", ">", "a*", "**", "x".repeat(256)])(
    "cannot be written %j",
    (text) => {
      expect(namesProblem(text)).toBeString();
    },
  );

  test.each(["*", "a", "a.*", "*.b", "10.0.0.7:5900", "x".repeat(255)])("can be written %j", (text) => {
    expect(namesProblem(text)).toBeUndefined();
  });
});

describe("what somebody may do", () => {
  test("is what the kind of route allows, if neither a token nor the config says anything", () => {
    const may = createAccess({ route: "/feed", byDefault: { subscribe: true } }).of(someone);
    expect(may("subscribe", "x")).toBe(true);
    expect(may("publish", "x")).toBe(false);
  });

  test("is what the route's access lists and nothing else, if it has one", () => {
    const may = createAccess({ route: "/feed", access: { publish: ["a.*"] }, byDefault: ALL }).of(someone);
    expect(may("publish", "a.b")).toBe(true);
    expect(may("publish", "a.b.c")).toBe(false);
    expect(may("subscribe", "a.b")).toBe(false);
  });

  test("is what the token's caps say for this route and for all of them, whatever the route's access says", () => {
    const caps = { "/feed": { subscribe: ["a"] }, "*": { subscribe: ["b"] }, "/other": { subscribe: ["c"] } };
    const access = createAccess({ route: "/feed", access: { publish: true }, byDefault: ALL });
    const may = access.of({ ...someone, caps });
    expect(["a", "b", "c"].map((topic) => may("subscribe", topic))).toEqual([true, true, false]);
    expect(may("publish", "a")).toBe(false);
  });

  test("is nothing, if a token has empty caps", () => {
    const may = createAccess({ route: "/feed", byDefault: ALL }).of({ ...someone, caps: {} });
    expect(RIGHTS.filter((right) => may(right, "x"))).toEqual([]);
  });

  test("is less for those who showed nothing, if the route says so", () => {
    const access = createAccess({ route: "/feed", anonymous: { subscribe: true }, byDefault: ALL });
    expect(access.of(NOBODY)("publish", "x")).toBe(false);
    expect(access.of(NOBODY)("subscribe", "x")).toBe(true);
    expect(access.of(someone)("publish", "x")).toBe(true);
  });

  test("is not what a table inherits", () => {
    const access = createAccess({ route: "constructor", byDefault: {} });
    expect(access.of({ ...someone, caps: {} })("subscribe", "x")).toBe(false);
    expect(access.of(someone)("toString" as never, "x")).toBe(false);
  });
});

describe("the caps of a token", () => {
  test.each<[unknown]>([
    [null],
    [[]],
    ["all"],
    [{ feed: {} }],
    [{ "/feed": true }],
    [{ "/feed": { subscribe: "*" } }],
    [{ "/feed": { subscribe: [1] } }],
    [{ "/feed": { subscribe: false } }],
    [{ "/feed": { read: true } }],
    [{ "/feed": { subscribe: ["a.>"] } }],
    [{ "/feed": { subscribe: Array.from({ length: 1_001 }, () => "a") } }],
  ])("count as unreadable, never as none, if they are %j", (value) => {
    expect(readCaps(value)).toBeUndefined();
  });

  test("are routes with rights with names", () => {
    const caps = { "/feed/:topic": { subscribe: ["a.*"], publish: true }, "*": {} } as const;
    expect(readCaps(caps)).toEqual(caps);
  });
});

describe("what lacks", () => {
  const { of } = createAccess({ route: "/r", byDefault: { "join:local": ["a.*"] } });

  test("is nothing where the right holds", () => {
    expect(lacks(of(someone), "join:local", "a.b")).toBeUndefined();
  });

  test("is told with the name as a line can have it, and with what gives it", () => {
    expect(lacks(of(someone), "join:local", "a\n.b")).toBe(
      'no right to `join:local` on "a<U+000A>.b"; the token, or `access` of the route, must give it',
    );
  });
});
