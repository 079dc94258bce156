import { expect, test } from "bun:test";
import { folder } from "../../folder.ts";
import { main, run } from "../fairlead.ts";

test("check says that a file is fine", () => {
  const cwd = folder({ "fairlead.toml": '[routes."/e"]\nkind = "echo"\n' });
  expect(run(["config", "check"], { cwd })).toEqual({ code: 0, out: "fairlead.toml is fine\n", talk: "" });
});

test("check prints all errors of the file it is given, and exits with 2", () => {
  const cwd = folder({ "my.json": '{\n"listen": { "prot": 1 },\n"log": { "level": "loud" } }' });
  const { code, out, talk } = run(["config", "check", "my.json"], { cwd });
  expect([code, out]).toEqual([2, ""]);
  expect(talk.split("\n")).toEqual([
    "my.json:2: listen.prot: unknown key, got 1. Did you mean port?",
    'my.json:3: log.level: expected "debug", "info", "warn", "error" or "silent", got "loud".',
    "",
  ]);
});

test("print shows each value and where it was written", () => {
  const cwd = folder({ "fairlead.yaml": "listen:\n  host: ::1\nroutes: { /e: { kind: echo } }\n" });
  const env = { FAIRLEAD_DRAIN__WINDOW: "3s" };
  const { code, out } = run(["config", "print", "--port", "9"], { cwd, env });
  expect(code).toBe(0);
  expect(out).toMatch(/^listen\.host +"::1" +fairlead\.yaml:2$/m);
  expect(out).toMatch(/^listen\.port +9 +--port$/m);
  expect(out).toMatch(/^drain\.window +3s +env FAIRLEAD_DRAIN__WINDOW$/m);
  expect(out).toMatch(/^log\.level +"info" +default$/m);
});

test("print shows all of it to a reader slower than a pipe", () => {
  const routes = Array.from({ length: 300 }, (_, index) => `  /${index}: { kind: echo }`).join("\n");
  const cwd = folder({ "fairlead.yaml": `routes:\n${routes}\n` });
  // Only a reader that pauses finds the pipe full; how long it pauses does not decide anything.
  const shell = `"${process.execPath}" "${main}" config print | (read first; sleep 0.3; tail -n 1)`;
  const { stdout } = Bun.spawnSync(["sh", "-c", shell], { cwd });
  expect(stdout.toString()).toStartWith('routes["/299"].slow.highWater');
});

test("print shows the demo where no config file is", () => {
  expect(run(["config", "print"]).out).toMatch(/^routes\["\/echo"\]\.kind +"echo" +demo$/m);
});

test("schema prints the JSON Schema", () => {
  const { code, out } = run(["config", "schema"]);
  expect([code, JSON.parse(out).title]).toEqual([0, "Fairlead config"]);
});
