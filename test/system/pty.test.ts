import { expect, test } from "bun:test";
import { smallClone } from "./clone.ts";
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
