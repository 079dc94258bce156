/** The command line as a process of its own, for tests: run to its end, or serving until the test is over. */
import { expect, onTestFinished } from "bun:test";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { type Program, start } from "../system/program.ts";
import { talkTo } from "../system/talk.ts";

export const main = join(import.meta.dir, "../../src/cli/main.ts");

export interface Place {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs to the end, with stdout and stderr apart. For what ends by itself. */
export function run(args: readonly string[], { cwd = folder(), env = {} }: Place = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    timeout: 10_000,
  });
  return { code: exitCode, out: stdout.toString(), talk: stderr.toString() };
}

/** A server on a free port, once it listens. */
export async function serve(args: readonly string[], { cwd = folder(), env = {} }: Place = {}) {
  const program = start([process.execPath, main, ...args], { cwd, env });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  return { program, host };
}

export function talk(url: string) {
  const client = talkTo(url);
  onTestFinished(client.close);
  return client;
}

export async function endsInOrder(program: Program): Promise<void> {
  program.kill("SIGTERM");
  expect(await program.ended()).toBe(0);
}
