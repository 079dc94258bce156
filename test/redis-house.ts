/**
 * A Redis of a test's own, which can be stopped, killed, emptied and started again where it was. It reads no config of this machine,
 * keeps nothing unless it is told to, and dies with the tests. A test asks for the program: `requires("redis-server")`.
 *
 *   await using redis = await startRedis();
 *   const { url } = redis;
 *
 *   const redis = sharedRedis();                      // at the top of a file: one server for all its tests
 *   requires("redis-server")("...", async () => { const { url } = await redis(); ... });
 */
import { afterAll } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folder } from "./folder.ts";
import { mortal } from "./process.ts";
import { askRedis, type Reply } from "./redis-client.ts";
import { locate } from "./requires.ts";
import { launch, type Program } from "./system/program.ts";
import { freePort } from "./system/programs/free-port.ts";

export interface RedisHouse extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** The same by its socket in the file system: `unix:///...` */
  readonly unixUrl: string;
  /** Where its files are. */
  readonly dir: string;
  /** Rejects with what Redis says is wrong. */
  command(...args: readonly string[]): Promise<Reply>;
  /** SIGSTOP: connections stay, and nothing is answered. */
  stop(): void;
  cont(): void;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** On the same port and folder; killed first when it runs. Resolves when it answers. */
  restart(): Promise<void>;
  /** FLUSHALL. */
  flush(): Promise<void>;
  /** What it said, over all its lives. */
  output(): string;
}

export interface RedisOptions {
  /** `always`: what was answered survives SIGKILL. Default: nothing survives the process. */
  readonly keeps?: "nothing" | "everysec" | "always";
  /** More lines of redis.conf, as pairs: `{ maxmemory: "1mb" }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default: one that is free. */
  readonly port?: number;
}

/** Resolves when it answers. */
export async function startRedis({
  keeps = "nothing",
  settings = {},
  port,
}: RedisOptions = {}): Promise<RedisHouse> {
  const own = port ?? (await freePort());
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-redis-")));
  const program = mortal([link(dir)]);
  const kept = { appendonly: keeps === "nothing" ? "no" : "yes", appendfsync: keeps };
  if (keeps === "nothing") kept.appendfsync = "everysec";
  const unixsocket = join(dir, "redis.sock");
  const lines = { port: `${own}`, bind: "127.0.0.1", unixsocket, dir, save: "", ...kept, ...settings };
  const flags = Object.entries(lines).flatMap(([name, value]) => [`--${name}`, value]);
  const said: string[] = [];
  const command = (...args: readonly string[]) => askRedis(own, args);
  let running = await begin();

  async function begin(): Promise<Program> {
    const begun = launch([...program, ...flags], { cwd: dir });
    await begun.says(/Ready to accept connections/);
    await command("PING");
    return begun;
  }

  async function kill(): Promise<void> {
    running.kill("SIGKILL");
    await running.ended();
  }

  return {
    url: `redis://127.0.0.1:${own}`,
    port: own,
    unixUrl: `unix://${unixsocket}`,
    dir,
    command,
    stop: () => running.kill("SIGSTOP"),
    cont: () => running.kill("SIGCONT"),
    kill,
    async restart() {
      await kill();
      said.push(running.output());
      running = await begin();
    },
    async flush() {
      await command("FLUSHALL");
    },
    output: () => [...said, running.output()].join("\n"),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The program looks at the name that it is called by, and Debian has it under others too. */
function link(dir: string): string {
  const server = locate("redis-server");
  if (server === undefined) throw new Error("this machine has no redis-server");
  const path = join(dir, "redis-server");
  symlinkSync(server, path);
  return path;
}

/** An environment whose PATH has redis-server by its name, for programs that look for it themselves. Call it inside a test. */
export function redisOnPath(): { readonly PATH: string } {
  const bin = folder();
  link(bin);
  return { PATH: `${bin}:${process.env["PATH"]}` };
}

/** For the tests of one file: a server that is started by the first of them, and emptied each time somebody asks for it. */
export function sharedRedis(options: RedisOptions = {}): () => Promise<RedisHouse> {
  let started: Promise<RedisHouse> | undefined;
  afterAll(async () => {
    await (await started)?.[Symbol.asyncDispose]();
  });
  return async () => {
    started ??= startRedis(options);
    const redis = await started;
    await redis.flush();
    return redis;
  };
}
