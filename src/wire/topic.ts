/**
 * What a topic may be called, on the wire and in a path: 1 to 255 bytes of UTF-8 in segments joined by `.`; and patterns, which
 * stand for many topics in a subscription. Pure, linear in the length of a name: no regular expression comes from a user.
 * Refused beyond that: what a name could use to look like another one or to break a log line. That is control characters (C0, DEL,
 * C1), white space of any kind (U+2028 and U+2029 too) and the marks that turn the direction of text. Letters and joiners of any
 * script pass, and names are compared as they are: no case folding, no Unicode normalisation.
 */
import { codePoint, shown } from "./shown.ts";
import { isLongerThan } from "./utf8.ts";

export const MAX_TOPIC_BYTES = 255;

const WILDCARD = /[*>]/;
const FORBIDDEN = /[\p{Cc}\s\p{Bidi_Control}]/u;

/** Says what is wrong with a name to publish to, or to find in a path, and how to write it; undefined if nothing is. */
export function topicProblem(name: string): string | undefined {
  const fault = characterFault(name) ?? wildcardFault(name) ?? segmentFault(name);
  return fault === undefined ? undefined : `topic ${shown(name)} ${fault}`;
}

/**
 * As `topicProblem`, for what a subscription names: a topic, or a pattern in which the segment `*` stands for exactly one
 * segment and `>`, as the last one, for one or more.
 */
export function patternProblem(name: string): string | undefined {
  const fault = characterFault(name) ?? segmentFault(name) ?? misplacedFault(name);
  return fault === undefined ? undefined : `topic ${shown(name)} ${fault}`;
}

/** Whether a subscription's name stands for many topics. */
export function isPattern(name: string): boolean {
  return WILDCARD.test(name);
}

/** Tells the topics that a pattern without a problem stands for. A plain name matches itself. Linear in the length of the topic. */
export function matcher(pattern: string): (topic: string) => boolean {
  if (!isPattern(pattern)) return (topic) => topic === pattern;
  const wanted = pattern.split(".");
  const isOpen = wanted.at(-1) === ">";
  if (isOpen) wanted.pop();
  return (topic) => {
    const segments = topic.split(".");
    if (isOpen ? segments.length <= wanted.length : segments.length !== wanted.length) return false;
    return wanted.every((segment, at) => segment === "*" || segment === segments[at]);
  };
}

function characterFault(name: string): string | undefined {
  if (name === "") return "is empty; give it 1 to 255 bytes, like stocks.AAPL";
  if (isLongerThan(name, MAX_TOPIC_BYTES)) return "is longer than 255 bytes of UTF-8; shorten it";
  if (!name.isWellFormed()) return "has half of a surrogate pair, which is not UTF-8; send whole characters";
  const forbidden = FORBIDDEN.exec(name)?.[0];
  return forbidden === undefined
    ? undefined
    : `has the character ${codePoint(forbidden)}; leave out spaces, control characters and direction marks`;
}

function wildcardFault(name: string): string | undefined {
  return isPattern(name)
    ? "has * or >, which stand for many topics in a subscription; name one topic"
    : undefined;
}

function segmentFault(name: string): string | undefined {
  return name.startsWith(".") || name.endsWith(".") || name.includes("..")
    ? "has an empty segment; join segments by single dots, like stocks.AAPL"
    : undefined;
}

function misplacedFault(name: string): string | undefined {
  if (!isPattern(name)) return undefined;
  const segments = name.split(".");
  if (segments.some((segment) => segment.length > 1 && WILDCARD.test(segment)))
    return "has * or > inside a segment; they stand for whole segments, like stocks.* or stocks.>";
  return segments.slice(0, -1).includes(">")
    ? "has > before its end; > stands for all the rest, so put it last, like stocks.>"
    : undefined;
}
