/**
 * Gateways that share an engine: each a process of its own, on a port of its own that it keeps, with a way of its own to the engine's server,
 * which a test can cut. What they said is shown when the test fails.
 *
 *   await withNodes({ redis: redis.port, routes }, async (nodes) => { ... });
 */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigInput } from "../src/config/schema.ts";
import { main } from "./cli/fairlead.ts";
import { mortal } from "./process.ts";
import { launch, type Program, within } from "./system/program.ts";
import { freePort } from "./system/programs/free-port.ts";
import { startProxy, type TcpProxy } from "./tcp-proxy.ts";

/** Called by number, from 0. A method of a node that does not run rejects or throws. */
export interface Nodes {
  readonly count: number;
  /** `127.0.0.1:PORT`, the same over all its lives. */
  host(node: number): string;
  /** Between the node and the engine's server. */
  way(node: number): TcpProxy;
  pid(node: number): number;
  isRunning(node: number): boolean;
  /** SIGKILL. Resolves when it is gone. */
  kill9(node: number): Promise<void>;
  /** SIGSTOP. */
  stop(node: number): void;
  cont(node: number): void;
  /** SIGTERM. Resolves with its exit code. */
  term(node: number, seconds?: number): Promise<number | NodeJS.Signals>;
  /** Resolves when it listens, on the port that it had. */
  start(node: number): Promise<void>;
  /** The value of one series of its `/metrics`; 0 where it does not exist. */
  metric(node: number, series: string): Promise<number>;
  /** What it said, over all its lives. */
  output(node: number): string;
}

export interface NodesOptions {
  readonly count?: number;
  /** Port of the engine's server. Absent: each has an engine of its own, in memory. */
  readonly redis?: number;
  readonly routes: ConfigInput["routes"];
  /** Beside the URL, which is each node's own. */
  readonly engine?: Readonly<Record<string, unknown>>;
  /** What the body may take, less than the runner gives it: who waits in vain shows what was said too. Default: 25. */
  readonly seconds?: number;
  readonly config?: Omit<ConfigInput, "routes" | "engine" | "node" | "advertise">;
}

/** Runs `body` with nodes that listen, and ends them. */
export async function withNodes<T>(options: NodesOptions, body: (nodes: Nodes) => Promise<T>): Promise<T> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-nodes-")));
  const all: Node[] = [];
  try {
    for (let i = 0; i < (options.count ?? 3); i += 1) all.push(await createNode(i, dir, options));
    await Promise.all(all.map((node) => node.start()));
    return await within(options.seconds ?? 25, body(nodesOf(all)), () => "the test did not come to its end");
  } catch (error) {
    for (const [i, node] of all.entries()) console.error(`--- node ${i}\n${lastOf(node.output())}`);
    throw error;
  } finally {
    await Promise.all(all.map((node) => node.end()));
    rmSync(dir, { recursive: true, force: true });
  }
}

const SHOWN_LINES = 60;

function lastOf(text: string): string {
  const lines = text.trimEnd().split("\n");
  const left = lines.length - SHOWN_LINES;
  return [...(left > 0 ? [`(${left} lines before)`] : []), ...lines.slice(-SHOWN_LINES)].join("\n");
}

interface Node {
  readonly host: string;
  readonly way: TcpProxy;
  readonly running: Program | undefined;
  /** Throws when it does not run. */
  program(): Program;
  start(): Promise<void>;
  ended(seconds?: number): Promise<number | NodeJS.Signals>;
  output(): string;
  end(): Promise<void>;
}

async function createNode(
  i: number,
  dir: string,
  { redis, engine, routes, config }: NodesOptions,
): Promise<Node> {
  const way = await startProxy(redis ?? 0);
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const file = join(dir, `node-${i}.json`);
  const own = {
    listen: { port },
    node: `node-${i}`,
    advertise: `ws://${host}`,
    engine: redis === undefined ? "memory" : { redis: `redis://${way.host}`, ...engine },
  };
  const whole = { drain: { window: "200ms" }, ...config, ...own, routes };
  await Bun.write(file, JSON.stringify(whole));
  const said: string[] = [];
  let running: Program | undefined;

  async function ended(seconds = 10): Promise<number | NodeJS.Signals> {
    const program = running;
    if (program === undefined) throw new Error(`node ${i} does not run`);
    const how = await program.ended(seconds);
    said.push(program.output());
    running = undefined;
    return how;
  }

  return {
    host,
    way,
    get running() {
      return running;
    },
    program() {
      if (running === undefined) throw new Error(`node ${i} does not run`);
      return running;
    },
    async start() {
      if (running !== undefined) throw new Error(`node ${i} runs already`);
      const command = [...plainEnvironment(), process.execPath, main, "serve", "--config", file];
      running = launch(mortal(command), { cwd: dir });
      await running.says(/listens on http:\/\/(\S+)/, 20);
    },
    ended,
    output: () => [...said, running?.output() ?? ""].join("--- and ended\n"),
    async end() {
      running?.kill("SIGKILL");
      if (running !== undefined) await ended();
      way[Symbol.dispose]();
    },
  };
}

/** What steers the tests, like FAIRLEAD_SEED, is no option of a gateway. */
function plainEnvironment(): readonly string[] {
  const names = Object.keys(process.env).filter((name) => name.startsWith("FAIRLEAD_"));
  return ["env", ...names.flatMap((name) => ["-u", name])];
}

function nodesOf(all: readonly Node[]): Nodes {
  const at = (i: number): Node => {
    const node = all[i];
    if (node === undefined) throw new Error(`there is no node ${i}`);
    return node;
  };
  return {
    count: all.length,
    host: (i) => at(i).host,
    way: (i) => at(i).way,
    pid: (i) => at(i).program().pid,
    isRunning: (i) => at(i).running !== undefined,
    async kill9(i) {
      at(i).program().kill("SIGKILL");
      await at(i).ended();
    },
    stop: (i) => at(i).program().kill("SIGSTOP"),
    cont: (i) => at(i).program().kill("SIGCONT"),
    term(i, seconds) {
      at(i).program().kill("SIGTERM");
      return at(i).ended(seconds);
    },
    start: (i) => at(i).start(),
    async metric(i, series) {
      const text = await (await fetch(`http://${at(i).host}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    output: (i) => at(i).output(),
  };
}
