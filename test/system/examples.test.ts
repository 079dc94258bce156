/** The examples that use the library, as their readers run them: the scripts in Node, the pages in a browser. */
import { afterAll, beforeAll, describe, expect, onTestFinished } from "bun:test";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { connect } from "../../src/client/index.ts";
import { folder } from "../folder.ts";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { type Program, start } from "./program.ts";
import { runtime } from "./runtimes.ts";

const MINUTES = 2 * 60_000;
const LAUNCHER = join(project, "bin/fairlead.mjs");
const ROOM = "examples/room/fairlead.yaml";
const FEED = "examples/feed/fairlead.config.ts";
const RELAY = "examples/relay/fairlead.yaml";

beforeAll(() => {
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "scripts/build-client.ts"], { cwd: project });
  if (exitCode !== 0) throw new Error(stderr.toString());
});

/** The gateway of an example; its address without the scheme. */
async function serve(config: string, port = "0", ...flags: string[]): Promise<[host: string, Program]> {
  const command = ["node", LAUNCHER, "--config", config, "--port", port, ...flags];
  const program = start(command, { cwd: project });
  const [, host = ""] = await program.says(/Fairlead listens on http:\/\/(\S+)/);
  return [host, program];
}

describe("in Node 22", () => {
  const withNode = requires("npm", "registry");
  const run = (script: string, ...args: string[]) =>
    start([runtime("node 22"), script, ...args], { cwd: project, terminal: true });

  withNode(
    "two who chat in a room hear each other, and that one goes",
    async () => {
      const [host] = await serve(ROOM);
      const ann = run("examples/room/chat.js", `ws://${host}/room/lobby`, "ann");
      await ann.says(/connected/);
      ann.type("anybody here?\n");
      await ann.says(/ann: anybody here\?/);
      const bob = run("examples/room/chat.js", `ws://${host}/room/lobby`, "bob");
      await bob.says(/ann: anybody here\?/);
      await ann.says(/\* 2 here/);
      bob.type("me\n");
      await ann.says(/bob: me/);
      bob.type("\u0004");
      expect(await bob.ended()).toBe(0);
      await ann.says(/\* 1 here/);
    },
    MINUTES,
  );

  withNode(
    "two in a relay know what became of what they said, also before the other one came",
    async () => {
      const [host] = await serve(RELAY);
      const center = run("examples/relay/pair.js", "center", `ws://${host}/pair`);
      await center.says(/the other one is offline/);
      center.type("anybody here?\n");
      const local = run("examples/relay/pair.js", "local", `ws://${host}/pair`);
      await local.says(/center: anybody here\?/);
      await center.says(/delivered: anybody here\?/);
      local.type("me\n");
      await center.says(/local: me/);
      local.type("\u0004");
      expect(await local.ended()).toBe(0);
      await center.says(/is online.*is offline/s);
    },
    MINUTES,
  );

  withNode(
    "who watches the feed gets the last prices, and the next ones",
    async () => {
      const [host] = await serve(FEED);
      const watch = run("examples/feed/watch.js", `ws://${host}/feed/prices`);
      for (const symbol of ["AAPL", "AMZN", "GOOGL", "MSFT"])
        await watch.says(
          new RegExp(`(?:prices\\.${symbol} \\{"symbol":"${symbol}","price":[\\d.]+\\}[^]*){2}`),
        );
      expect(watch.output()).not.toContain("missed");
    },
    MINUTES,
  );
});

describe("in a browser", () => {
  const withChromium = requires("node", "chromium");
  let browser: Promise<Browser> | undefined;
  afterAll(async () => (await browser)?.close());
  let base = "";

  /** Gives the pages out on a free port instead of 3000; the flags that make a gateway let them in. */
  async function givePages(): Promise<string[]> {
    const pages = start([process.execPath, "examples/pages.js", "0"], { cwd: project });
    [, base = ""] = await pages.says(/^(http:\S+)\/room$/m);
    return ["--origin", base];
  }

  /** A page of the examples in a browser of its own, told where the gateway is. */
  async function open(executablePath: string, path: string, url: string): Promise<Page> {
    browser ??= chromium.launch({ executablePath, args: ["--no-sandbox", "--headless", "--disable-gpu"] });
    const context = await (await browser).newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("pageerror", (error) => {
      throw error;
    });
    await page.goto(`${base}${path}?url=${encodeURIComponent(url)}`);
    return page;
  }

  async function joinRoom(executablePath: string, host: string, name: string): Promise<Page> {
    const page = await open(executablePath, "/room", `ws://${host}/room/lobby`);
    await page.locator("#status.open").waitFor();
    await page.fill("#name", name);
    return page;
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.fill("#text", text);
    await page.press("#text", "Enter");
  }

  const hears = (page: Page, text: string) =>
    page.locator("#messages li:not(.quiet)", { hasText: text }).waitFor();
  const heard = (page: Page) => page.locator("#messages li").allTextContents();

  withChromium(
    "two pages in a room hear each other, and know who is there",
    async ({ chromium: path }) => {
      const [host] = await serve(ROOM, "0", ...(await givePages()));
      const ann = await joinRoom(path, host, "ann");
      const bob = await joinRoom(path, host, "bob");
      await ann.getByText("2 here: you, a guest").waitFor();
      await say(ann, "hello, all");
      await hears(bob, "hello, all");
      await say(bob, "hello, ann");
      await hears(ann, "hello, ann");
      expect(await heard(ann)).toEqual(["ann hello, all", "bob hello, ann"]);
      await bob.getByText("2 here: ann, you").waitFor();
      await bob.close();
      await ann.getByText("1 here: you").waitFor();
    },
    MINUTES,
  );

  withChromium(
    "a page of a room that is loaded again shows what was said meanwhile, each message once",
    async ({ chromium: path }) => {
      const [host] = await serve(ROOM, "0", ...(await givePages()));
      const ann = await joinRoom(path, host, "ann");
      const bob = await joinRoom(path, host, "bob");
      await say(bob, "before");
      await hears(ann, "before");
      const url = ann.url();
      await ann.goto("about:blank");
      await bob.getByText("1 here").waitFor();
      await say(bob, "meanwhile");
      await hears(bob, "meanwhile");
      await ann.goto(url);
      await hears(ann, "meanwhile");
      expect(await heard(ann)).toEqual(["bob before", "bob meanwhile"]);
    },
    MINUTES,
  );

  withChromium(
    "what is said while the gateway restarts arrives once, if its topics are in a file",
    async ({ chromium: path }) => {
      const file = ["--engine-sqlite", join(folder(), "rooms.db"), ...(await givePages())];
      const [host, program] = await serve(ROOM, "0", ...file);
      const ann = await joinRoom(path, host, "ann");
      await say(ann, "before");
      await hears(ann, "before");
      program.kill("SIGTERM");
      await program.ended();
      await ann.getByText(/away/).waitFor();
      await say(ann, "while away");
      await ann.locator("#messages li.quiet", { hasText: "while away" }).waitFor();
      await serve(ROOM, host.split(":")[1], ...file);
      await hears(ann, "while away");
      await ann.locator("#messages li.quiet").waitFor({ state: "detached" });
      expect(await heard(ann)).toEqual(["ann before", "ann while away"]);
    },
    MINUTES,
  );

  withChromium(
    "the page of a room shows what strangers say as text, whatever it is",
    async ({ chromium: path }) => {
      const [host] = await serve(ROOM, "0", ...(await givePages()));
      const page = await joinRoom(path, host, "ann");
      const dialogs: string[] = [];
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      const evil =
        '<img src="x" onerror="alert(1)"><script>alert(2)</script><a href="javascript:alert(3)">x</a>';
      const stranger = connect(`ws://${host}/room/lobby`);
      onTestFinished(() => stranger.close());
      await stranger.publish({ name: evil, text: `${evil}\u202e\u2066` });
      await stranger.publish(evil);
      for (const odd of [
        null,
        7,
        [],
        { name: { toString: 1 }, text: [evil] },
        { name: "x".repeat(10_000), text: "y" },
      ])
        await stranger.publish(odd);
      await stranger.publish({ name: "bob", text: "the last one" });
      await hears(page, "the last one");
      expect(await page.locator("#messages").locator("img, script, a").count()).toBe(0);
      expect((await heard(page))[0]).toBe(`${evil} ${evil}\u202e\u2066`);
      expect(await heard(page)).toHaveLength(8);
      expect(dialogs).toEqual([]);
    },
    MINUTES,
  );

  withChromium(
    "the page of the feed shows the newest prices, and leafs through the history of one",
    async ({ chromium: path }) => {
      const [host] = await serve(FEED, "0", ...(await givePages()));
      const page = await open(path, "/feed", `ws://${host}/feed/prices`);
      const symbols = page.locator("#prices tr td:first-child");
      await symbols.nth(3).waitFor();
      expect((await symbols.allTextContents()).sort()).toEqual(["AAPL", "AMZN", "GOOGL", "MSFT"]);
      await page.locator("#prices polyline[points*=' 5,']").first().waitFor();
      await page.getByRole("button", { name: "History" }).first().click();
      const offsets = page.locator("#history tbody td:first-child");
      await offsets.nth(4).waitFor();
      await page.getByRole("button", { name: "Older" }).click();
      await offsets.nth(5).waitFor();
      const shown = (await offsets.allTextContents()).map((text) => Number(text.slice(1)));
      expect(shown).toEqual(shown.map((_, n) => (shown[0] ?? 0) - n));
    },
    MINUTES,
  );
});
