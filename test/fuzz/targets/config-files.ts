/** Config files in three formats. Whatever stands there, it becomes a config, or the one error that says what is wrong with it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify as toToml } from "smol-toml";
import { stringify as toYaml } from "yaml";
import { loadConfig } from "../../../src/config/load.ts";
import { readJson } from "../../../src/config/read-json.ts";
import { readToml } from "../../../src/config/read-toml.ts";
import { readYaml } from "../../../src/config/read-yaml.ts";
import { FairleadError } from "../../../src/errors.ts";
import type { Chance } from "../chance.ts";
import { type Json, mutateBytes, mutateJson, ODD_TEXTS } from "../mutate.ts";
import type { Target } from "../target.ts";

const CONFIGS: readonly Json[] = [
  { routes: { "/echo": { kind: "echo", welcome: false, maxMessage: "64KiB" } } },
  {
    listen: { host: "127.0.0.1", port: 8080 },
    limits: { connections: 100, pings: 60 },
    log: { level: "info", format: "json" },
    drain: { delay: "1s", window: "10s" },
    routes: {
      "/room/:name": { kind: "room", history: { size: 10, ttl: "5m", bytes: "1MiB" } },
      "/feed": { kind: "feed", source: "stocks", interval: "2s", slow: { policy: "latest" } },
    },
  },
  {
    trustProxy: ["10.0.0.0/8", "::1"],
    engine: { sqlite: "fairlead.db", sync: "batch" },
    routes: {
      "/relay": { kind: "relay", third: "standby", queue: { size: 10, ttl: "30s" }, language: "en" },
      "/pipe": { kind: "relay", mode: "pipe", waitTimeout: "1m" },
    },
  },
  {
    routes: {
      "/desk/:name": { kind: "bridge", targets: { a: "127.0.0.1:5901", b: "tls://db.example:5432" } },
      "/db/*": { kind: "bridge", allow: ["10.0.0.0/24:22", "*.example.com:443"], dialTimeout: "2s" },
      "/one": { kind: "bridge", target: "[::1]:22", resume: { window: "10s", ssh: true } },
    },
  },
  {
    auth: {
      jwt: [
        { secretFile: "secret", issuer: "a" },
        { jwks: "https://id.example/keys", issuer: "b", audience: "c" },
      ],
      keys: { ops: { hash: `sha256:${"0".repeat(64)}`, admin: true, caps: { "*": { publish: ["a.*"] } } } },
      deadline: "2s",
    },
    origins: ["https://app.example"],
    hosts: ["gateway.example"],
    limits: { perAddress: 10, perSecond: 20, headers: 50 },
    routes: {
      "/feed/:name": {
        kind: "feed",
        auth: "optional",
        access: { subscribe: true, publish: ["a.*"] },
        anonymous: {},
      },
      "/echo": { kind: "echo", auth: "none", compression: { threshold: "1KiB" } },
    },
  },
];

const WORDS = [
  ...ODD_TEXTS,
  "\n",
  "\t",
  ": ",
  "- ",
  "&a ",
  "*a",
  "<<: *a",
  "!!js/function x",
  "---\n",
  "|\n",
  "# ",
  '"""',
  "'''",
  "[[",
  "{",
  "[".repeat(100),
  "= ",
  ".inf",
  "1970-01-01",
  "0x10",
  "-1s",
  "99999999999GiB",
];

const FORMATS = {
  json: { write: (value: Json) => JSON.stringify(value, null, 2), read: readJson },
  yaml: { write: (value: Json) => toYaml(value), read: readYaml },
  toml: { write: (value: Json) => toToml(value), read: readToml },
} as const;
type Format = keyof typeof FORMATS;
const isFormat = (name: string): name is Format => Object.hasOwn(FORMATS, name);

/** A value that TOML cannot say is said in JSON. */
function written(format: Format, value: Json): readonly [Format, string] {
  try {
    return [format, FORMATS[format].write(value)];
  } catch {
    return ["json", FORMATS.json.write(value)];
  }
}

/** So long may a file of a few lines take. */
const MAX_MS = 1_000;
const folder = mkdtempSync(join(tmpdir(), "fairlead-fuzz-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

export const configFiles: Target = {
  name: "config-files",
  isOnTheWire: false,
  make(chance) {
    const value = chance.pick(CONFIGS);
    const [format, text] = written(chance.pick(["json", "yaml", "toml"]), maybeMutated(chance, value));
    let file = Buffer.from(text);
    for (let left = chance.pick([0, 0, 1, 1, 2]); left > 0; left -= 1)
      file = mutateBytes(chance, file, WORDS);
    return [Buffer.from(format), file];
  },
  async run([name, file]) {
    const format = `${name}`;
    if (!isFormat(format) || file === undefined) return false;
    const path = join(folder, `fairlead.${format}`);
    writeFileSync(path, file);
    const start = performance.now();
    await loaded(path);
    const took = performance.now() - start;
    if (took > MAX_MS) throw new Error(`it took ${Math.round(took)} ms to read`);
    return "source" in FORMATS[format].read(Buffer.from(file).toString());
  },
};

function maybeMutated(chance: Chance, value: Json): Json {
  return chance.is(0.6) ? mutateJson(chance, value) : value;
}

async function loaded(path: string): Promise<void> {
  try {
    await loadConfig({ base: { file: path }, folder, env: {}, flags: [] });
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code !== "CONFIG_INVALID") throw error;
  }
}
