/** The client library as it is packed, in each runtime that it is for. The checks are those of test/client/suite.js. */
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startSuiteGateway } from "../client/suite-gateway.ts";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { start, within } from "./program.ts";
import { runtime, runtimes } from "./runtimes.ts";

const MINUTES = 3 * 60_000;
const home = realpathSync(mkdtempSync(join(tmpdir(), "fairlead-client-")));
const suite = join(project, "test/client/suite.js");
afterAll(() => rmSync(home, { recursive: true, force: true }));

beforeAll(() => {
  writeFileSync(join(home, "package.json"), '{"type":"module"}');
  const { exitCode, stderr } = Bun.spawnSync([
    process.execPath,
    join(project, "scripts/build-client.ts"),
    home,
  ]);
  if (exitCode !== 0) throw new Error(stderr.toString());
});

/** The suite's own program in a runtime: all its checks pass, and it ends by itself. */
async function expectSuite(command: string[]): Promise<void> {
  await using gateway = await startSuiteGateway();
  const runner = join(project, "test/client/run-suite.js");
  const program = start([...command, runner, home, `ws://${gateway.host}`], { cwd: home });
  const code = await program.ended(60);
  expectAllPass(program.output().split("\n"));
  expect(code).toBe(0);
}

function expectAllPass(lines: readonly string[]): void {
  expect(lines.filter((line) => line.startsWith("not ok"))).toEqual([]);
  expect(lines.filter((line) => line.startsWith("ok")).length).toBeGreaterThan(10);
}

for (const name of runtimes) {
  const flags = name === "deno" ? ["run", "--allow-all", "--no-config", "--no-lock"] : [];
  requires("npm", "registry")(
    `the library keeps its promises in ${name}`,
    () => expectSuite([runtime(name), ...flags]),
    MINUTES,
  );
}

requires()("the library keeps its promises in bun", () => expectSuite([process.execPath]), MINUTES);

/** Library and suite as a page would load them. */
async function pageScript(): Promise<string> {
  const entry = join(home, "page.js");
  const imports = [
    `import * as index from ${JSON.stringify(join(home, "index.js"))};`,
    `import * as bridge from ${JSON.stringify(join(home, "bridge.js"))};`,
    `import * as relay from ${JSON.stringify(join(home, "relay.js"))};`,
    `import { runSuite } from ${JSON.stringify(suite)};`,
  ];
  writeFileSync(
    entry,
    [
      ...imports,
      "globalThis.suite = (url, say) => runSuite({ ...index, ...relay, ...bridge }, url, say);",
    ].join("\n"),
  );
  const { outputs } = await Bun.build({ entrypoints: [entry], format: "iife", target: "browser" });
  return (await outputs[0]?.text()) ?? "";
}

interface SuitePage {
  suite(url: string, say: (line: string) => void): Promise<number>;
}

requires("chromium")(
  "the library keeps its promises in a browser's page",
  async ({ chromium: executablePath }) => {
    await using gateway = await startSuiteGateway();
    await using browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--headless", "--disable-gpu"],
    });
    const page = await browser.newPage();
    await page.goto(`http://${gateway.host}/`);
    await page.evaluate(await pageScript());
    const said = page.evaluate(async (url) => {
      const lines: string[] = [];
      await (globalThis as unknown as SuitePage).suite(url, (line) => void lines.push(line));
      return lines;
    }, `ws://${gateway.host}`);
    expectAllPass(await within(60, said, () => "the suite did not end"));
  },
  MINUTES,
);
