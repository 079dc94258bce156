import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isPattern, matcher, patternProblem, topicProblem } from "../../src/wire/topic.ts";
import { readVectors } from "../vectors.ts";

describe("a topic name is fine", () => {
  test.each([
    ["of one character", "a"],
    ["of segments", "stocks.AAPL.bid"],
    ["of 255 bytes", "a".repeat(255)],
    ["of 255 bytes of UTF-8", `${"€".repeat(84)}abc`],
    ["with characters beyond the BMP", "🎉.party"],
    ["with joiners that scripts and emoji need", "می\u200cخواهم.👩\u200d💻"],
    ["with what paths and code find special", "a/b:c?d#e%2f__proto__$<'\"\\"],
    ["named like a member of every object", "constructor"],
  ])("%s", (_, name) => {
    expect(topicProblem(name)).toBeUndefined();
  });
});

describe("a topic name is refused, with the reason,", () => {
  test.each([
    ["if it is empty", "", "is empty"],
    ["past 255 bytes", "a".repeat(256), "longer than 255 bytes"],
    ["past 255 bytes of UTF-8 though shorter in characters", "€".repeat(86), "longer than 255 bytes"],
    ["if it begins with a dot", ".a", "empty segment"],
    ["if it ends with a dot", "a.", "empty segment"],
    ["with two dots in a row", "a..b", "empty segment"],
    ["if it is only a dot", ".", "empty segment"],
    ["with NUL", "a\0b", "U+0000"],
    ["with a line feed", "a\nb", "U+000A"],
    ["with ESC", "a\x1b[31m", "U+001B"],
    ["with DEL", "a\x7f", "U+007F"],
    ["with a C1 control", "a\x9b", "U+009B"],
    ["with a space", "my room", "U+0020"],
    ["with a no-break space", "my\u00a0room", "U+00A0"],
    ["with an ideographic space", "my\u3000room", "U+3000"],
    ["with a byte order mark", "\ufeffroom", "U+FEFF"],
    ["with a line separator", "a\u2028b", "U+2028"],
    ["with a paragraph separator", "a\u2029b", "U+2029"],
    ["with a left-to-right mark", "a\u200eb", "U+200E"],
    ["with an override of direction", "a\u202eb", "U+202E"],
    ["with an isolate of direction", "a\u2066b", "U+2066"],
    ["with an Arabic letter mark", "a\u061cb", "U+061C"],
    ["with a star", "stocks.*", "* or >"],
    ["with a greater-than sign", "stocks.>", "* or >"],
    ["with a star inside a segment", "sto*ks", "* or >"],
    ["with a lone high surrogate", "a\ud800", "surrogate"],
    ["with a lone low surrogate", "\udc00b", "surrogate"],
  ])("%s", (_, name, reason) => {
    expect(topicProblem(name)).toContain(reason);
  });
});

test("shows the received name without what could steer a terminal or flood a log", () => {
  expect(topicProblem("a\x1b\u202eb")).toStartWith('topic "a<U+001B><U+202E>b" has the character U+001B; ');
  expect(topicProblem("x".repeat(1_000_000))?.length).toBeLessThan(200);
});

describe("what a subscription names is refused, with the reason,", () => {
  test.each([
    ["if it is empty", "", "is empty"],
    ["past 255 bytes", `${"a".repeat(254)}.*`, "longer than 255 bytes"],
    ["past 255 bytes of UTF-8 though shorter in characters", `${"€".repeat(85)}.*`, "longer than 255 bytes"],
    ["with a space", "stocks. *", "U+0020"],
    ["with an empty segment", "stocks..*", "empty segment"],
    ["with a dot after the wildcard", "stocks.>.", "empty segment"],
    ["with a star inside a segment", "stocks.A*", "inside a segment"],
    ["with two stars in a segment", "stocks.**", "inside a segment"],
    ["with a greater-than sign inside a segment", "stocks>", "inside a segment"],
    ["with a greater-than sign before the end", ">.AAPL", "put it last"],
  ])("%s", (_, name, reason) => {
    expect(patternProblem(name)).toContain(reason);
  });
});

interface TopicVector {
  readonly name: string;
  readonly text: string;
  readonly isTopic: boolean;
  /** A subscription may name it, as one may any topic. */
  readonly isPattern: boolean;
  readonly matches?: readonly string[];
  readonly misses?: readonly string[];
}

describe("knows what it is and what it stands for:", () => {
  for (const { name, text, isTopic, matches = [], misses = [], ...vector } of readVectors<TopicVector>(
    "topics",
  )) {
    test(name, () => {
      expect(topicProblem(text) === undefined).toBe(isTopic);
      expect(patternProblem(text) === undefined).toBe(isTopic || vector.isPattern);
      expect(matches.filter((topic) => !matcher(text)(topic))).toEqual([]);
      expect(misses.filter(matcher(text))).toEqual([]);
    });
  }
});

/** The rules said a second way: as a walk over both lists. */
function walks(pattern: readonly string[], topic: readonly string[]): boolean {
  const [wanted, ...rest] = pattern;
  const [segment, ...others] = topic;
  if (wanted === undefined || segment === undefined) return wanted === segment;
  if (wanted === ">") return true;
  return (wanted === "*" || wanted === segment) && walks(rest, others);
}

const segment = fc.constantFrom("a", "b", "constructor");
const topic = fc.array(segment, { minLength: 1, maxLength: 4 });
const pattern = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: 4 }), fc.constantFrom("a", "*", ">"))
  .map(([first, last]) => [...first, last]);

test("every pattern matches what a walk over its segments matches", () => {
  fc.assert(
    fc.property(pattern, topic, (wanted, segments) => {
      expect(patternProblem(wanted.join("."))).toBeUndefined();
      expect(matcher(wanted.join("."))(segments.join("."))).toBe(walks(wanted, segments));
    }),
    { numRuns: 1000 },
  );
});

test("any string is a topic, a pattern or refused, and a topic may always be subscribed to", () => {
  const unit = fc.constantFrom("a", "b", ".", "*", ">", "€", " ", "\0", "\ud800");
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 8 }), (name) => {
      const isTopic = topicProblem(name) === undefined;
      if (isTopic) expect([patternProblem(name), isPattern(name)]).toEqual([undefined, false]);
      else if (patternProblem(name) === undefined) expect(isPattern(name)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
