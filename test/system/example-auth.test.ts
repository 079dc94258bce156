/** The example with an application around the gateway, as its reader runs it: the page in browsers, the application's server, the gateway. */
import { afterAll, beforeAll, expect, onTestFinished } from "bun:test";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { freePort } from "../faults/gateway-process.ts";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { start } from "./program.ts";

const MINUTES = 2 * 60_000;
const withChromium = requires("node", "chromium");
let browser: Promise<Browser> | undefined;

beforeAll(() => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "scripts/build-client.ts"], { cwd: project });
  if (exitCode !== 0) throw new Error(stderr.toString());
});
afterAll(async () => (await browser)?.close());

/** Both servers on free ports instead of 9000 and 8080. */
async function serve(): Promise<{ readonly app: string; readonly gateway: string }> {
  const port = freePort();
  const gateway = `127.0.0.1:${port}`;
  const server = start([process.execPath, "examples/auth/server.ts", "0", `http://${gateway}`], {
    cwd: project,
  });
  const [app] = await server.says(/^http:\S+(?=\/$)/m);
  const flags = ["--config", "examples/auth/fairlead.yaml", "--port", `${port}`, "--origin", app];
  const env = { FAIRLEAD_AUTH__JWT__JWKS: `${app}/keys` };
  const program = start(["node", join(project, "bin/fairlead.mjs"), ...flags], { cwd: project, env });
  await program.says(/Fairlead listens on/);
  return { app, gateway };
}

async function visit(executablePath: string, { app, gateway }: Awaited<ReturnType<typeof serve>>) {
  browser ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--headless", "--disable-gpu"] });
  const context = await (await browser).newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${app}/?url=ws://${gateway}`);
  return page;
}

async function enter(page: Page, field: string, text: string): Promise<void> {
  await page.fill(field, text);
  await page.press(field, "Enter");
}

withChromium(
  "a visitor reads what a user writes and writes nothing; the user is known by a token, also after the page was loaded again",
  async ({ chromium: path }) => {
    const house = await serve();
    const visitor = await visit(path, house);
    await visitor.getByText("you read").waitFor();
    const ann = await visit(path, house);
    await enter(ann, "#name", "ann");
    await ann.getByText("you are ann").waitFor();
    await ann.getByText("ann has logged in").waitFor();
    await enter(ann, "#text", "hello");
    await visitor.getByText("ann: hello").waitFor();
    await enter(visitor, "#text", "me too");
    await visitor.getByText("no right to `publish`").waitFor();
    expect(await visitor.locator("#news li").count()).toBe(0);
    await ann.reload();
    await ann.getByText("you are ann").waitFor();
    await ann.getByText("ann: hello").waitFor();
    expect(await ann.locator("#messages li").allTextContents()).toEqual(["ann: hello"]);
  },
  MINUTES,
);
