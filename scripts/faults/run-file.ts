/** Runs chosen tests of a file and tells what became of each. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { networkCommand } from "./network.ts";
import type { Job } from "./plan.ts";

export interface TestResult {
  readonly file: string;
  /** Its own name behind those of the groups it is in. */
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Of a skipped one. */
  readonly reason?: string;
}

/** All tests of a file together. */
const LIMIT_MS = 240_000;
const TEST_LIMIT_MS = 120_000;

/** Those that the job names. A file whose run left no result counts as one failed test. */
export async function runFile(root: string, { file, pattern }: Job): Promise<TestResult[]> {
  const folder = mkdtempSync(join(tmpdir(), "fairlead-faults-"));
  try {
    const outfile = join(folder, "junit.xml");
    const command = [
      ...[process.execPath, "test", "--no-orphans", `--timeout=${TEST_LIMIT_MS}`, `./${file}`],
      ...["-t", pattern.source, "--reporter=junit", `--reporter-outfile=${outfile}`],
    ];
    const child = Bun.spawn(file.endsWith("/network.ts") ? networkCommand(command) : command, {
      cwd: root,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "pipe",
      timeout: LIMIT_MS,
    });
    const said = await new Response(child.stderr).text();
    process.stderr.write(said);
    await child.exited;
    if (!existsSync(outfile)) return [{ file, name: "the run itself", outcome: "failed" }];
    return resultsOf(file, pattern, readFileSync(outfile, "utf8"), said);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CASE = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>[\s\S]*?<\/testcase>)/g;

/** `said`: what the run printed, where skipped tests give their reasons. */
export function resultsOf(file: string, pattern: RegExp, junit: string, said: string): TestResult[] {
  return [...junit.matchAll(CASE)].flatMap(([, own = "", groups = "", body = ""]): TestResult[] => {
    const name = plain(`${groups} ${own}`.trim());
    if (!pattern.test(name)) return [];
    if (body.includes("<failure") || body.includes("<error")) return [{ file, name, outcome: "failed" }];
    if (!body.includes("<skipped")) return [{ file, name, outcome: "passed" }];
    return [{ file, name, outcome: "skipped", reason: reasonOf(plain(own), said) }];
  });
}

/** As test/requires.ts prints it. */
function reasonOf(name: string, said: string): string {
  const head = `skipped: ${name}: `;
  const line = said.split("\n").find((each) => each.startsWith(head));
  return line?.slice(head.length) ?? "it does not say why";
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function plain(xml: string): string {
  return xml.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name] ?? "");
}
