/**
 * Flags are made from the schema, so every option that can be written as text has one, with its default and reason:
 * `maxMessage` is `--max-message`, `history.size` is `--history-size`, a boolean is `--x` or `--no-x`.
 */
import { coerce } from "../config/coerce.ts";
import { isList, isTextless, takes, wordsOf } from "../config/expected.ts";
import { type KeyPath, valueAt } from "../config/key-path.ts";
import type { Setting } from "../config/layers.ts";
import { type ConfigInput, configSchema } from "../config/schema.ts";
import { defaultAt, metaOf, optionPaths, type Schemas, schemasAt } from "../config/schema-tree.ts";

export type FlagGroup = "route" | "gateway" | "handshake" | "client" | "token" | "websockify";

export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly short?: string;
  /** Stands for the value in the help; a flag without one takes no value. */
  readonly placeholder?: string;
  readonly help: string;
  /** Heading in the help. Absent: not listed, because it says what is the case anyway. */
  readonly group?: FlagGroup;
  /** Each use adds a value to a list. */
  readonly isList?: boolean;
  /** What it sets in the config, given the texts of all its uses so far; flags of clients set nothing. */
  read(texts: readonly string[]): Setting[];
}

/** A flag of a verb that is a client: there is no config, its command reads the texts. */
export function clientFlag(flag: Omit<Flag, "read">): Flag {
  return { ...flag, read: () => [] };
}

/** Sections whose options are known by their own name: `--port`, not `--listen-port`. */
const BARE_SECTIONS = new Set(["listen", "limits"]);
/** Flags of lists that are not the option's name without its `s`: `--host` is where it listens. */
const SINGLE_NAMES: Readonly<Record<string, string>> = { hosts: "host-name" };

/** Flags of everything outside the routes. */
export function gatewayFlags(preset: ConfigInput): Flag[] {
  const paths = optionPaths(configSchema, {}).filter(([section]) => section !== "routes");
  return paths.flatMap((path) => flagsOf({ path, prefixes: [[]], preset, group: "gateway" }));
}

/** Flags of the one kind of route a one-liner serves, each for all of its paths at once. */
export function routeFlags(preset: ConfigInput): Flag[] {
  const prefixes = Object.keys(preset.routes ?? {}).map((path) => ["routes", path]);
  const [first] = prefixes;
  if (first === undefined) return [];
  return optionPaths(configSchema, preset)
    .filter((path) => path[1] === first[1] && path[2] !== "kind")
    .flatMap((path) => flagsOf({ path: path.slice(2), prefixes, preset, group: "route" }));
}

/** A word for one value of an option: `--lines` is `--framing lines`. */
export function shortcut(
  preset: ConfigInput,
  name: string,
  option: string,
  value: unknown,
  help: string,
): Flag {
  const prefixes = Object.keys(preset.routes ?? {}).map((path) => ["routes", path]);
  return { name, help, group: "route", read: () => settings(name, prefixes, [option], value) };
}

interface Option {
  /** Below each prefix. */
  readonly path: KeyPath;
  readonly prefixes: readonly KeyPath[];
  readonly preset: ConfigInput;
  readonly group: "route" | "gateway";
}

function flagsOf(option: Option): Flag[] {
  const { path, prefixes, preset, group } = option;
  const full = [...(prefixes[0] ?? []), ...path];
  const schemas = schemasAt(configSchema, full, preset);
  // Everybody on the machine may read the arguments of a process. Secrets have a variable, and a file.
  if (isTextless(schemas) || metaOf(schemas)?.secret === true) return [];
  const name = flagName(path);
  const byDefault = valueAt(preset, full) ?? defaultAt(schemas);
  const reason = metaOf(schemas)?.reason ?? "";
  const told = byDefault === undefined ? reason : `${reason} (default ${JSON.stringify(byDefault)})`;
  const fixed = (flag: string, value: unknown, help: string, isListed: boolean): Flag => ({
    name: flag,
    help,
    ...(isListed ? { group } : {}),
    read: () => settings(flag, prefixes, path, value),
  });
  if (takes(schemas, true)) {
    const on = fixed(name, true, told, byDefault !== true);
    return takes(schemas, false) ? [on, fixed(`no-${name}`, false, told, byDefault === true)] : [on];
  }
  const flags = [valueFlag(option, name, schemas, told)];
  if (takes(schemas, false)) flags.push(fixed(`no-${name}`, false, `switches --${name} off`, true));
  else if (defaultAt(schemas) === undefined && takes(schemas, undefined) && byDefault !== undefined) {
    flags.push(fixed(`no-${name}`, undefined, `leaves --${name} out`, true));
  }
  return flags;
}

function valueFlag({ path, prefixes, group }: Option, name: string, schemas: Schemas, help: string): Flag {
  if (isList(schemas)) {
    const single = SINGLE_NAMES[name] ?? name.replace(/s$/, "");
    const read = (texts: readonly string[]) => settings(single, prefixes, path, texts);
    return {
      name: single,
      placeholder: "VALUE",
      help: `${help}; may be repeated`,
      group,
      isList: true,
      read,
    };
  }
  return {
    name,
    placeholder: placeholderOf(schemas),
    help,
    group,
    read: (texts) => settings(name, prefixes, path, coerce(texts.at(-1) ?? "", schemas)),
  };
}

function settings(flag: string, prefixes: readonly KeyPath[], path: KeyPath, value: unknown): Setting[] {
  const origin = { from: "flag", name: `--${flag}` } as const;
  return prefixes.map((prefix) => ({ path: [...prefix, ...path], value, origin }));
}

function flagName(path: KeyPath): string {
  const words = BARE_SECTIONS.has(String(path[0])) ? path.slice(1) : path;
  return words
    .join("-")
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase();
}

function placeholderOf(schemas: Schemas): string {
  const words = wordsOf(schemas);
  if (words.length > 0) return words.join("|");
  return (metaOf(schemas)?.unit ?? (takes(schemas, "x") ? "text" : "number")).toUpperCase();
}
