/** A page's `new WebSocket` meets each kind as it always has. The page is the gateway's own `/`. */
import { afterAll, expect, onTestFinished } from "bun:test";
import type { Browser } from "playwright-core";
import { requires } from "../requires.ts";
import { launchChromium } from "./chromium.ts";
import { bridge, CONNECTED, contentOf, envelope, QUOTE, REGISTERED, serve, WELCOME } from "./one-liner.ts";
import { within } from "./program.ts";

const withChromium = requires("node", "chromium");
let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** What a page of the gateway's own origin hears first on a WebSocket, after it has said something. */
async function hear(executablePath: string, host: string, path: string, says: string[], count: number) {
  browser ??= launchChromium(executablePath);
  const page = await (await browser).newPage();
  onTestFinished(() => page.close());
  await page.goto(`http://${host}/`);
  const heard = page.evaluate(hearInPage, { url: `ws://${host}${path}`, says, count });
  return within(20, heard, () => `the page heard less than ${count} messages`);
}

withChromium(
  "a browser gets its echo",
  async ({ chromium: path }) => {
    expect(await hear(path, await serve("echo"), "/", ["hello", "🙂"], 3)).toEqual([WELCOME, "hello", "🙂"]);
  },
  60_000,
);

withChromium(
  "a browser hears itself in a room",
  async ({ chromium: path }) => {
    expect(await hear(path, await serve("room"), "/ws", ["hello"], 1)).toEqual(["hello"]);
  },
  60_000,
);

withChromium(
  "a browser reads a feed",
  async ({ chromium: path }) => {
    const heard = await hear(path, await serve("feed", "--interval", "50ms"), "/", [], 2);
    expect(heard).toEqual([CONNECTED, expect.stringMatching(QUOTE)]);
  },
  60_000,
);

withChromium(
  "a browser registers with a relay",
  async ({ chromium: path }) => {
    const [registered = ""] = await hear(path, await serve("relay"), "/", [envelope("local", "x")], 1);
    expect(contentOf(registered)).toMatch(REGISTERED);
  },
  60_000,
);

for (const [flag, heard] of [
  ["--text", "one\n"],
  ["--lines", "one"],
] as const) {
  withChromium(
    `a browser talks to the target of a bridge with ${flag}, in text`,
    async ({ chromium: path }) => {
      const says = flag === "--text" ? ["one\n"] : ["one"];
      expect(await hear(path, await bridge(flag), "/ws", says, 1)).toEqual([heard.toUpperCase()]);
    },
    60_000,
  );
}

/** Runs in the page. Binary would be shown as `binary`. */
function hearInPage({ url, says, count }: { url: string; says: string[]; count: number }): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const heard: string[] = [];
    socket.onopen = () => {
      for (const text of says) socket.send(text);
    };
    socket.onmessage = ({ data }) => {
      heard.push(typeof data === "string" ? data : "binary");
      if (heard.length === count) resolve(heard);
    };
    socket.onclose = ({ code, reason }) => reject(new Error(`closed with ${code} ${reason}`));
  });
}
