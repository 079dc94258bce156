/**
 * The tables of the docs that the code knows better than people: options, flags, metrics. Each stands between two comments,
 * `<!-- table NAME -->` and `<!-- end -->`. `node bin/fairlead.mjs --run scripts/docs-tables.ts` writes them; a test fails when one is stale.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../src/cli/command.ts";
import { command as bridge } from "../src/cli/commands/bridge.ts";
import { command as config } from "../src/cli/commands/config.ts";
import { command as connect } from "../src/cli/commands/connect.ts";
import { command as echo } from "../src/cli/commands/echo.ts";
import { command as feed } from "../src/cli/commands/feed.ts";
import { command as key } from "../src/cli/commands/key.ts";
import { command as relay } from "../src/cli/commands/relay.ts";
import { command as replay } from "../src/cli/commands/replay.ts";
import { command as room } from "../src/cli/commands/room.ts";
import { command as serve } from "../src/cli/commands/serve.ts";
import { command as token } from "../src/cli/commands/token.ts";
import { command as tunnel } from "../src/cli/commands/tunnel.ts";
import type { Flag } from "../src/cli/flags.ts";
import { expectedText } from "../src/config/expected.ts";
import type { KeyPath } from "../src/config/key-path.ts";
import { configSchema } from "../src/config/schema.ts";
import { defaultAt, metaOf, optionPaths, schemasAt } from "../src/config/schema-tree.ts";
import { PROCESS_METRICS } from "../src/metrics/process.ts";
import { ROUTE_METRICS } from "../src/metrics/route.ts";
import { WORKERS_METRICS } from "../src/metrics/workers.ts";
import { createRouteCounters } from "../src/metrics.ts";
import { ADVISORIES, type Row } from "../test/advisories/advisories.ts";
import { markdownTable } from "./markdown-table.ts";

const ROUTE_COMMANDS = { echo, room, feed, relay, bridge };
/** Flags of the gateway are the same for all verbs, so `serve` stands for them. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  serve,
  ...ROUTE_COMMANDS,
  connect,
  tunnel,
  replay,
  token,
  key,
  config,
};
/** Files below the project's root that have such tables. */
export const DOCUMENTS = [
  "docs/config.md",
  "docs/cli.md",
  "docs/metrics.md",
  "docs/limits.md",
  "docs/advisories.md",
];

const TABLES: Readonly<Record<string, () => string>> = {
  "options of the gateway": () => optionTable({}, []),
  ...Object.fromEntries(
    Object.keys(ROUTE_COMMANDS).map((kind) => [
      `options of ${kind}`,
      () => optionTable({ routes: { "/": { kind } } }, ["routes", "/"]),
    ]),
  ),
  "flags of the gateway": () => flagTable(serve, "gateway"),
  ...Object.fromEntries(
    Object.entries(ROUTE_COMMANDS).map(([kind, command]) => [
      `flags of ${kind}`,
      () => flagTable(command, "route"),
    ]),
  ),
  "flags of websockify": () => flagTable(bridge, "websockify"),
  "flags of connect": () => flagTable(connect, "client"),
  "flags of tunnel": () => flagTable(tunnel, "client"),
  "flags of replay": () => flagTable(replay, "client"),
  "flags of token": () => flagTable(token, "token"),
  "flags of the handshake": () => flagTable(connect, "handshake"),
  metrics: metricTable,
  ...Object.fromEntries(
    Object.entries(ADVISORIES).map(([about, rows]) => [
      `advisories about ${about}`,
      () => advisoryTable(rows),
    ]),
  ),
  limits: limitTable,
};

/** The page says once how these are written. */
const QUANTITIES = new Set(["duration", "size"]);

const MARKED = /(<!-- table (.+?) -->\n)[\s\S]*?(<!-- end -->)/g;

/** The same document with its tables as they should be. Throws on a name that no table has. */
export function withTables(markdown: string): string {
  return markdown.replaceAll(MARKED, (_, head: string, name: string, end: string) => {
    const table = TABLES[name];
    if (table === undefined) throw new Error(`there is no table ${JSON.stringify(name)}`);
    return `${head}\n${table()}\n${end}`;
  });
}

/** Names of the tables that a document has. */
export function tablesOf(markdown: string): string[] {
  return [...markdown.matchAll(MARKED)].map(([, , name = ""]) => name);
}

export const TABLE_NAMES = Object.keys(TABLES);

/** `config`: as much of one as decides which options there are. `below`: the section whose options are meant. */
function optionTable(value: unknown, below: KeyPath): string {
  const paths = optionPaths(configSchema, value).filter((path) => below.every((key, at) => path[at] === key));
  const rows = paths.map((path) => {
    const schemas = schemasAt(configSchema, path, value);
    const name = path.slice(below.length).join(".");
    const { reason, unit = "" } = metaOf(schemas) ?? {};
    return [
      code(name),
      defaultText(defaultAt(schemas)),
      QUANTITIES.has(unit) ? unit : expectedText(schemas),
      reason ?? (name === "kind" ? "which kind of route this is; required" : ""),
    ];
  });
  return markdownTable(["option", "default", "takes", "what for"], rows);
}

function flagTable(command: Command, group: Flag["group"]): string {
  const rows = command.flags
    .filter((flag) => flag.group === group)
    .map(({ name, short, placeholder, help }) => [
      code(
        `${short === undefined ? "" : `-${short}, `}--${name}${placeholder === undefined ? "" : ` ${placeholder}`}`,
      ),
      help,
    ]);
  return markdownTable(["flag", "what it does"], rows);
}

interface Limit {
  readonly kind: string;
  readonly byDefault: string;
  readonly why: string;
  readonly atLimit: string;
}

/** Every option that bounds something, once, however many kinds of route have it. */
function limitTable(): string {
  const kinds = Object.keys(ROUTE_COMMANDS);
  const found = ["", ...kinds].flatMap((kind) => limitsOf(kind));
  const rows = [...Map.groupBy(found, ([name]) => name)].map(([name, all]) => {
    const limits = all.map(([, limit]) => limit);
    const [{ kind = "", why = "", atLimit = "" } = {}] = limits;
    const some =
      kind === "" || limits.length === kinds.length
        ? []
        : [`(${limits.map((each) => each.kind).join(", ")})`];
    return [[code(name), ...some].join(" "), defaultsText(limits), why, atLimit];
  });
  return markdownTable(["limit", "default", "why this much", "at the limit"], rows);
}

/** Of a kind of route; "": of the gateway. */
function limitsOf(kind: string): (readonly [name: string, limit: Limit])[] {
  const [value, below] = kind === "" ? [{}, []] : [{ routes: { "/": { kind } } }, ["routes", "/"]];
  return optionPaths(configSchema, value)
    .filter((path) => (kind === "" ? path[0] !== "routes" : below.every((key, at) => path[at] === key)))
    .flatMap((path) => {
      const schemas = schemasAt(configSchema, path, value);
      const { why, atLimit, otherwise } = metaOf(schemas) ?? {};
      if (why === undefined || atLimit === undefined) return [];
      const byDefault = otherwise ?? String(defaultAt(schemas));
      return [[path.slice(below.length).join("."), { kind, byDefault, why, atLimit }] as const];
    });
}

/** `1MiB; room, feed 64KiB`: the most common first. */
function defaultsText(limits: readonly Limit[]): string {
  const [first, ...others] = [...Map.groupBy(limits, ({ byDefault }) => byDefault)].sort(
    ([, a], [, b]) => b.length - a.length,
  );
  const rest = others.map(([text, of]) => `${of.map(({ kind }) => kind).join(", ")} ${text}`);
  return [first?.[0] ?? "", ...rest].join("; ");
}

function metricTable(): string {
  const counters = createRouteCounters("/echo", "echo");
  counters.closed.set(1000, 1);
  const named = new Map([["x", 1]]);
  const stats = {
    version: "",
    rejected: named,
    denied: { x: 1 },
    routes: new Map([["x", { queued: 1, resumable: 1, parked: 1 }]]),
    descriptorsUsed: 0,
    descriptorsMax: 0,
    memory: { max: 0, shed: 0 },
    engineUp: true,
    traffic: { holes: 0, lost: 0, lag: 0 },
    insecure: ["x"],
    certificate: { notAfter: 1, swapped: 2, kept: 3 },
    lag: 0,
    nodes: 3,
    logDropped: 0,
  };
  const route = ROUTE_METRICS.map((metric) => metricRow(metric, metric.read([counters])));
  const process = PROCESS_METRICS.map((metric) => metricRow(metric, metric.read(stats)));
  const crew = { answering: 0, silent: 0, away: 0, ended: 0 };
  const workers = WORKERS_METRICS.map((metric) => metricRow(metric, metric.read(crew)));
  return markdownTable(["metric", "type", "labels", "what it counts"], [...route, ...process, ...workers]);
}

function advisoryTable(rows: readonly Row[]): string {
  const cells = rows.map(({ advisory, happened, expected, proofs, open }) => [
    advisory,
    happened,
    open === undefined ? expected : `${expected}. Open: ${open}`,
    Object.keys(proofs).map(code).join(", "),
  ]);
  return markdownTable(["advisory", "what happened elsewhere", "what holds here", "tests"], cells);
}

function metricRow(
  { name, type, help }: { readonly name: string; readonly type: string; readonly help: string },
  samples: Iterable<readonly [labels: object, value: number]>,
): string[] {
  const [sample] = samples;
  const labels = Object.keys(sample?.[0] ?? {}).map(code);
  return [code(name), type, labels.join(", "), help];
}

function defaultText(value: unknown): string {
  if (value === undefined) return "";
  return code(typeof value === "string" ? value : JSON.stringify(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) {
  for (const name of DOCUMENTS) {
    const file = join(import.meta.dir, "..", name);
    writeFileSync(file, withTables(readFileSync(file, "utf8")));
  }
}
