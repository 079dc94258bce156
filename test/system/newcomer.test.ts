/** What somebody meets who has Node, npm and a clone, and nothing else. Needs the registry, so it says when it was skipped. */
import { expect, onTestFinished } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { type Program, start } from "./program.ts";
import { type Talk, talkTo } from "./talk.ts";

const MINUTES = 60_000;
const atRegistry = requires("node", "npm", "registry");

/** The committed state of this project in a folder of its own: no node_modules, nothing that is not in git. */
function freshClone(): string {
  const clone = join(folder(), "fairlead");
  const git = Bun.spawnSync(["git", "clone", "--quiet", "--no-hardlinks", project, clone]);
  if (git.exitCode !== 0) throw new Error(`git clone failed: ${git.stderr}`);
  return clone;
}

/** `npm start` on a free port, until it listens; then the address in the command that it printed for each kind. */
async function npmStart(cwd: string, env: Record<string, string> = {}) {
  const program = start(["npm", "start"], { cwd, env: { ...env, FAIRLEAD_LISTEN__PORT: "0" } });
  const [, address = ""] = await program.says(/listens on (http:\/\/\S+)/, 120);
  await program.says(/^bridge .*\n/m);
  const routes = program.output().matchAll(/^(echo|room|feed|relay|bridge) .*\b(?:ws|http):(\S+)$/gm);
  return { program, address, routes: new Map([...routes].map(([, kind = "", at]) => [kind, `ws:${at}`])) };
}

function open(routes: ReadonlyMap<string, string>, kind: string): Talk {
  const talk = talkTo(routes.get(kind) ?? "");
  onTestFinished(talk.close);
  return talk;
}

async function expectOrderlyEnd(program: Program): Promise<void> {
  program.kill("SIGTERM");
  expect(await program.ended(30)).toBe(0);
}

atRegistry(
  "npm start in a fresh clone with an empty npm cache installs, and serves all five routes where it says",
  async () => {
    const clone = freshClone();
    const { program, address, routes } = await npmStart(clone, { npm_config_cache: folder() });
    expect([...routes.keys()].sort()).toEqual(["bridge", "echo", "feed", "relay", "room"]);

    const echo = open(routes, "echo");
    expect(await echo.next()).toBe("Welcome to the Echo Server!");
    echo.say("hello");
    expect(await echo.next()).toBe("hello");

    const room = open(routes, "room");
    room.say("to all");
    expect(await room.next()).toBe("to all");

    const feed = open(routes, "feed");
    expect(await feed.next()).toContain('"type":"connected"');
    expect(JSON.parse(await feed.next())).toHaveProperty("symbol");

    const relay = open(routes, "relay");
    relay.say('{"group_id":"1","sender_type":"center","receiver_type":"local","content":"hello"}');
    expect(await relay.next()).toContain("连接成功");

    const bridge = open(routes, "bridge");
    bridge.say("hello\n");
    expect(await bridge.until(/HELLO/)).toContain("HELLO");

    expect(await (await fetch(address)).text()).toContain("/room/:name");
    await expectOrderlyEnd(program);
  },
  3 * MINUTES,
);

atRegistry(
  "npm start works when npm ci ignored install scripts, where only the platform's package has Bun",
  async () => {
    const clone = freshClone();
    const ci = start(["npm", "ci", "--ignore-scripts", "--no-audit", "--prefer-offline"], { cwd: clone });
    expect(await ci.ended(120)).toBe(0);
    const { program, routes } = await npmStart(clone);
    expect(await open(routes, "echo").next()).toBe("Welcome to the Echo Server!");
    await expectOrderlyEnd(program);

    const print = start(["node", "bin/fairlead.mjs", "config", "print"], { cwd: clone });
    expect(await print.ended()).toBe(0);
    expect(print.output()).toMatch(/port\W+8080\b/);
    expect(existsSync(join(clone, "package-lock.json"))).toBe(true);
  },
  3 * MINUTES,
);
