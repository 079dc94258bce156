import { expect, test } from "bun:test";
import { project, smallClone } from "./clone.ts";
import { start } from "./program.ts";

const CTRL_C = "\x03";

for (const command of ["node bin/fairlead.mjs", "npm start --silent"]) {
  test(`a terminal's Ctrl-C ends ${command} with the program's exit code and leaves nothing behind`, async () => {
    const program = start(command.split(" "), { cwd: smallClone(), terminal: true });
    await program.says(/ready/);
    program.type(CTRL_C);
    expect(await program.ended()).toBe(42);
    expect(program.output()).toContain("got SIGINT");
  });
}

test("under npx, a terminal's Ctrl-C reaches the program as SIGINT only and leaves nothing behind", async () => {
  const program = start(["npx", "--silent", "fairlead", "slow"], { cwd: smallClone(), terminal: true });
  await program.says(/ready/);
  program.type(CTRL_C);
  await program.ended();
  expect(program.output()).toContain("got SIGINT");
  expect(program.output()).not.toContain("got SIGTERM");
});

test("under npx, a signal to the whole group is not followed by a second one when the shell is gone", async () => {
  const program = start(["npx", "--silent", "fairlead", "slow"], { cwd: smallClone(), terminal: true });
  await program.says(/ready/);
  process.kill(-program.pid, "SIGHUP");
  await program.ended();
  expect(program.output()).toContain("got SIGHUP");
  expect(program.output()).not.toContain("got SIGTERM");
});

test("Fairlead itself takes one Ctrl-C for one, though it reaches it twice, and drains to exit code 0", async () => {
  const env = { FAIRLEAD_DRAIN__DELAY: "300ms" }; // long enough for the second to find it still there
  const program = start(["node", "bin/fairlead.mjs", "echo", "0"], { cwd: project, terminal: true, env });
  await program.says(/listens on/);
  program.type(CTRL_C);
  expect(await program.ended()).toBe(0);
});

test("Fairlead itself ends at once, with exit code 130, on a second Ctrl-C that a person typed", async () => {
  const env = { FAIRLEAD_DRAIN__DELAY: "1m" };
  const program = start(["node", "bin/fairlead.mjs", "echo", "0"], { cwd: project, terminal: true, env });
  await program.says(/listens on/);
  program.type(CTRL_C);
  await program.says(/stopping/);
  await Bun.sleep(600); // equal signals within 500 ms count once: the one wait in time that this test is about
  program.type(CTRL_C);
  expect(await program.ended()).toBe(130);
});
