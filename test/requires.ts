/**
 * Tests that need a program this machine may lack. Such a test is skipped and its reason printed; `FAIRLEAD_REQUIRE=chromium,node`
 * turns the skip into a failure, so that a machine which should have the program cannot lose the test in silence.
 *
 *   requires("websocat")("echoes a line", async ({ websocat }) => { ... });
 */
import { test } from "bun:test";

/** Each probe answers the program's absolute path, or undefined. */
const PROBES = {
  caddy: () => which("caddy"),
  chromium: () => which("chromium", "chromium-browser", "google-chrome"),
  curl: () => which("curl"),
  haproxy: () => which("haproxy", "/usr/sbin/haproxy"),
  mosquitto: () => which("mosquitto", "/usr/sbin/mosquitto"),
  nginx: () => which("nginx", "/usr/sbin/nginx"),
  node: () => which("node"),
  npm: () => which("npm"),
  /** Debian keeps the server beside PATH. */
  postgres: () =>
    which("postgres", ...[18, 17, 16, 15].map((major) => `/usr/lib/postgresql/${major}/bin/postgres`)),
  prlimit: () => which("prlimit"),
  psql: () => which("psql"),
  python3: () => which("python3"),
  /** The interpreter that has the package: Debian's own first, since another python3 may come earlier on PATH. */
  "python-websockets": () => ["/usr/bin/python3", which("python3")].find(hasWebsockets),
  "redis-cli": () => which("redis-cli"),
  /** Debian's redis-tools has the server too, under another name: test/redis-house.ts starts it by the right one. */
  "redis-server": () => which("redis-server", "redis-check-rdb"),
  /** npm, when it reaches its registry. */
  registry: () => (runs(["npm", "view", "bun", "version", "--fetch-retries=0"]) ? which("npm") : undefined),
  scp: () => which("scp"),
  setpriv: () => which("setpriv"),
  ssh: () => which("ssh"),
  /** It wants to be started by its whole path. */
  sshd: () => which("sshd", "/usr/sbin/sshd"),
  taskset: () => which("taskset"),
  websocat: () => which("websocat"),
  websockify: () => which("websockify"),
  Xtigervnc: () => which("Xtigervnc"),
};
export type Program = keyof typeof PROBES;
/** Absolute path of each. */
export type Paths<P extends Program> = { readonly [Name in P]: string };

const found = new Map<Program, string | undefined>();

/** Absolute path of a program, probed once per run; undefined when the machine lacks it. */
export function locate(program: Program): string | undefined {
  if (!found.has(program)) found.set(program, PROBES[program]());
  return found.get(program);
}

/** A `test` for bodies that need these programs; the body gets their paths. `timeout` in ms, default 5,000. */
export function requires<P extends Program>(...programs: P[]) {
  const verdict = judge(programs, process.env["FAIRLEAD_REQUIRE"] ?? "");
  return (name: string, body: (paths: Paths<P>) => void | Promise<void>, timeout?: number): void => {
    if (verdict.kind === "run") test(name, () => body(verdict.paths), timeout);
    else if (verdict.kind === "skip") skip(name, verdict.reason);
    else test(name, () => Promise.reject(new Error(verdict.reason)));
  };
}

function skip(name: string, reason: string): void {
  console.error(`skipped: ${name}: ${reason}`);
  test.skip(name, () => {});
}

type Verdict<P extends Program> =
  | { readonly kind: "run"; readonly paths: Paths<P> }
  | { readonly kind: "skip" | "fail"; readonly reason: string };

/** Run, skip or fail: apart from `requires`, so that it can be tested without a lacking machine. */
export function judge<P extends Program>(programs: readonly P[], required: string, at = locate): Verdict<P> {
  const wanted = parseRequired(required);
  const paths = Object.fromEntries(programs.map((program) => [program, at(program)]));
  const missing = programs.filter((program) => paths[program] === undefined);
  if (missing.length === 0) return { kind: "run", paths: paths as Paths<P> };
  const due = missing.filter((program) => wanted.includes(program));
  if (due.length === 0) return { kind: "skip", reason: `this machine has no ${missing.join(", no ")}` };
  return {
    kind: "fail",
    reason: `this machine has no ${due.join(", no ")}, which FAIRLEAD_REQUIRE asks for`,
  };
}

/** A name that no probe knows would require nothing, so it is an error. */
function parseRequired(list: string): string[] {
  const names = list.split(",").flatMap((name) => name.trim() || []);
  const unknown = names.filter((name) => !Object.hasOwn(PROBES, name));
  if (unknown.length === 0) return names;
  throw new Error(
    `FAIRLEAD_REQUIRE names ${unknown.join(", ")}; known are ${Object.keys(PROBES).join(", ")}`,
  );
}

function which(...names: readonly string[]): string | undefined {
  return names.map((name) => Bun.which(name)).find((path) => path !== null) ?? undefined;
}

function hasWebsockets(python: string | undefined): boolean {
  return python !== undefined && runs([python, "-c", "import websockets"]);
}

function runs(command: string[]): boolean {
  if (Bun.which(command[0] ?? "") === null) return false;
  return Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"], timeout: 20_000 }).exitCode === 0;
}
