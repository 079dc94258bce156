/**
 * The program with several workers, for tests of what needs no engine that they share: run as a script, it takes a config without the check
 * that there is such an engine.
 */

import { crashClearly } from "../../../src/cli/crash.ts";
import { survivePipes } from "../../../src/cli/output.ts";
import { runGateway } from "../../../src/cli/run-gateway.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { parseConfig } from "../../../src/config/validate.ts";
import { FairleadError } from "../../../src/errors.ts";
import { folder } from "../../folder.ts";
import { type Program, start } from "../../system/program.ts";

export interface CrewHouse {
  /** Whoever watches. */
  readonly program: Program;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Of the workers, as they were started first. */
  readonly pids: readonly number[];
  get(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** The value of one series of `/metrics`; 0 where it does not exist. Rejects when nobody knows. */
  metric(series: string): Promise<number>;
  /** Each line of the log that has this text. */
  lines(text: string): readonly Readonly<Record<string, unknown>>[];
}

/** Resolves once all workers listen. Killed when the test ends. */
export function startCrew(config: ConfigInput, terminal = false): Promise<CrewHouse> {
  return crewOf(startProgram(config, terminal));
}

/** What has been started with several workers, whose log is JSON at `info`. */
export async function crewOf(program: Program): Promise<CrewHouse> {
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  const get = async (path: string) => {
    // Each asks on a connection of its own, which any worker may get.
    const answer = await fetch(`http://${host}${path}`, { keepalive: false });
    return { status: answer.status, text: await answer.text() };
  };
  const lines = (text: string) =>
    program
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{") && line.includes(`"msg":${JSON.stringify(text)}`))
      .map((line) => JSON.parse(line));
  const [{ pids = [] } = {}] = lines("all workers listen");
  return {
    program,
    host,
    pids: Array.isArray(pids) ? pids : [],
    get,
    async metric(series) {
      const { status, text } = await get("/metrics");
      if (status !== 200) throw new Error(`/metrics: ${status} ${text}`);
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    lines,
  };
}

export function startProgram(config: ConfigInput, terminal = false): Program {
  const told = JSON.stringify({
    listen: { port: 0 },
    log: { format: "json" },
    drain: { window: "500ms" },
    ...config,
  });
  // Under `bun test --no-orphans` every Bun below it is killed with its parent: workers could not outlive who watches them.
  const env = { BUN_FEATURE_FLAG_NO_ORPHANS: "0" };
  return start([process.execPath, import.meta.path, told], { cwd: folder(), env, terminal });
}

async function main(): Promise<number> {
  survivePipes();
  crashClearly();
  const { workers, ...config } = JSON.parse(process.argv[2] ?? "{}");
  try {
    return await runGateway({ ...parseConfig(config), workers });
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    console.error(`fairlead: ${error.message}`);
    return 1;
  }
}

if (import.meta.main) process.exit(await main());
