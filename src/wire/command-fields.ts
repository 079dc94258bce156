/**
 * The fields of a client's command, read one by one. Pure, never throws: the first fault is kept in the reading, and what is read
 * after it counts for nothing.
 */
import { isGroup, MAX_GROUP_BYTES, type Role } from "./envelope.ts";
import { isEpoch, isOffset } from "./position.ts";
import { shown } from "./shown.ts";
import { topicProblem } from "./topic.ts";
import { isLongerThan } from "./utf8.ts";
import type { Payload, Position } from "./v1.ts";
import { MAX_SINCE_TOPICS } from "./v1.ts";

/** As topics. */
export const MAX_KEY_BYTES = 255;
/** Of what a peer tells about itself, as JSON: its partner gets it with every `join` and every `peer`. */
export const MAX_INFO_BYTES = 1024;

export type Fields = Readonly<Record<string, unknown>>;

/** One command being read. */
export interface Reading {
  readonly fields: Fields;
  readonly id: number | undefined;
  /** Of a binary frame. */
  readonly payload: Uint8Array | undefined;
  fault: string | undefined;
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function note(from: Reading, fault: string): void {
  from.fault ??= fault;
}

export function expected(from: Reading, name: string, what: string): void {
  note(from, `${name}: expected ${what}, received ${shown(from.fields[name])}`);
}

/** For a field that this command cannot be without. A value of the wrong kind has been noted already, and stays the first fault. */
export function missing<T>(from: Reading, name: string, instead: T): T {
  note(from, `${name}: expected with every ${from.fields["t"]}, received nothing`);
  return instead;
}

export function nameOf(from: Reading, problem: (name: string) => string | undefined): string {
  const { topic } = from.fields;
  if (typeof topic !== "string") {
    expected(from, "topic", "the name of a topic, like stocks.AAPL");
    return "";
  }
  const fault = problem(topic);
  if (fault !== undefined) note(from, fault);
  return topic;
}

/**
 * Data as it is kept. A string has half surrogate pairs made whole, as UTF-8 cannot say them: readers get the same text whatever
 * they speak. Other JSON is written anew, without blanks.
 */
export function payloadOf(from: Reading): Payload {
  const { data } = from.fields;
  if (from.payload !== undefined) {
    if (data !== undefined)
      note(from, "data: a binary frame has it behind the header; leave it out of there");
    return { data: from.payload, json: false };
  }
  if (typeof data === "string") return { data: data.toWellFormed(), json: false };
  if (data !== undefined) return { data: JSON.stringify(data), json: true };
  note(from, "data: expected any JSON, received nothing; null is a value too");
  return { data: "", json: false };
}

/** Keys are values of a message's field as often as not: numbers and booleans count as their text. */
export function keyOf(from: Reading): string | undefined {
  const { key } = from.fields;
  if (typeof key === "boolean" || (typeof key === "number" && Number.isFinite(key))) return String(key);
  return textOf(from, "key", MAX_KEY_BYTES);
}

export function textOf(from: Reading, name: string, maxBytes: number): string | undefined {
  const value = from.fields[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && isText(value, maxBytes)) return value;
  expected(from, name, `a string of 1 to ${maxBytes} bytes of UTF-8`);
  return undefined;
}

function isText(value: string, maxBytes: number): boolean {
  return value !== "" && value.isWellFormed() && !isLongerThan(value, maxBytes);
}

export function integerOf(from: Reading, name: string, max: number): number | undefined {
  const value = from.fields[name];
  if (value === undefined) return undefined;
  if (isOffset(value) && value <= max) return value;
  expected(from, name, `an integer from 0 to ${max === Number.MAX_SAFE_INTEGER ? "2^53 - 1" : max}`);
  return undefined;
}

/** Of messages or milliseconds: any integer that JSON keeps. */
export function countOf(from: Reading, name: string): number | undefined {
  return integerOf(from, name, Number.MAX_SAFE_INTEGER);
}

export function flagOf(from: Reading, name: string): boolean {
  const value = from.fields[name];
  if (value !== undefined && typeof value !== "boolean") expected(from, name, "true or false");
  return value === true;
}

export function positionOf(from: Reading, name: string): Position | undefined {
  const value = from.fields[name];
  if (value === undefined || isPosition(value)) return value;
  expected(from, name, 'a position like {"epoch":"a1","offset":7}');
  return undefined;
}

/** A position has a string `epoch` and a number `offset`; in a map those would be topics, and have objects. */
export function positionsOf(from: Reading): ReadonlyMap<string, Position> | undefined {
  const { since } = from.fields;
  if (since === undefined) return undefined;
  if (!isFields(since) || typeof since["epoch"] === "string" || typeof since["offset"] === "number") {
    expected(from, "since", 'for a pattern a map like {"stocks.AAPL":{"epoch":"a1","offset":7}}');
    return undefined;
  }
  const entries = Object.entries(since);
  if (entries.length > MAX_SINCE_TOPICS)
    note(
      from,
      `since: expected at most ${MAX_SINCE_TOPICS} topics, received ${entries.length}; send no since`,
    );
  const positions = new Map<string, Position>();
  for (const [topic, position] of entries.slice(0, MAX_SINCE_TOPICS)) {
    if (isPosition(position)) positions.set(topic, position);
    else note(from, `since of ${shown(topic)}: expected a position, received ${shown(position)}`);
    const fault = topicProblem(topic);
    if (fault !== undefined) note(from, `since: ${fault}`);
  }
  return positions;
}

function isPosition(value: unknown): value is Position {
  return isFields(value) && isEpoch(value["epoch"]) && isOffset(value["offset"]);
}

export function groupOf(from: Reading): string {
  const { group } = from.fields;
  if (typeof group === "string" && isGroup(group)) return group;
  expected(from, "group", `1 to ${MAX_GROUP_BYTES} bytes of text without control characters`);
  return "";
}

export function roleOf(from: Reading): Role {
  const { role } = from.fields;
  if (role === "center" || role === "local") return role;
  expected(from, "role", "center or local");
  return "center";
}

/** As JSON text, written anew. */
export function infoOf(from: Reading): string | undefined {
  const { info } = from.fields;
  if (info === undefined) return undefined;
  const text = JSON.stringify(info);
  if (isLongerThan(text, MAX_INFO_BYTES))
    note(from, `info: expected at most ${MAX_INFO_BYTES} bytes of JSON, received more`);
  return text;
}

/** Whoever knows it can go on in its owner's place, so what stands there is not repeated. */
export function sessionOf(from: Reading): string | undefined {
  const { session } = from.fields;
  if (session === undefined) return undefined;
  if (typeof session === "string" && /^[\w-]{1,64}$/.test(session)) return session;
  note(from, "session: expected 1 to 64 of A-Z a-z 0-9 _ -, as a join was answered");
  return undefined;
}
