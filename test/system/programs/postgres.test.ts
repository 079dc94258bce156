/** psql through a tunnel and a bridge, to a Postgres that listens on nothing but a socket in the file system. */
import { expect } from "bun:test";
import { chownSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { folder } from "../../folder.ts";
import { type Paths, requires } from "../../requires.ts";
import { noise, sha256 } from "../../routes/bridge-house.ts";
import { serve } from "../one-liner.ts";
import { start } from "../program.ts";
import { tunnel } from "./tunnel.ts";

const withPostgres = requires("node", "postgres", "psql", "setpriv");
/** Postgres does not run as root; this user has nothing else. */
const NOBODY = 65_534;

/** A database of its own, and psql that reaches it through a tunnel and a bridge; gives what psql prints. */
async function database({ postgres, psql, setpriv }: Paths<"postgres" | "psql" | "setpriv">) {
  const cwd = folder();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(cwd, NOBODY, NOBODY);
  const drop = isRoot ? [setpriv, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const initdb = join(dirname(realpathSync(postgres)), "initdb");
  const empty = [initdb, "-D", "data", "-U", "ann", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8"];
  const made = start([...drop, ...empty], { cwd });
  if ((await made.ended(30)) !== 0) throw new Error(made.output());
  const flags = ["-D", "data", "-F", "-k", cwd, "-c", "listen_addresses="];
  const server = start([...drop, postgres, ...flags], { cwd });
  await server.says(/ready to accept connections/, 30);
  const host = await serve("bridge", "--target", `unix:${join(cwd, ".s.PGSQL.5432")}`);
  const url = `postgres://ann@127.0.0.1:${await tunnel(`ws://${host}/`)}/postgres`;
  return {
    cwd,
    async ask(...statements: string[]): Promise<string> {
      const commands = statements.flatMap((each) => ["-c", each]);
      const client = start([psql, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url, ...commands], {
        cwd,
      });
      if ((await client.ended(20)) !== 0) throw new Error(client.output());
      return client.output();
    },
    /** Killed, it would leave its shared memory behind. */
    async [Symbol.asyncDispose]() {
      server.kill("SIGINT");
      expect(await server.ended()).toBe(0);
    },
  };
}

withPostgres(
  "psql asks through a bridge, is told what is wrong, and gets 4 MiB back as they went",
  async (paths) => {
    await using server = await database(paths);
    const { cwd, ask } = server;
    expect(await ask("SELECT 6 * 7", "SELECT current_user")).toBe("42\nann\n");
    await expect(ask("SELECT 1 / 0")).rejects.toThrow("division by zero");
    const bytes = noise(4 * 1024 * 1024, 5);
    writeFileSync(join(cwd, "there"), bytes.toString("base64"));
    await ask("CREATE TABLE notes (text text)", "\\copy notes FROM there");
    const stored = await ask("SELECT encode(sha256(decode(text, 'base64')), 'hex') FROM notes");
    expect(stored).toBe(`${sha256(bytes)}\n`);
    await ask("\\copy notes TO back");
    const back = Buffer.from(await Bun.file(join(cwd, "back")).text(), "base64");
    expect(sha256(back)).toBe(sha256(bytes));
  },
  60_000,
);
