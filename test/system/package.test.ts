/** What a user gets from npm: the packed tarball, installed in an empty folder. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machinePaths } from "../architecture/rules.ts";
import { locate, requires } from "../requires.ts";
import { project } from "./clone.ts";
import { start } from "./program.ts";
import { talkTo } from "./talk.ts";

const MINUTE = 60_000;
const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
const base = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-package-")));
const home = join(base, "home");
afterAll(() => rmSync(base, { recursive: true, force: true }));

const run = (command: string[], cwd: string) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}:\n${stdout}${stderr}`);
  return stdout.toString();
};

beforeAll(async () => {
  run(["npm", "pack", "--silent", "--pack-destination", base], project);
  run(["tar", "xzf", `fairlead-${manifest.version}.tgz`], base);
  if (locate("registry") === undefined) return;
  await Bun.write(join(home, "package.json"), '{"type":"module"}');
  const bunTypes = `@types/bun@${manifest.devDependencies["@types/bun"]}`;
  const install = ["npm", "install", "--no-audit", "--no-fund", "--prefer-offline"];
  run([...install, `../fairlead-${manifest.version}.tgz`, bunTypes], home);
}, 2 * MINUTE);

test("the tarball holds what runs and what is read, and nothing else", () => {
  const top = readdirSync(join(base, "package")).sort();
  const readable = ["CHANGELOG.md", "LICENSE", "PROTOCOL.md", "README.md", "SECURITY.md"];
  const allowed = [...readable, "bin", "dist", "docs", "package.json", "src"];
  expect(top.filter((name) => !allowed.includes(name))).toEqual([]);
  for (const page of readable) expect(top).toContain(page);
  expect(readdirSync(join(base, "package/dist")).sort()).toEqual(["client", "types"]);
  expect(statSync(join(base, `fairlead-${manifest.version}.tgz`)).size).toBeLessThan(850_000);
});

test("the tarball names no path or host of the machine that packed it", () => {
  const paths = run(["find", ".", "-type", "f"], join(base, "package")).trim().split("\n");
  const files = new Map(paths.map((path) => [path, readFileSync(join(base, "package", path), "utf8")]));
  expect(machinePaths(files)).toEqual([]);
});

const installed = requires("node", "npm", "registry");

installed("npx fairlead --version prints the version and nothing else", async () => {
  const program = start(["npx", "--silent", "fairlead", "--version"], { cwd: home });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe(`${manifest.version}\n`);
});

const TARGET = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: { data: (socket, bytes) => void socket.write(bytes) },
});
afterAll(() => TARGET.stop(true));

/** Each one-liner, what a client of its seed says first, and what it hears. */
const ONE_LINERS: Record<string, { args: string[]; path: string; says: string; hears: RegExp }> = {
  echo: { args: ["0"], path: "/any", says: "", hears: /^Welcome to the Echo Server!$/ },
  room: { args: ["0"], path: "/ws", says: "hello", hears: /^hello$/ },
  feed: { args: ["0"], path: "/any", says: "", hears: /"type":"connected"/ },
  relay: {
    args: ["0"],
    path: "/any",
    says: '{"group_id":"1","sender_type":"center","receiver_type":"local","content":"x"}',
    hears: /连接成功/,
  },
  bridge: { args: ["0", `127.0.0.1:${TARGET.port}`], path: "/websockify", says: "bytes", hears: /^bytes$/ },
};

for (const [kind, { args, path, says, hears }] of Object.entries(ONE_LINERS)) {
  installed(
    `npx fairlead ${kind} serves a plain client, and leaves nothing behind when it is ended`,
    async () => {
      const program = start(["npx", "--silent", "fairlead", kind, ...args], { cwd: home });
      const [, host] = await program.says(/listens on http:\/\/(\S+)/, 20);
      const talk = talkTo(`ws://${host}${path}`);
      onTestFinished(talk.close);
      if (says !== "") talk.say(says);
      expect(await talk.next()).toMatch(hears);
      program.kill("SIGTERM");
      await program.ended(20); // npx has an exit code of its own
    },
    MINUTE,
  );
}

const APP = `import { type ConfigInput, createGateway, defineConfig } from "fairlead";
const config: ConfigInput = defineConfig({
  listen: { port: 0 },
  log: { level: "silent" },
  routes: { "/echo": { kind: "echo", welcome: "from my own gateway" } },
});
const gateway = createGateway(config);
await gateway.start();
const socket = new WebSocket(\`ws://127.0.0.1:\${gateway.address.port}/echo\`);
socket.onmessage = async ({ data }) => {
  console.log(data);
  await gateway.stop();
};
`;

installed(
  "a program that imports createGateway and defineConfig runs on the Bun that came along",
  async () => {
    await Bun.write(join(home, "app.ts"), APP);
    const program = start(["npx", "--silent", "fairlead", "--run", "app.ts"], { cwd: home });
    expect(await program.ended(20)).toBe(0);
    expect(program.output()).toBe("from my own gateway\n");
  },
  MINUTE,
);

for (const resolution of ["nodenext", "preserve"]) {
  installed(
    `the same program type-checks, the package's own types too, under module ${resolution}`,
    async () => {
      await Bun.write(join(home, "app.ts"), APP);
      const options = [
        "--strict",
        "--exactOptionalPropertyTypes",
        "--noEmit",
        "--target",
        "esnext",
        "--types",
        "bun",
      ];
      const tsc = join(project, "node_modules/.bin/tsc");
      const program = start([tsc, ...options, "--skipLibCheck", "false", "--module", resolution, "app.ts"], {
        cwd: home,
      });
      expect(await program.ended(30)).toBe(0);
      expect(program.output()).toBe("");
    },
    MINUTE,
  );
}

installed("types refuse an option that is not one", async () => {
  await Bun.write(join(home, "wrong.ts"), APP.replace("welcome:", "wellcome:"));
  const tsc = join(project, "node_modules/.bin/tsc");
  const program = start([tsc, "--strict", "--noEmit", "--types", "bun", "--module", "preserve", "wrong.ts"], {
    cwd: home,
  });
  expect(await program.ended(30)).not.toBe(0);
  expect(program.output()).toContain("wellcome");
});

installed("import in Node fails with the reason and the way out", async () => {
  const program = start(["node", "--input-type=module", "-e", 'import "fairlead";'], { cwd: home });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toContain("Error: fairlead runs on Bun >= 1.4, not on Node: start your file with");
});

installed("fairlead/client can be imported in Node, and its types in TypeScript", async () => {
  const text = `import { connect, type Item } from "fairlead/client";
const show = (item: Item): void => console.log(item.type, typeof connect);
show({ type: "count", topic: "lobby", total: 2 });
`;
  await Bun.write(join(home, "reader.ts"), text);
  const tsc = join(project, "node_modules/.bin/tsc");
  const options = ["--strict", "--target", "esnext", "--module", "nodenext", "--skipLibCheck", "false"];
  const compiled = start([tsc, ...options, "reader.ts"], { cwd: home });
  expect(await compiled.ended(30)).toBe(0);
  const program = start(["node", "reader.js"], { cwd: home });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe("count function\n");
});
