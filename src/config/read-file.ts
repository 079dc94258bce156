/**
 * A config file becomes a layer: found by name, read within bounds, understood by its extension.
 * Everything that can be wrong with a file as such is a fault with its line; nothing throws.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { codeOf, FairleadError } from "../errors.ts";
import { importModule } from "./import-module.ts";
import { isTable, showValue } from "./key-path.ts";
import type { Layer } from "./layers.ts";
import type { Fault, Read } from "./source-map.ts";

export const CONFIG_NAMES = [
  "fairlead.config.ts",
  "fairlead.yaml",
  "fairlead.yml",
  "fairlead.toml",
  "fairlead.json",
] as const;

/** Some ten thousand routes; more is not a config. */
const MAX_BYTES = 1_048_576;

const MODULES = new Set([".ts", ".mts", ".js", ".mjs"]);

/**
 * Name of the config file in `folder`, or undefined.
 * @throws FairleadError USAGE when there are two: nobody could say which one counts
 */
export function findConfigFile(folder: string): string | undefined {
  const found = CONFIG_NAMES.filter((name) => existsSync(join(folder, name)));
  if (found.length > 1) {
    throw new FairleadError(
      "USAGE",
      `${found.join(" and ")} are both here; keep one, or choose with --config FILE`,
    );
  }
  return found[0];
}

/** `name` is shown in errors as it was given; it is looked up from `folder`. */
export async function readConfigFile(
  name: string,
  folder: string,
): Promise<{ layer: Layer } | { faults: readonly Fault[] }> {
  const read = await readByExtension(resolve(folder, name));
  if ("faults" in read) return read;
  const { value, lines } = read.source;
  if (value === null) return { faults: [{ text: EMPTY }] };
  if (!isTable(value)) return { faults: [{ text: `expected a table of keys, got ${showValue(value)}` }] };
  // Only editors use it.
  const { $schema: _, ...settings } = value;
  return {
    layer: {
      value: settings,
      originOf(path) {
        const line = lines.lineOf(path);
        return { from: "file", name, ...(line === undefined ? {} : { line }) };
      },
    },
  };
}

const EMPTY = 'holds no settings; write at least a route, like routes: { "/echo": { kind: "echo" } }';

async function readByExtension(file: string): Promise<Read> {
  const extension = extname(file).toLowerCase();
  const size = measure(file);
  if (typeof size === "string") return { faults: [{ text: size }] };
  if (MODULES.has(extension)) return importModule(file);
  const text = readText(file);
  if (typeof text !== "string") return { faults: [text] };
  if (text.trim() === "") return { faults: [{ text: EMPTY }] };
  if (extension === ".json") return (await import("./read-json.ts")).readJson(text);
  if (extension === ".toml") return (await import("./read-toml.ts")).readToml(text);
  if (extension === ".yaml" || extension === ".yml") return (await import("./read-yaml.ts")).readYaml(text);
  return {
    faults: [
      { text: `has the extension ${showValue(extension)}; a config is .yaml, .yml, .toml, .json or .ts` },
    ],
  };
}

/** Bytes, or why it cannot be read. A pipe or device is refused: reading it may never end. */
function measure(file: string): number | string {
  try {
    const stats = statSync(file);
    if (stats.isDirectory()) return "is a directory; give the file in it";
    if (!stats.isFile()) return "is not a regular file";
    return stats.size > MAX_BYTES ? `has ${stats.size} bytes; a config has at most ${MAX_BYTES}` : stats.size;
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): string {
  const code = codeOf(error);
  return code === "ENOENT" ? "does not exist; check the path" : `cannot be read (${code}); check its rights`;
}

/** At most MAX_BYTES, whatever the file has become since it was measured. */
function readText(file: string): string | Fault {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, "r");
    const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, MAX_BYTES));
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    return { text: error instanceof TypeError ? "is not UTF-8; save it as UTF-8" : unreadable(error) };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
