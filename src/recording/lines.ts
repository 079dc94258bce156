/**
 * A recording as text: one JSON object a line. First who and when, then each frame with its milliseconds since the start, last how it ended.
 * Text stays text, so that a recording can be searched; bytes are base64. Pure; docs/recording.md is its description for others.
 * Failure: a line that is none of these is a `problem`, never an exception.
 */
import type { Data } from "../connection.ts";
import { shown } from "../wire/shown.ts";

/** `in`: from the client of a bridge, from center in a pipe. `out`: from the target, from local. */
export const DIRECTIONS = ["in", "out"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Of this description; a later one may mean something else by the same words. */
const FORMAT = 1;

export interface Header {
  /** Of the gateway that wrote it. */
  readonly version: string;
  readonly route: string;
  /** When `t` was 0; ISO 8601, UTC. */
  readonly started: string;
  /** What logs say of the session: `conn`, `target`, `group`. */
  readonly about: Readonly<Record<string, string>>;
}

export interface Frame {
  /** Milliseconds since the start. */
  readonly t: number;
  readonly dir: Direction;
  readonly data: Data;
}

/** `closed`: the session ended. `full`: the file may not grow any more. `slow`: the disk did not keep up. */
export const ENDS = ["closed", "full", "slow"] as const;
export type EndReason = (typeof ENDS)[number];

export type Line =
  | { readonly type: "header"; readonly header: Header }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "end"; readonly t: number; readonly end: EndReason }
  | { readonly type: "problem"; readonly problem: string };

export function headerLine({ version, route, started, about }: Header): string {
  return `${JSON.stringify({ recording: FORMAT, version, route, started, about })}\n`;
}

/** Written by hand: base64 needs no look for what must be escaped, which for large frames is most of the work. */
export function frameLine({ t, dir, data }: Frame): string {
  return typeof data === "string"
    ? `{"t":${t},"dir":"${dir}","text":${JSON.stringify(data)}}\n`
    : `{"t":${t},"dir":"${dir}","base64":"${base64(data)}"}\n`;
}

export function endLine(t: number, end: EndReason): string {
  return `{"t":${t},"end":"${end}"}\n`;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads one line, with or without its line feed. Fields it does not know are passed over. */
export function readLine(text: string): Line {
  const fields = parseObject(text);
  if (fields === undefined) return problem("is not a JSON object");
  if ("recording" in fields) return readHeader(fields);
  const { t, end } = fields;
  if (typeof t !== "number" || !(t >= 0 && t < Number.POSITIVE_INFINITY))
    return problem(`t: expected milliseconds, received ${shown(t)}`);
  if (!("end" in fields)) return readFrame(t, fields);
  const known = ENDS.find((reason) => reason === end);
  return known === undefined
    ? problem(`end: expected ${ENDS.join(", ")}, received ${shown(end)}`)
    : { type: "end", t, end: known };
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Fields)
      : undefined;
  } catch {
    // The parser quotes what it read, which may be anything.
    return undefined;
  }
}

function readHeader({ recording, version, route, started, about }: Fields): Line {
  if (recording !== FORMAT) return problem(`recording: expected ${FORMAT}, received ${shown(recording)}`);
  const words = { version, route, started };
  for (const [name, value] of Object.entries(words))
    if (typeof value !== "string") return problem(`${name}: expected a string, received ${shown(value)}`);
  const known = typeof about === "object" && about !== null ? Object.entries(about) : [];
  const texts = known.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return {
    type: "header",
    header: {
      version: String(version),
      route: String(route),
      started: String(started),
      about: Object.fromEntries(texts),
    },
  };
}

function readFrame(t: number, { dir: asked, text, base64 }: Fields): Line {
  const dir = DIRECTIONS.find((known) => known === asked);
  if (dir === undefined) return problem(`dir: expected ${DIRECTIONS.join(" or ")}, received ${shown(asked)}`);
  if (typeof text === "string") return { type: "frame", frame: { t, dir, data: text } };
  const data = typeof base64 === "string" ? bytesOf(base64) : undefined;
  return data === undefined
    ? problem("expected text, or bytes as base64")
    : { type: "frame", frame: { t, dir, data } };
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return undefined;
  }
}

function problem(text: string): Line {
  return { type: "problem", problem: text };
}
