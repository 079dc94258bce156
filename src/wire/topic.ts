/**
 * What a topic may be called, on the wire and in a path: 1 to 255 bytes of UTF-8 in segments joined by `.`.
 * Refused beyond that: what a name could use to look like another one or to break a log line. That is control characters (C0, DEL,
 * C1), white space of any kind (U+2028 and U+2029 too) and the marks that turn the direction of text. Letters and joiners of any
 * script pass, and names are compared as they are: no case folding, no Unicode normalisation.
 */
export const MAX_TOPIC_BYTES = 255;

const SHOWN = 64;
const FORBIDDEN = /[\p{Cc}\s\p{Bidi_Control}]/u;
const ALL_FORBIDDEN = new RegExp(FORBIDDEN, "gu");
const encoder = new TextEncoder();

/** Says what is wrong with a name to publish to, or to find in a path, and how to write it; undefined if nothing is. */
export function topicProblem(name: string): string | undefined {
  const fault = faultOf(name);
  return fault === undefined ? undefined : `topic ${shown(name)} ${fault}`;
}

function faultOf(name: string): string | undefined {
  if (name === "") return "is empty; give it 1 to 255 bytes, like stocks.AAPL";
  // A UTF-16 unit is one byte at least: this refuses a huge name before anything walks it.
  if (name.length > MAX_TOPIC_BYTES || encoder.encode(name).length > MAX_TOPIC_BYTES)
    return "is longer than 255 bytes of UTF-8; shorten it";
  if (!name.isWellFormed()) return "has half of a surrogate pair, which is not UTF-8; send whole characters";
  const forbidden = FORBIDDEN.exec(name)?.[0];
  if (forbidden !== undefined)
    return `has the character ${codePoint(forbidden)}; leave out spaces, control characters and direction marks`;
  if (/[*>]/.test(name)) return "has * or >, which stand for many topics in a subscription; name one topic";
  if (name.split(".").includes(""))
    return "has an empty segment; join segments by single dots, like stocks.AAPL";
  return undefined;
}

const codePoint = (character: string) =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** The name as one may print it: shortened, quoted, with nothing that steers a terminal. */
function shown(name: string): string {
  const short = name.length > SHOWN ? `${name.slice(0, SHOWN)}...` : name;
  return JSON.stringify(short.replace(ALL_FORBIDDEN, (character) => `<${codePoint(character)}>`));
}
