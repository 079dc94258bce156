import { describe, expect, test } from "bun:test";
import { run } from "./fairlead.ts";

describe("is a usage error, with exit 2 and nothing on stdout, when", () => {
  test.each([
    [["ecko"], 'fairlead: unknown verb "ecko". Did you mean echo? See fairlead --help'],
    [
      ["--prot", "1"],
      "fairlead: unknown flag --prot of serve. Did you mean --port? See fairlead serve --help",
    ],
    [
      ["echo", "nowhere"],
      'fairlead: the listen address "nowhere" is not port, :port, host:port or [v6]:port',
    ],
    [["echo", ":99999"], "listen address: expected a whole number from 0 to 65535, got 99999."],
    [
      ["bridge", "--dial-timeout", "soon"],
      '--dial-timeout: expected a duration up to 24 days like "25s" or 25000 (milliseconds), got "soon".',
    ],
    [
      ["bridge", ":0", "nowhere"],
      '--target: expected host:port, [v6]:port, tls://host:port, unix:/path or exec:program, got "nowhere". The port is 1 to 65535.',
    ],
    [["config"], "fairlead: config needs check, print or schema. See fairlead config --help"],
    [
      ["config", "chek"],
      'fairlead: config needs check, print or schema, got "chek". Did you mean check? See fairlead config --help',
    ],
    [
      ["config", "check"],
      "fairlead: there is no config file here; name one, or write fairlead.config.ts, fairlead.yaml, fairlead.yml, fairlead.toml, fairlead.json",
    ],
    [["serve", "--config", "none.yaml"], "none.yaml: does not exist; check the path."],
  ])("%j", (args, line) => {
    expect(run(args)).toEqual({ code: 2, out: "", talk: `${line}\n` });
  });
});

describe("prints to stdout and exits with 0", () => {
  test("the version", () => {
    for (const flag of ["--version", "-V"]) {
      expect(run([flag])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), talk: "" });
    }
  });

  test("the verbs, and the help of one", () => {
    expect(run(["--help"]).out).toMatch(/^ {2}bridge +a WebSocket joined/m);
    const { code, out, talk } = run(["relay", "-h"]);
    expect([code, out.split("\n")[0], talk]).toEqual([0, "Usage: fairlead relay [listen] [options]", ""]);
  });
});
