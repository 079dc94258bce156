/**
 * Runs one block of a page as a reader would: in a folder with the files that stand before it, against the server that the
 * page started before it. Ports are replaced by free ones. Everything it started is killed with its test.
 */
import { onTestFinished } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { CONFIG_NAMES } from "../../src/config/read-file.ts";
import { type Block, blocksOf, markOf, type Page, root } from "../docs/markdown.ts";
import { fileOf, matches, outputPattern } from "../docs/snippets.ts";
import { folder } from "../folder.ts";
import { locate, type Program } from "../requires.ts";
import { within } from "./program.ts";

/** What one may write in a page; each stands for one free port while a block runs. */
const PORTS = ["8080", "7070", "9000", "6080"];
const EXAMPLES = [...new Bun.Glob("examples/*/*").scanSync(root)];
const SECONDS = 20;
/** How long a program that prints what was expected may take to end, before it counts as one that goes on. */
const GRACE_SECONDS = 0.5;
const STARTS = /^(?:npm start|npx fairlead)\b/;
const NO_SERVER =
  /^(?:npm start --|npx fairlead) (?:config\b|connect\b|replay\b|token\b|key\b|--run\b|.*(?:--help|--version))/;

/** The last command of a block serves until it is killed. */
export function isStart({ lang, text }: Block): boolean {
  const last =
    text
      .trim()
      .split("\n")
      .at(-1)
      ?.replace(/^(?:\w+=\S+ )+/, "") ?? "";
  return lang === "sh" && STARTS.test(last) && !NO_SERVER.test(last);
}

export function isRunnable(block: Block): boolean {
  const isProgram = ["sh", "js", "ts", "py"].includes(block.lang) && fileOf(block) === undefined;
  return isProgram && markOf(block, "not run: ") === undefined;
}

const PROGRAMS = ["curl", "python3"] as const;

/** What a machine must have for a block and for the server that it talks to. */
export function programsOf(page: Page, block: Block): Program[] {
  const server = needsServer(block) ? serverBefore(blocksBefore(page, block)) : "";
  const shell = `${block.lang === "sh" ? block.text : ""}\n${server}`;
  const python: Program[] = block.lang === "py" ? ["python-websockets"] : [];
  return ["node", ...python, ...PROGRAMS.filter((name) => shell.includes(name))];
}

const needsServer = (block: Block) => !isStart(block) && /127\.0\.0\.1:|localhost:/.test(block.text);
const blocksBefore = (page: Page, block: Block) => blocksOf(page).filter(({ line }) => line < block.line);

/** Resolves when the block has done what its page says; rejects with what it said instead. */
export async function runBlock(page: Page, block: Block): Promise<void> {
  const before = blocksBefore(page, block);
  const place = createPlace(before);
  if (isStart(block)) return startServer(place, block.text);
  if (needsServer(block)) await startServer(place, serverBefore(before));
  const program = run(place, block.lang, block.text);
  if (block.expected === undefined) return expectExit(program, block);
  const expected = place.rewrite(block.expected);
  const pattern = outputPattern(expected);
  const text = () => `it printed\n${program.output()}\ninstead of\n${expected}`;
  await within(SECONDS, Promise.race([program.prints(pattern), program.exited]), text);
  await Promise.race([program.exited, Bun.sleep(GRACE_SECONDS * 1_000)]);
  if (!matches(pattern, program.output())) throw new Error(text());
  if (program.child.exitCode !== null) await expectExit(program, block);
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The same text with the ports of this run. */
  rewrite(text: string): string;
}

function createPlace(before: readonly Block[]): Place {
  const ports = new Map(PORTS.map((port) => [port, String(freePort())]));
  const rewrite = (text: string) =>
    text.replaceAll(/(?<![\d.])(?:8080|7070|9000|6080)(?!\d)/g, (port) => ports.get(port) ?? port);
  const files = filesOf(before).map(([name, text]) => [name, rewrite(text)]);
  const launcher = join(root, "bin/fairlead.mjs");
  const cwd = folder({
    ...Object.fromEntries(EXAMPLES.map((path) => [path, rewrite(readFileSync(join(root, path), "utf8"))])),
    ...Object.fromEntries(files),
    ".curlrc": "silent\nshow-error\n",
    "bin/npx": `#!/bin/sh\nshift\nexec node '${launcher}' "$@"\n`,
    "bin/npm": `#!/bin/sh\nshift\n[ "$1" = -- ] && shift\nexec node '${launcher}' "$@"\n`,
  });
  mkdirSync(join(cwd, "node_modules"));
  symlinkSync(root, join(cwd, "node_modules/fairlead"));
  const env = { PATH: `${join(cwd, "bin")}:${process.env["PATH"]}`, CURL_HOME: cwd };
  return { cwd, env, rewrite };
}

/** Of the files that `fairlead` looks for there can be one only: the last that the page has shown. */
function filesOf(before: readonly Block[]): [name: string, text: string][] {
  const files = before.flatMap((block): [string, string][] => {
    const name = fileOf(block);
    return name === undefined ? [] : [[name, block.text]];
  });
  const isConfig = ([name]: readonly [string, string]) => CONFIG_NAMES.some((known) => known === name);
  const last = files.findLast(isConfig);
  return files.filter((file) => !isConfig(file) || file === last);
}

/** What a reader has running: the last command that was shown, or, on a page that shows none, what serves its config. */
function serverBefore(before: readonly Block[]): string {
  const last = before.findLast(isStart);
  if (last !== undefined) return last.text;
  if (before.some((block) => CONFIG_NAMES.some((name) => name === fileOf(block)))) return "npx fairlead";
  throw new Error("there is an address in this block, and no server before it");
}

async function startServer(place: Place, command: string): Promise<void> {
  const port = / room\b/.test(command) ? "7070" : "8080";
  const listen = /fairlead \w+ \S*:?\d+/.test(command) ? {} : { FAIRLEAD_LISTEN__PORT: place.rewrite(port) };
  const server = run({ ...place, env: { ...place.env, ...listen } }, "sh", command);
  const listening = Promise.race([server.prints(/Fairlead listens on/), server.exited]);
  await within(SECONDS, listening, () => `it does not listen; it said\n${server.output()}`);
  if (server.child.exitCode !== null) throw new Error(`it ended; it said\n${server.output()}`);
  for (const [, other = ""] of command.matchAll(/\b(9000)\b/g)) await accepts(Number(place.rewrite(other)));
}

async function expectExit({ exited, output }: Running, block: Block): Promise<void> {
  const code = await within(
    SECONDS,
    exited,
    () => `it goes on, and has no expected output; it said\n${output()}`,
  );
  const wanted = Number(markOf(block, "exits ") ?? 0);
  if (code !== wanted) throw new Error(`exit code ${code} instead of ${wanted}; it said\n${output()}`);
}

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  prints(pattern: RegExp): Promise<void>;
  output(): string;
}

function run({ cwd, env, rewrite }: Place, lang: string, text: string): Running {
  const [program, ...args] = commandOf(cwd, lang, rewrite(text));
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  onTestFinished(() => killGroup(child));
  const looks = new Set<() => void>();
  const ended = Promise.withResolvers<number | null>();
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (more: string) => {
      output += more;
      for (const look of looks) look();
    });
  }
  child.once("error", ended.reject);
  child.once("close", (code) => ended.resolve(code));
  return {
    child,
    exited: ended.promise,
    output: () => output,
    prints(pattern) {
      const { promise, resolve } = Promise.withResolvers<void>();
      looks.add(() => (pattern.test(output) || matches(pattern, output)) && resolve());
      return promise;
    },
  };
}

function commandOf(cwd: string, lang: string, text: string): [string, ...string[]] {
  if (lang === "sh") return ["bash", "-euo", "pipefail", "-c", text];
  if (lang === "py") return [locate("python-websockets") ?? "python3", "-c", text];
  const file = join(cwd, `snippet.${lang}`);
  void Bun.write(file, text);
  return [process.execPath, file];
}

/** A shell may have started others, in the background too. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

/** Resolves once somebody accepts connections there. */
function accepts(port: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const knock = () => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", () => setTimeout(knock, 20));
  };
  knock();
  return within(SECONDS, promise, () => `nothing listens on ${port}`);
}
