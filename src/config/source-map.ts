/** A file that was read: its value, and the line on which each key stands. Keys of a format without lines have none. */
import type { KeyPath } from "./key-path.ts";

export interface Source {
  readonly value: unknown;
  readonly lines: SourceMap;
}

/** What makes a file unreadable as its format. `line` counts from 1. */
export interface Fault {
  readonly line?: number;
  readonly text: string;
}

export type Read = { readonly source: Source } | { readonly faults: readonly Fault[] };

export interface SourceMap {
  set(path: KeyPath, line: number): void;
  /** Whether this very path has a line: then a second key of that name is a duplicate. */
  has(path: KeyPath): boolean;
  /** The line of the key, or of the nearest section around it. */
  lineOf(path: KeyPath): number | undefined;
}

export function createSourceMap(): SourceMap {
  const lines = new Map<string, number>();
  return {
    set: (path, line) => void lines.set(JSON.stringify(path), line),
    has: (path) => lines.has(JSON.stringify(path)),
    lineOf(path) {
      for (let length = path.length; length > 0; length -= 1) {
        const line = lines.get(JSON.stringify(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

/** Line of an offset, for formats that are read by offset. Offsets must not go down from call to call. */
export function lineCounter(text: string): (offset: number) => number {
  let line = 1;
  let at = 0;
  return (offset) => {
    for (; at < offset; at += 1) if (text.charCodeAt(at) === 10) line += 1;
    return line;
  };
}

/** No option lies deeper than 5. What is nested further is an attack or a mistake, and is refused before anything recurses. */
export const MAX_NESTING = 32;
