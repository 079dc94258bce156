/** `fairlead token` and `fairlead key` as processes: what goes to stdout, what to stderr, and how they end. */
import { describe, expect, test } from "bun:test";
import { readArguments } from "../../../src/cli/arguments.ts";
import { command as key } from "../../../src/cli/commands/key.ts";
import { command as token } from "../../../src/cli/commands/token.ts";
import { folder } from "../../folder.ts";
import { main, run } from "../fairlead.ts";

const SECRET = "a secret of forty-eight bytes, as all HMAC needs";
const CONFIG = 'auth: { jwt: { secretFile: secret.txt } }\nroutes: { "/echo": { kind: echo } }\n';

test("a token of the config's secret, from create to check, by argument and by stdin", () => {
  const cwd = folder({ "fairlead.yaml": CONFIG, "secret.txt": `${SECRET}\n` });
  const { code, out, talk } = run(["token", "create", "--user", "alice"], { cwd });
  expect([code, talk]).toEqual([0, ""]);
  const checked = run(["token", "check", out.trim()], { cwd });
  expect([checked.code, checked.talk]).toEqual([0, ""]);
  expect(checked.out).toStartWith('user     "alice"\n');
  const piped = Bun.spawnSync([process.execPath, main, "token", "check", "-"], {
    cwd,
    stdin: Buffer.from(out),
  });
  expect([piped.exitCode, piped.stdout.toString()]).toEqual([0, expect.stringContaining('"alice"')]);
});

test("rights are given on routes that the config has, or, where a key is named in its place, on any", () => {
  const cwd = folder({ "fairlead.yaml": CONFIG, "secret.txt": `${SECRET}\n` });
  const cap = ["token", "create", "--cap", "/ecco connect"];
  expect(run(cap, { cwd })).toMatchObject({
    code: 2,
    out: "",
    talk: expect.stringContaining('"/ecco" is no route of the config. Did you mean /echo?'),
  });
  expect(run([...cap, "--secret-file", "secret.txt"], { cwd }).code).toBe(0);
});

test("the same secret by variable, by the variable's file and by the config's file is the same key (chisel CVE-2024-43798)", () => {
  const bare = 'auth: { deadline: 5s }\nroutes: { "/echo": { kind: echo } }\n';
  const file = folder({ "secret.txt": `${SECRET}\n`, "fairlead.yaml": CONFIG });
  const made = run(["token", "create"], { cwd: file }).out.trim();
  for (const env of [
    { FAIRLEAD_AUTH__JWT__SECRET: SECRET },
    { FAIRLEAD_AUTH__JWT__SECRET_FILE: `${file}/secret.txt` },
    { FAIRLEAD_AUTH__JWT__SECRETFILE: `${file}/secret.txt` },
  ]) {
    const cwd = folder({ "fairlead.yaml": bare });
    expect([env, run(["token", "check", made], { cwd, env }).code]).toEqual([env, 0]);
  }
});

test("a secret stands in nothing that is printed, wherever it came from (NATS CVE-2026-33247)", () => {
  const cwd = folder({
    "secret.txt": SECRET,
    "inline.yaml": `auth: { jwt: { secret: ${JSON.stringify(SECRET)} } }\n`,
  });
  const places = [
    { args: ["inline.yaml"], env: {} },
    { args: [], env: { FAIRLEAD_AUTH__JWT__SECRET: SECRET } },
    { args: [], env: { FAIRLEAD_AUTH__JWT__SECRET_FILE: `${cwd}/secret.txt` } },
    { args: ["inline.yaml"], env: { FAIRLEAD_AUTH__JWT__ALGORITHMS: "HS512" } },
    { args: [], env: { FAIRLEAD_AUTH__JWT: SECRET } },
    { args: ["inline.yaml", `--auth-jwt-secret=${SECRET}`], env: {} },
  ];
  for (const { args, env } of places) {
    const { out, talk } = run(["config", "print", ...args], { cwd, env });
    expect(out + talk).not.toBe("");
    expect(out + talk).not.toContain("forty-eight");
  }
});

describe("refuses", () => {
  for (const [command, args, problem] of [
    [token, [], "token needs create or check."],
    [token, ["chekc"], "Did you mean check?"],
    [token, ["check"], "token check needs the token"],
    [token, ["create", "alice"], "the user is --user NAME"],
    [token, ["check", "x", "--user", "a"], "--user is for token create"],
    [key, [], "key needs create."],
    [key, ["create", "a b"], 'the name "a b" is not one of letters'],
  ] as const)
    test([command.name, ...args].join(" "), async () => {
      const run = async () => command.run(readArguments(command, args));
      await expect(run()).rejects.toThrow(problem);
    });

  test("token create where nothing says whose tokens", () => {
    const { code, out, talk } = run(["token", "create"]);
    expect([code, out]).toEqual([2, ""]);
    expect(talk).toContain("a config with auth is needed here");
  });
});

test("check ends with 1 for what does not count", () => {
  const cwd = folder({ "fairlead.yaml": CONFIG, "secret.txt": SECRET });
  const { code, out } = run(["token", "check", "x"], { cwd });
  expect([code, out]).toEqual([1, "does not count: what is shown is neither a token nor an API key\n"]);
});

test("a key goes to stdout, its hash to stderr as the config takes it", () => {
  const { code, out, talk } = run(["key", "create", "ci"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^fl_[\w-]{43}\n$/);
  expect(talk).not.toContain(out.trim());
  const cwd = folder({ "fairlead.yaml": `${talk}\nroutes: { /echo: { kind: echo } }\n` });
  const checked = run(["token", "check", out.trim()], { cwd });
  expect([checked.code, checked.out]).toEqual([0, expect.stringContaining('id       "ci"')]);
});
