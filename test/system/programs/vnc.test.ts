/** noVNC in a browser, through a bridge, to TigerVNC: the screen is seen, its changes too, and what is pressed arrives there. */
import { expect, onTestFinished } from "bun:test";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { folder } from "../../folder.ts";
import { requires } from "../../requires.ts";
import { launchChromium } from "../chromium.ts";
import { npmPackage } from "../npm-package.ts";
import { serve } from "../one-liner.ts";
import { start } from "../program.ts";
import { freePort } from "./free-port.ts";
import { openDisplay } from "./x-display.ts";

const withVnc = requires("node", "Xtigervnc", "chromium", "registry");
const SIZE = { width: 320, height: 240 };
const BLUE = 0x1e90ff;
const GREEN = 0x2e8b57;
/** Keycode of A on a PC's keyboard, as X counts them. */
const KEY_A = 38;

/** A screen of its own, and a port of 127.0.0.1 on which it is to be seen without a password. */
async function screen(program: string) {
  const port = await freePort();
  const vnc = ["-rfbport", `${port}`, "-localhost", "-SecurityTypes", "None"];
  const x = ["-displayfd", "1", "-ac", "-nolisten", "tcp", "-depth", "24"];
  const geometry = ["-geometry", `${SIZE.width}x${SIZE.height}`];
  const server = start([program, ...vnc, ...x, ...geometry], { cwd: folder() });
  const [, number] = await server.says(/^(\d+)\n/m);
  return {
    target: `127.0.0.1:${port}`,
    number: Number(number),
    /** Only a server that ends by itself takes its socket in the file system along. */
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    },
  };
}

/** The page with noVNC, which has an origin of its own. */
function servePage(): string {
  const library = npmPackage("@novnc/novnc", "@novnc/novnc@1.7.0");
  const pages = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: { "/": new Response(Bun.file(join(import.meta.dir, "vnc-page.html"))) },
    fetch: ({ url }) => new Response(Bun.file(join(library, new URL(url).pathname))),
  });
  onTestFinished(() => pages.stop(true));
  return pages.url.origin;
}

/** noVNC, looking at a bridge. */
async function viewer(executablePath: string, origin: string, url: string): Promise<Page> {
  const browser = await launchChromium(executablePath);
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: SIZE });
  await page.goto(`${origin}/?url=${encodeURIComponent(url)}`);
  return page;
}

/** Resolves when every pixel that noVNC shows is of this colour. */
async function shows(page: Page, rgb: number): Promise<void> {
  const painted = `globalThis.isPainted?.(${JSON.stringify({ rgb, ...SIZE })})`;
  await page.waitForFunction(painted, undefined, { timeout: 15_000 });
}

withVnc(
  "noVNC shows the screen of TigerVNC and its changes, and what is pressed in the page arrives there",
  async ({ Xtigervnc, chromium }) => {
    await using server = await screen(Xtigervnc);
    using display = await openDisplay(server.number);
    display.paint(BLUE);
    const origin = servePage();
    const bridge = await serve("bridge", "--target", server.target, "--origin", origin);
    const page = await viewer(chromium, origin, `ws://${bridge}/websockify`);
    await shows(page, BLUE);
    display.paint(GREEN);
    await shows(page, GREEN);
    await page.mouse.click(200, 100);
    expect(await display.pressed()).toEqual({ kind: "button", detail: 1, x: 200, y: 100 });
    await page.keyboard.press("a");
    expect(await display.pressed()).toMatchObject({ kind: "key", detail: KEY_A });
    expect(await page.title()).toBe("connected");
  },
  60_000,
);
