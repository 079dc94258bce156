import { describe, expect, test } from "bun:test";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { smallClone } from "./clone.ts";
import { start } from "./program.ts";

const launch = (cwd: string, ...args: string[]) => start(["node", "bin/fairlead.mjs", ...args], { cwd });

for (const layout of ["scripts ran", "scripts ignored"] as const) {
  test(`starts the command line with its arguments when npm's install ${layout}`, async () => {
    const program = launch(smallClone(layout), "args", "--port", "", "a b");
    expect(await program.ended()).toBe(0);
    expect(program.output()).toBe('["--port","","a b"]\n');
  });
}

test("starts when it is a dependency, hoisted beside Bun in somebody's node_modules, and installs nothing there", async () => {
  const home = smallClone();
  const inside = join(home, "node_modules/fairlead");
  mkdirSync(inside);
  for (const part of ["bin", "src", "package.json"])
    cpSync(join(home, part), join(inside, part), { recursive: true });
  const program = start(["node", join(inside, "bin/fairlead.mjs"), "args", "x"], { cwd: folder() });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe('["x"]\n');
});

test("becomes the program in place when Bun runs it", async () => {
  const program = start([process.execPath, "bin/fairlead.mjs"], { cwd: smallClone() });
  const [, pid] = await program.says(/ready as (\d+)/);
  expect(Number(pid)).toBe(program.pid);
  program.kill("SIGTERM");
  expect(await program.ended()).toBe(42);
});

test("--run runs the script of that name in the current folder, on the same Bun", async () => {
  const cwd = folder({
    "mine.ts": "const said: string[] = process.argv.slice(2); console.log(Bun.version, said.join());",
  });
  const program = start(["node", join(smallClone(), "bin/fairlead.mjs"), "--run", "mine.ts", "a", "--b"], {
    cwd,
  });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe(`${Bun.version} a,--b\n`);
});

test("ends with one line and exit code 1 when there is no Bun", async () => {
  const root = folder({ "package.json": "{}" });
  cpSync(join(smallClone(), "bin"), join(root, "bin"), { recursive: true });
  const program = start([Bun.which("node") ?? "", "bin/fairlead.mjs"], {
    cwd: root,
    env: { PATH: "/nowhere" },
  });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(/^fairlead: found no Bun >= 1\.4 .+\n$/);
});

test("installs what a clone lacks, then starts, and only the program writes to stdout", async () => {
  const root = smallClone();
  const npm = folder({
    npm: `#!/bin/sh\necho npm talks\nprintf '%s' "$LOCK" > node_modules/.package-lock.json\n`,
  });
  const lock = JSON.stringify({ packages: { "node_modules/bun": { version: "1.4.5" } } });
  await Bun.write(join(root, "package-lock.json"), lock);
  const env = { PATH: `${npm}:${process.env["PATH"]}`, LOCK: lock };
  const command = ["sh", "-c", "node bin/fairlead.mjs args x 2>talk"];
  const program = start(command, { cwd: root, env });
  expect(await program.ended()).toBe(0);
  expect(program.output()).toBe('["x"]\n');
  expect(await Bun.file(join(root, "talk")).text()).toContain("npm talks");
});

describe("the end", () => {
  test("has the program's exit code", async () => {
    expect(await launch(smallClone(), "exit", "7").ended()).toBe(7);
  });

  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    test(`is ${signal} when the program was ended by ${signal}`, async () => {
      expect(await launch(smallClone(), "die", signal).ended()).toBe(signal);
    });
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
    test(`is the program's own when ${signal} is sent to the launcher`, async () => {
      const program = launch(smallClone());
      await program.says(/ready/);
      program.kill(signal);
      expect(await program.ended()).toBe(42);
      expect(program.output()).toContain(`got ${signal}`);
    });
  }

  test("leaves no program behind when the launcher is killed outright", async () => {
    const program = launch(smallClone());
    await program.says(/ready/);
    program.kill("SIGKILL");
    expect(await program.ended()).toBe("SIGKILL");
  });
});

test("under npm start, SIGTERM reaches the program, which ends with its own code", async () => {
  const program = start(["npm", "start", "--silent"], { cwd: smallClone() });
  await program.says(/ready/);
  program.kill("SIGTERM");
  expect(await program.ended()).toBe(42);
  expect(program.output()).toContain("got SIGTERM");
});

test("under npx, whose shell swallows SIGTERM, the program gets it all the same and nothing stays behind", async () => {
  const program = start(["npx", "--silent", "fairlead"], { cwd: smallClone() });
  await program.says(/ready/);
  program.kill("SIGTERM");
  await program.ended();
  expect(program.output()).toContain("got SIGTERM");
});
