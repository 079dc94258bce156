/** For any path and any command: the name that a right is asked for is the name that is used, and no other is. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { May } from "../../src/identity.ts";
import { createRouter } from "../../src/reception/router.ts";
import { decodeCommand } from "../../src/wire/commands.ts";
import { covers } from "../../src/wire/name-pattern.ts";
import { matcher } from "../../src/wire/topic.ts";
import { rightsHouse } from "./rights-house.ts";

const KINDS = ["room", "feed"] as const;
const router = createRouter([["/x/:name", true]]);

/** Names that look like one another, and what a path may hide. */
const piece = fc.constantFrom(
  ...[
    "a",
    "A",
    "secret",
    "é",
    "e\u0301",
    "ａ",
    "\u00df",
    "ss",
    ".",
    "..",
    "*",
    ">",
    "%2f",
    "%252f",
    "/",
    "\\",
  ],
  ...[
    "%00",
    "\0",
    "%20",
    " ",
    "%2e",
    "%c3%a9",
    "%E9",
    "%u0061",
    "+",
    ";",
    "?",
    "#",
    "//",
    "\u202e",
    "\ud800",
  ],
);
const name = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
/** A path as a client may write it: letter for letter, or with any of its letters as percent signs. */
const segment = fc.tuple(name, fc.constantFrom("as it is", "encoded", "twice")).map(([text, how]) => {
  const once = () => encodeURIComponent(text.toWellFormed());
  return how === "as it is" ? text : how === "encoded" ? once() : encodeURIComponent(once());
});

const namesOf = (asked: readonly string[]) =>
  new Set(asked.map((question) => question.slice(question.indexOf(" ") + 1)));

test.each(KINDS)("%s: a right is asked for the very name in a path that is then subscribed", async (kind) => {
  await fc.assert(
    fc.asyncProperty(segment, async (path) => {
      const match = router.match(`/x/${path}`);
      if (match.kind !== "found") return;
      const house = rightsHouse(kind);
      const topic = String(match.params["name"]);
      const admission = await house.admit({ topic });
      if (admission === undefined || "refusal" in admission) {
        expect([house.asked, house.touched]).toEqual([[], []]);
        return;
      }
      await house.speak({ topic });
      house.plain({ topic });
      expect(namesOf(house.asked)).toEqual(new Set([topic]));
      expect(new Set(house.touched)).toEqual(new Set([topic]));
    }),
    { numRuns: 400 },
  );
});

const wish = fc.record({
  t: fc.constantFrom("sub", "pub", "who", "history"),
  topic: name,
  data: fc.constant("x"),
  presence: fc.boolean(),
  last: fc.option(fc.nat(3), { nil: undefined }),
});

test.each(KINDS)("%s: a right is asked for the very name in a command that is then used", async (kind) => {
  await fc.assert(
    fc.asyncProperty(wish, async (fields) => {
      const decoded = decodeCommand(JSON.stringify(fields));
      if ("err" in decoded) return;
      const house = rightsHouse(kind);
      const { ask } = await house.speak();
      await ask({ t: "unsub", topic: "t" });
      house.asked.length = house.touched.length = 0;
      await ask(decoded.command);
      expect(namesOf(house.asked)).toEqual(new Set([fields.topic]));
      if (kind === "feed") expect(new Set(house.touched)).toEqual(new Set([fields.topic]));
      else expect(house.touched).toEqual([]);
    }),
    { numRuns: 400 },
  );
});

test("feed: whatever a client asks for, it is brought no topic that its rights do not name", async () => {
  const part = fc.constantFrom("a", "a", "b", "*", "*", ">", "A", "é", "e\u0301");
  const topics = fc.array(part, { minLength: 1, maxLength: 2 }).map((parts) => parts.join("."));
  const patterns = fc
    .array(topics, { minLength: 1, maxLength: 3 })
    .map((list) => list.filter((each) => !each.includes(">")));
  // Mostly what it may, or nothing would ever come.
  const wishes = fc.tuple(patterns, topics, fc.nat(3)).map(([allowed, other, nth]) => ({
    allowed,
    wanted: allowed[nth] ?? other,
  }));
  let deliveries = 0;
  await fc.assert(
    fc.asyncProperty(wishes, fc.array(topics, { maxLength: 12 }), async ({ allowed, wanted }, published) => {
      const may: May = (_, name) => name === "own" || allowed.some((pattern) => covers(pattern, name));
      const house = rightsHouse("feed");
      const { ask, connection } = await house.speak({ topic: "own", may });
      const decoded = decodeCommand(JSON.stringify({ t: "sub", topic: wanted, last: 3 }));
      if ("err" in decoded) return;
      await ask(decoded.command);
      for (const topic of published.filter((each) => !/[*>]/.test(each)))
        house.topics.publish(topic, { data: "secret", json: false });
      const heard = connection.sent.map((frame) => JSON.parse(String(frame))).filter(({ t }) => t === "msg");
      deliveries += heard.length;
      for (const { topic } of heard) {
        expect(allowed.some((pattern) => matcher(pattern)(topic))).toBe(true);
        expect(matcher(wanted)(topic)).toBe(true);
      }
    }),
    { numRuns: 600 },
  );
  expect(deliveries).toBeGreaterThan(20);
});
