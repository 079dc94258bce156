/** A recording as people read it: a line for each frame, with nothing in it that a terminal would obey. */
import type { Data } from "../../connection.ts";
import type { Frame, Header, Line } from "../../recording/lines.ts";
import { decodeUtf8 } from "../../wire/utf8.ts";
import { escapeLine, hexLine } from "../connect/escape.ts";

/** Characters; of a longer message the timeline has the beginning, `--raw` all of it. */
const SHOWN = 1_000;

const ENDINGS = {
  closed: "the session ended",
  full: "the recording was full, the session went on",
  slow: "the disk was too slow, the session went on",
} as const;

/** One line, without its end. */
export function timelineOf(line: Exclude<Line, { type: "problem" }>): string {
  if (line.type === "header") return headerText(line.header);
  return line.type === "frame" ? frameText(line.frame) : `${time(line.t)}  =   ${ENDINGS[line.end]}`;
}

function headerText({ route, started, version, about }: Header): string {
  const known = Object.entries(about).map(([name, value]) => `, ${name} ${value}`);
  return escapeLine(`${started} ${route}, by fairlead ${version}${known.join("")}`);
}

function frameText({ t, dir, data }: Frame): string {
  return `${time(t)}  ${dir.padEnd(3)} ${shown(data)}`;
}

/** Bytes that are a text are shown as one: most protocols on TCP are. */
function shown(data: Data): string {
  if (typeof data === "string") return `text ${Buffer.byteLength(data)} B: ${beginning(data)}`;
  const text = decodeUtf8(data);
  return text === undefined || text === "" || text.includes("\0")
    ? hexLine(data)
    : `binary ${data.length} B: ${beginning(text)}`;
}

function beginning(text: string): string {
  if (text.length <= SHOWN) return escapeLine(text);
  return `${escapeLine(text.slice(0, SHOWN))} ... and ${text.length - SHOWN} more`;
}

function time(t: number): string {
  return (t / 1_000).toFixed(3).padStart(9);
}
