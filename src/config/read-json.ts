/**
 * JSON (RFC 8259) with the line of every key. The runtime's parser knows no lines, takes duplicate keys in silence and
 * nests without bound; this one names them. Stops at the first fault, as there is no telling what follows it.
 */
import type { KeyPath } from "./key-path.ts";
import { showValue } from "./key-path.ts";
import type { Read, SourceMap } from "./source-map.ts";
import { createSourceMap, lineCounter, MAX_NESTING } from "./source-map.ts";

interface Cursor {
  readonly text: string;
  readonly lineAt: (offset: number) => number;
  readonly lines: SourceMap;
  at: number;
}

/** Ends the reading; only `readJson` sees it. */
class JsonFault extends Error {}

export function readJson(text: string): Read {
  const cursor: Cursor = { text, lineAt: lineCounter(text), lines: createSourceMap(), at: 0 };
  try {
    const value = readValue(cursor, []);
    skipSpace(cursor);
    if (cursor.at < text.length) throw new JsonFault("has text after the end of its value");
    return { source: { value, lines: cursor.lines } };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return { faults: [{ line: cursor.lineAt(cursor.at), text: error.message }] };
  }
}

function readValue(cursor: Cursor, path: KeyPath): unknown {
  if (path.length > MAX_NESTING) throw new JsonFault(`is nested deeper than ${MAX_NESTING} levels`);
  skipSpace(cursor);
  if (take(cursor, "{")) return readObject(cursor, path);
  if (take(cursor, "[")) return readList(cursor, path);
  return readScalar(cursor);
}

function readObject(cursor: Cursor, path: KeyPath): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  if (takeNext(cursor, "}")) return {};
  do {
    skipSpace(cursor);
    if (cursor.text[cursor.at] !== '"')
      throw new JsonFault(`expected a key in double quotes${found(cursor)}`);
    const line = cursor.lineAt(cursor.at);
    const key = String(readScalar(cursor));
    const at = [...path, key];
    if (cursor.lines.has(at)) throw new JsonFault(`has the key ${showValue(key)} twice; keep one`);
    cursor.lines.set(at, line);
    if (!takeNext(cursor, ":"))
      throw new JsonFault(`expected : after the key ${showValue(key)}${found(cursor)}`);
    entries.push([key, readValue(cursor, at)]);
  } while (takeNext(cursor, ","));
  if (!takeNext(cursor, "}")) throw new JsonFault(`expected , or }${found(cursor)}`);
  return Object.fromEntries(entries); // defines own keys, also one that is called __proto__
}

function readList(cursor: Cursor, path: KeyPath): unknown[] {
  const items: unknown[] = [];
  if (takeNext(cursor, "]")) return items;
  do {
    skipSpace(cursor);
    const at = [...path, items.length];
    cursor.lines.set(at, cursor.lineAt(cursor.at));
    items.push(readValue(cursor, at));
  } while (takeNext(cursor, ","));
  if (!takeNext(cursor, "]")) throw new JsonFault(`expected , or ]${found(cursor)}`);
  return items;
}

const SCALAR = /"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null/y;

function readScalar(cursor: Cursor): unknown {
  SCALAR.lastIndex = cursor.at;
  const token = SCALAR.exec(cursor.text)?.[0];
  if (token === undefined) throw new JsonFault(`expected a value${found(cursor)}`);
  const value = parseToken(token);
  cursor.at += token.length;
  return value;
}

/** The runtime's parser decides what a string or a number is. */
function parseToken(token: string): unknown {
  try {
    return JSON.parse(token);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new JsonFault(`expected a value, found ${showValue(token)}`);
  }
}

function skipSpace(cursor: Cursor): void {
  while (" \t\r\n".includes(cursor.text[cursor.at] ?? "end")) cursor.at += 1;
}

function take(cursor: Cursor, char: string): boolean {
  if (cursor.text[cursor.at] !== char) return false;
  cursor.at += 1;
  return true;
}

function takeNext(cursor: Cursor, char: string): boolean {
  skipSpace(cursor);
  return take(cursor, char);
}

function found({ text, at }: Cursor): string {
  return at >= text.length ? ", found the end of the file" : `, found ${showValue(text[at])}`;
}
