/** redis-cli and a Redis of its own, through a tunnel and a bridge: requests, bytes of any kind, a burst, and a connection that listens. */
import { expect, onTestFinished } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../../folder.ts";
import { startRedis } from "../../redis-house.ts";
import { type Paths, requires } from "../../requires.ts";
import { noise, sha256 } from "../../routes/bridge-house.ts";
import { serve } from "../one-liner.ts";
import { type Program, start } from "../program.ts";
import { tunnel } from "./tunnel.ts";

const withRedis = requires("node", "redis-server", "redis-cli");

/** A Redis, and redis-cli, which comes to it through a tunnel and a bridge. */
async function redis({ "redis-cli": cli }: Paths<"redis-cli">) {
  const server = await startRedis();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const cwd = folder();
  const host = await serve("bridge", "--target", `127.0.0.1:${server.port}`);
  const port = await tunnel(`ws://${host}/`);
  const command = (...args: string[]) => [cli, "-h", "127.0.0.1", "-p", port, ...args];
  return {
    cwd,
    command,
    /** Its answer, as it came. */
    async ask(...args: string[]): Promise<string> {
      const program = start(command(...args), { cwd });
      expect(await program.ended(20)).toBe(0);
      return program.output();
    },
    listen: (channel: string): Program => start(command("SUBSCRIBE", channel), { cwd }),
    /** Runs redis-cli with this file as its input. */
    async feed(file: string, ...args: string[]): Promise<string> {
      const program = start(["sh", "-c", 'exec "$@" <"$0"', file, ...command(...args)], { cwd });
      expect(await program.ended(20)).toBe(0);
      return program.output();
    },
  };
}

withRedis("redis-cli asks and is answered through a bridge", async (paths) => {
  const { ask } = await redis(paths);
  expect(await ask("PING")).toBe("PONG\n");
  expect(await ask("SET", "name", "Ann")).toBe("OK\n");
  expect(await ask("GET", "name")).toBe("Ann\n");
});

withRedis("a value of 4 MiB is the same in Redis and back", async (paths) => {
  const { cwd, feed, command } = await redis(paths);
  const value = noise(4 * 1024 * 1024, 3);
  const file = join(cwd, "value");
  writeFileSync(file, value);
  expect(await feed(file, "-x", "SET", "value")).toBe("OK\n");
  const back = Bun.spawn(command("GET", "value"), { cwd, stdout: "pipe", timeout: 20_000 });
  const bytes = await Bun.readableStreamToBytes(back.stdout);
  // redis-cli ends what it prints with a line feed.
  expect(sha256(bytes.subarray(0, -1))).toBe(sha256(value));
});

withRedis("20,000 commands said at once get 20,000 answers", async (paths) => {
  const { cwd, feed, ask } = await redis(paths);
  const file = join(cwd, "commands");
  writeFileSync(file, Array.from({ length: 20_000 }, (_, i) => `SET key:${i} ${i}\r\n`).join(""));
  expect(await feed(file, "--pipe")).toContain("errors: 0, replies: 20000");
  expect(await ask("DBSIZE")).toBe("20000\n");
});

withRedis("one who listens hears what another publishes", async (paths) => {
  const { listen, ask } = await redis(paths);
  const listener = listen("news");
  await listener.says(/subscribe\nnews\n1\n/);
  for (const text of ["one", "two", "three"]) expect(await ask("PUBLISH", "news", text)).toBe("1\n");
  await listener.says(/message\nnews\none\nmessage\nnews\ntwo\nmessage\nnews\nthree\n/);
});
