import { expect, test } from "bun:test";
import { judge, locate, type Program, requires } from "./requires.ts";

const only = (...have: Program[]) => {
  return (program: Program) => (have.includes(program) ? `/bin/${program}` : undefined);
};

test("runs and hands over the paths when the machine has every program", () => {
  expect(judge(["node", "npm"], "", only("node", "npm"))).toEqual({
    kind: "run",
    paths: { node: "/bin/node", npm: "/bin/npm" },
  });
});

test("skips with its reason when a program is missing", () => {
  expect(judge(["node", "chromium"], "", only("node"))).toEqual({
    kind: "skip",
    reason: "this machine has no chromium",
  });
});

test("fails when the missing program is in FAIRLEAD_REQUIRE", () => {
  const verdict = judge(["chromium"], "npm, chromium", only());
  expect(verdict).toEqual({
    kind: "fail",
    reason: "this machine has no chromium, which FAIRLEAD_REQUIRE asks for",
  });
});

test("still skips when FAIRLEAD_REQUIRE names other programs only", () => {
  expect(judge(["websocat"], "chromium", only()).kind).toBe("skip");
});

test("refuses a name in FAIRLEAD_REQUIRE that no test could ask for", () => {
  expect(() => judge(["node"], "chromum", only("node"))).toThrow(
    "FAIRLEAD_REQUIRE names chromum; known are caddy, chromium, curl, ",
  );
});

test("locates a program by its absolute path, and the same one when asked again", () => {
  const node = locate("node");
  expect(node).toStartWith("/");
  expect(locate("node")).toBe(node);
});

requires("node")("gives the body a path that runs", ({ node }) => {
  expect(Bun.spawnSync([node, "--version"]).stdout.toString()).toMatch(/^v\d+\./);
});

test("prints the reason of a skip, and makes it a failure in a run that requires the program", async () => {
  const run = (required: string) =>
    Bun.spawnSync([process.execPath, "test", "./requires.sample.ts"], {
      cwd: import.meta.dir,
      env: { ...process.env, PATH: "/nowhere", FAIRLEAD_REQUIRE: required },
    });
  const skipped = run("");
  expect(skipped.exitCode).toBe(0);
  expect(skipped.stderr.toString()).toContain("skipped: needs websocat: this machine has no websocat");
  expect(skipped.stderr.toString()).toContain("1 skip");
  expect(run("websocat").exitCode).toBe(1);
});
