/**
 * The house rules as functions over files: path to text in, one line per breach out. test/architecture.test.ts holds the
 * tree to them, rules.test.ts shows that each one bites. They read text, not syntax, so they stay short and fast.
 */
import { dirname, join } from "node:path/posix";

export type Files = ReadonlyMap<string, string>;

/**
 * From left to right: a file imports from its own layer or from one further left. In `groups`, one group never imports
 * another. What lies in src/ and stands nowhere here is a part of the server.
 */
const PARTS = 3;
const LAYERS: readonly { readonly name: string; readonly groups: readonly string[] }[] = [
  { name: "wire", groups: ["src/wire/"] },
  {
    name: "contracts",
    groups: [
      "src/connection.ts",
      "src/identity.ts",
      "src/route.ts",
      "src/cluster.ts",
      "src/engine.ts",
      "src/relays.ts",
      "src/shared-revocations.ts",
      "src/clock.ts",
      "src/errors.ts",
    ],
  },
  { name: "config", groups: ["src/config/"] },
  { name: "parts", groups: [] },
  { name: "kinds", groups: ["src/routes/", "src/engines/", "src/sources/", "src/admin/"] },
  { name: "doors", groups: ["src/listener.ts", "src/endpoints.ts"] },
  { name: "gateway", groups: ["src/gateway.ts"] },
  { name: "index", groups: ["src/index.ts"] },
  { name: "cli", groups: ["src/cli/"] },
];
const SEPARATE = "kinds";
const CLIENT = "src/client/";

interface Place {
  readonly layer: number;
  readonly group: string;
}

function place(path: string): Place {
  for (const [layer, { groups }] of LAYERS.entries()) {
    const group = groups.find((prefix) => path.startsWith(prefix));
    if (group !== undefined) return { layer, group };
  }
  return { layer: PARTS, group: path };
}

/** Imports that go right, or from one kind of thing to another. `client` runs in browsers: it knows `wire` only. */
export function arrows(files: Files): string[] {
  return edges(files).flatMap(([from, to]) => {
    const reason = forbidden(from, to);
    return reason === undefined ? [] : [`${from} imports ${to}: ${reason}`];
  });
}

function forbidden(from: string, to: string): string | undefined {
  if (!to.startsWith("src/")) return "src stands on nothing outside src";
  if (from.startsWith(CLIENT)) {
    return to.startsWith(CLIENT) || to.startsWith("src/wire/") ? undefined : "client imports wire only";
  }
  if (to.startsWith(CLIENT)) return from.startsWith("src/cli/") ? undefined : "only cli may import client";
  const [a, b] = [place(from), place(to)];
  const name = (at: Place) => LAYERS[at.layer]?.name;
  if (b.layer > a.layer) return `${name(a)} is left of ${name(b)}`;
  if (a.layer === b.layer && name(a) === SEPARATE && a.group !== b.group) {
    return `${a.group} and ${b.group} do not know each other`;
  }
  return undefined;
}

/** Import cycles among the files of src, type imports counted: each once, as the path that closes it. */
export function cycles(files: Files): string[] {
  const graph = Map.groupBy(edges(files), ([from]) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(" -> "));
    if (start >= 0 || done.has(path)) return;
    for (const [, to] of graph.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Relative imports of files in src: static, re-exported, dynamic, and in types. */
function edges(files: Files): (readonly [from: string, to: string])[] {
  const import_ =
    /^(?:import|export)\b[^"';]*?\bfrom "(\.[^"]+)"|^import "(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"/gm;
  return [...files].flatMap(([from, text]) => {
    if (!from.startsWith("src/")) return [];
    return [...withoutComments(text).matchAll(import_)].map(([, a, b, c]) => {
      return [from, join(dirname(from), a ?? b ?? c ?? "")] as const;
    });
  });
}

/** A contract is read in one sitting; the engine's is the longest, because it holds history, idem, claims and presence. */
const BUDGETS: ReadonlyMap<string, number> = new Map([
  ["src/connection.ts", 100],
  ["src/route.ts", 120],
  ["src/engine.ts", 240],
]);

/** Files of more lines than their budget. */
export function tooLong(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    const budget = BUDGETS.get(path) ?? 300;
    const lines = countLines(text);
    return isCode(path) && lines > budget ? [`${path}: ${lines} lines, budget ${budget}`] : [];
  });
}

/** Words that only some files may use. `in` is where the rule holds, `allow` where it does not. */
const NAMES: readonly { word: RegExp; in: string; allow: readonly string[]; reason: string }[] = [
  { word: /\bBun\.serve\b/, in: "src/", allow: ["src/listener.ts"], reason: "only the listener serves" },
  {
    word: /\bMath\.random\b/,
    in: "src/",
    allow: ["src/sources/stocks.ts", "src/drain.ts", "src/client/backoff.ts", "src/engines/redis/clients.ts"],
    reason: "chance is for demo data and jitter; ids come from crypto",
  },
  {
    word: /\b(?:setTimeout|setInterval|Date\.now|performance\.now|Bun\.sleep)\b|\bnew Date\(\)/,
    in: "src/",
    allow: ["src/clock.ts", "src/cli/", CLIENT],
    reason: "time comes from the clock, so that tests can move it",
  },
  {
    word: /\bprocess\.exit\b/,
    in: "src/",
    allow: ["src/cli/"],
    reason: "only the command line ends the process",
  },
  {
    word: /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/,
    in: "",
    allow: ["test/architecture/"],
    reason: "a silenced rule is a hidden fault",
  },
];

/** Uses of a word where it may not be used. Comments count only for what is itself a comment. */
export function names(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    if (!isCode(path)) return [];
    return NAMES.filter(
      (rule) => path.startsWith(rule.in) && !rule.allow.some((prefix) => path.startsWith(prefix)),
    )
      .map((rule) => ({ rule, use: rule.word.exec(rule.in === "" ? text : withoutComments(text)) }))
      .flatMap(({ rule, use }) => (use === null ? [] : `${path}: ${use[0]}: ${rule.reason}`));
  });
}

/** Files that are drawers: a name that says nothing collects everything. */
export function drawers(files: Files): string[] {
  return [...files.keys()].filter((path) =>
    /(?:^|\/)(?:utils?|helpers?|misc|common)(?:\.[a-z]+$|\/)/.test(path),
  );
}

/** Source files that do not open with a comment that says what they are. */
export function headless(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    const header = /^(?:#!.*\n)?\/\*\*/.test(text);
    return /^(?:src|bin)\//.test(path) && isCode(path) && !header ? [`${path}: no header comment`] : [];
  });
}

/** Paths of one machine and hosts of one network: they mean nothing to the next reader. */
const PRIVATE = [
  /\/(?:work|root|Users|mnt)\/[\w.-]+/,
  /\/home\/[\w.-]+/,
  /\/tmp\/[\w-]+\//,
  /"resolved": "https?:\/\/(?!registry\.npmjs\.org\/)[^"]+/,
  /\bhttps?:\/\/[\w.-]+\.(?:corp|lan|intranet)\b/,
];

export function machinePaths(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    if (path.startsWith("test/architecture/")) return [];
    return PRIVATE.flatMap((pattern) => pattern.exec(text)?.[0] ?? []).map((use) => `${path}: ${use}`);
  });
}

/** Packages that the lockfile names and does not hold: npm ci then refuses the whole file, on every platform. */
export function unlocked(files: Files): string[] {
  const { packages = {} }: Lockfile = JSON.parse(files.get("package-lock.json") ?? "{}");
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !above(path).some((prefix) => `${prefix}node_modules/${name}` in packages))
      .map((name) => `${path || "the project"} needs ${name}, which is not in package-lock.json`),
  );
}

interface Lockfile {
  packages?: Record<
    string,
    Record<"dependencies" | "optionalDependencies", Record<string, string> | undefined>
  >;
}

/** Where a package looks for another: below itself, then one level up at a time. */
function above(path: string): string[] {
  const levels = path === "" ? [] : path.split("/node_modules/");
  return [...levels.map((_, index) => `${levels.slice(0, index + 1).join("/node_modules/")}/`), ""];
}

/** Lines of tests for each line of what they test. */
export function testRatio(files: Files): number {
  const lines = (prefix: string) => {
    const texts = [...files].filter(([path]) => path.startsWith(prefix) && isCode(path));
    return texts.reduce((sum, [, text]) => sum + countLines(text), 0);
  };
  return lines("test/") / (lines("src/") + lines("bin/") + lines("scripts/"));
}

const isCode = (path: string) => /\.(?:ts|tsx|mjs)$/.test(path);
const countLines = (text: string) => text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

/** Whole-line comments and those after code; a `//` inside a string is only mistaken for one when a space precedes it. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\*|\*|\/\/).*$/gm, "").replace(/\s\/\/ .*$/gm, "");
}
