/** Lines of the keys of a TOML text, for errors. Expects valid TOML; of anything else it may find too little, never hang. */
import type { KeyPath } from "./key-path.ts";
import type { SourceMap } from "./source-map.ts";
import { createSourceMap, lineCounter, MAX_NESTING } from "./source-map.ts";

interface Cursor {
  readonly text: string;
  readonly lineAt: (offset: number) => number;
  readonly lines: SourceMap;
  /** How many tables each `[[list]]` has so far. */
  readonly counts: Map<string, number>;
  at: number;
}

const SPACE = /[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*/y;
const KEY = /[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([A-Za-z0-9_-]+))[ \t]*/y;
const SCALAR = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^,\]}#\n]+/y;

export function mapToml(text: string): SourceMap {
  const cursor: Cursor = {
    text,
    lineAt: lineCounter(text),
    lines: createSourceMap(),
    counts: new Map(),
    at: 0,
  };
  let table: KeyPath = [];
  for (;;) {
    match(cursor, SPACE);
    if (cursor.at >= text.length) return cursor.lines;
    const before = cursor.at;
    if (text[cursor.at] === "[") table = readHeader(cursor);
    else readEntry(cursor, table);
    if (cursor.at === before) cursor.at += 1;
  }
}

function readHeader(cursor: Cursor): KeyPath {
  const isList = cursor.text.startsWith("[[", cursor.at);
  const line = cursor.lineAt(cursor.at);
  cursor.at += isList ? 2 : 1;
  const keys = readKeys(cursor);
  cursor.at += isList ? 2 : 1;
  let path: KeyPath = [];
  for (const [index, key] of keys.entries()) {
    path = [...path, key];
    const name = JSON.stringify(path);
    const isNew = isList && index === keys.length - 1;
    if (isNew) cursor.counts.set(name, (cursor.counts.get(name) ?? 0) + 1);
    note(cursor, path, line);
    const count = cursor.counts.get(name);
    if (count !== undefined) path = [...path, count - 1];
  }
  note(cursor, path, line);
  return path;
}

function readEntry(cursor: Cursor, table: KeyPath): void {
  const line = cursor.lineAt(cursor.at);
  let path = table;
  for (const key of readKeys(cursor)) {
    path = [...path, key];
    note(cursor, path, line);
  }
  if (cursor.text[cursor.at] !== "=") return;
  cursor.at += 1;
  readValue(cursor, path);
}

function readValue(cursor: Cursor, path: KeyPath): void {
  match(cursor, SPACE);
  const open = cursor.text[cursor.at];
  if (open === "{" || open === "[") readItems(cursor, path, open);
  else match(cursor, SCALAR);
}

function readItems(cursor: Cursor, path: KeyPath, open: "{" | "["): void {
  cursor.at += 1;
  for (let index = 0; ; index += 1) {
    match(cursor, SPACE);
    const before = cursor.at;
    if (cursor.at >= cursor.text.length) return;
    if (take(cursor, "]}")) return;
    if (open === "{") readEntry(cursor, path);
    else {
      note(cursor, [...path, index], cursor.lineAt(cursor.at));
      readValue(cursor, [...path, index]);
    }
    match(cursor, SPACE);
    take(cursor, ",");
    if (cursor.at === before) cursor.at += 1;
  }
}

function readKeys(cursor: Cursor): string[] {
  const keys: string[] = [];
  for (;;) {
    const found = match(cursor, KEY);
    if (found === undefined) return keys;
    const key = found[1] === undefined ? (found[2] ?? found[3] ?? "") : decodeKey(found[1]);
    if (keys.length <= MAX_NESTING) keys.push(key); // deeper is refused later; the copies of paths grow with the square
    if (!take(cursor, ".")) return keys;
  }
}

/** The first line a key is seen on is the one to show. */
function note({ lines }: Cursor, path: KeyPath, line: number): void {
  if (!lines.has(path)) lines.set(path, line);
}

function take(cursor: Cursor, chars: string): boolean {
  const char = cursor.text[cursor.at];
  if (char === undefined || !chars.includes(char)) return false;
  cursor.at += 1;
  return true;
}

function match(cursor: Cursor, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text);
  if (found === null) return undefined;
  cursor.at = pattern.lastIndex;
  return found;
}

/** TOML's escapes are JSON's and a few more; a key with one of those keeps it as written, only its line is lost. */
function decodeKey(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}
