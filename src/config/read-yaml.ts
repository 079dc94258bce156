/**
 * YAML 1.2 with the line of every key. Bounds against hostile files: aliases may multiply to 100 at most, nesting is
 * bounded, and duplicate keys are looked for here, because the package compares each key with each other.
 */
import type { Document, Node, Pair } from "yaml";
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { KeyPath } from "./key-path.ts";
import { showValue } from "./key-path.ts";
import type { Fault, Read, SourceMap } from "./source-map.ts";
import { createSourceMap, MAX_NESTING } from "./source-map.ts";

/** A file that is broken in many places is told its first faults; the rest mostly follows from them. */
const MAX_FAULTS = 20;

interface Walk {
  readonly counter: LineCounter;
  readonly lines: SourceMap;
  readonly faults: Fault[];
}

export function readYaml(text: string): Read {
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "error",
  });
  const faults = document.errors.slice(0, MAX_FAULTS).map((error) => ({
    line: counter.linePos(error.pos[0]).line,
    text:
      error.code === "MULTIPLE_DOCS" ? "holds more than one document; keep one" : plainText(error.message),
  }));
  if (faults.length > 0) return { faults };
  const walk: Walk = { counter, lines: createSourceMap(), faults: [] };
  visit(document.contents, [], walk);
  return walk.faults.length > 0
    ? { faults: walk.faults.slice(0, MAX_FAULTS) }
    : resolve(document, walk.lines);
}

/** Aliases are resolved only now: this is where they multiply. */
function resolve(document: Document, lines: SourceMap): Read {
  try {
    return { source: { value: document.toJS({ maxAliasCount: 100 }), lines } };
  } catch (error) {
    return {
      faults: [
        { text: `cannot be resolved: ${plainText(error instanceof Error ? error.message : String(error))}` },
      ],
    };
  }
}

function visit(node: unknown, path: KeyPath, walk: Walk): void {
  if (path.length > MAX_NESTING) {
    if (walk.faults.length === 0)
      walk.faults.push(fault(node, walk, `is nested deeper than ${MAX_NESTING} levels`));
  } else if (isMap(node)) {
    for (const pair of node.items) visitPair(pair, path, walk);
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const at = [...path, index];
      walk.lines.set(at, lineOf(item, walk));
      visit(item, at, walk);
    }
  }
}

function visitPair({ key, value }: Pair, path: KeyPath, walk: Walk): void {
  if (!isScalar(key)) {
    const what = isAlias(key) ? "an alias" : "a list or table";
    walk.faults.push(fault(key, walk, `has ${what} as a key; a key is plain text`));
    return;
  }
  const at = [...path, String(key.value)];
  if (walk.lines.has(at))
    walk.faults.push(fault(key, walk, `has the key ${showValue(String(key.value))} twice; keep one`));
  walk.lines.set(at, lineOf(key, walk));
  visit(value, at, walk);
}

function fault(node: unknown, walk: Walk, text: string): Fault {
  return { line: lineOf(node, walk), text };
}

function lineOf(node: unknown, { counter }: Walk): number {
  const range = (node as Node | null)?.range;
  return range === null || range === undefined ? 1 : counter.linePos(range[0]).line;
}

/** The package's messages quote the file; what they quote is cut and escaped like every value. */
function plainText(message: string): string {
  const line = message.split("\n", 1)[0] ?? "";
  return showValue(line).slice(1, -1).replaceAll('\\"', '"');
}
