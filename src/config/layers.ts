/** Layers of a config, the later over the earlier: tables merge key by key, anything else is replaced whole. */
import { takes } from "./expected.ts";
import type { KeyPath } from "./key-path.ts";
import { isTable, valueAt } from "./key-path.ts";
import type { Origin } from "./origin.ts";
import { DEFAULT } from "./origin.ts";
import { configSchema } from "./schema.ts";
import { schemasAt } from "./schema-tree.ts";

export interface Layer {
  readonly value: unknown;
  /** Where the value at a path of this layer was written. */
  originOf(path: KeyPath): Origin;
}

/** One value of a layer that is made of single settings: a flag, a variable. */
export interface Setting {
  readonly path: KeyPath;
  readonly value: unknown;
  readonly origin: Origin;
}

export function settingsLayer(settings: readonly Setting[]): Layer {
  const value = settings.reduce<unknown>(
    (tree, setting) => merge(tree, nest(setting.path, setting.value)),
    {},
  );
  const starts = (path: KeyPath, with_: KeyPath) => with_.every((key, index) => path[index] === key);
  return {
    value,
    originOf: (path) => settings.findLast((setting) => starts(path, setting.path))?.origin ?? DEFAULT,
  };
}

export function mergeLayers(layers: readonly Layer[]): unknown {
  return layers.reduce<unknown>((below, layer) => merge(below, layer.value), {});
}

/** Where the value at exactly this path comes from. A flag or variable may have taken a value away (`--no-source`). */
export function originOfValue(layers: readonly Layer[], path: KeyPath): Origin {
  const section = path.slice(0, -1);
  const key = path.at(-1) ?? "";
  const layer = layers.findLast(({ value }) => {
    const around = valueAt(value, section);
    return typeof around === "object" && around !== null && Object.hasOwn(around, key);
  });
  return layer?.originOf(path) ?? DEFAULT;
}

/**
 * Where what is wrong at `path` was written: the uppermost layer that has a value there. A path that nobody wrote belongs where its section
 * was written (a missing `kind` to its route), or to nobody.
 */
export function originIn(layers: readonly Layer[], path: KeyPath): Origin {
  for (let length = path.length; length > 0; length -= 1) {
    const part = path.slice(0, length);
    const having = layers.filter(({ value }) => valueAt(value, part) !== undefined);
    const layer = having.findLast(({ value }) => !isTable(valueAt(value, part))) ?? having[0];
    if (layer !== undefined) return layer.originOf(part);
  }
  return layers[0]?.originOf([]) ?? DEFAULT;
}

function merge(below: unknown, above: unknown, path: KeyPath = []): unknown {
  if (!isTable(above) || below === undefined) return above;
  // A word where a table may stand, too, is replaced like any value; a wrong section stays, for the schema to name it.
  if (!isTable(below)) return takes(schemasAt(configSchema, path, {}), below) ? above : below;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  const pick = (key: string) =>
    Object.hasOwn(above, key) ? merge(valueAt(below, [key]), above[key], [...path, key]) : below[key];
  return Object.fromEntries([...keys].map((key) => [key, pick(key)])); // own keys, also one called __proto__
}

function nest(path: KeyPath, value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}
