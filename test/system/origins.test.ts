/** What a real browser lets pages do here: of the gateway's own origin, of a listed one, of none, and under a rebound name. */
import { afterAll, expect, onTestFinished, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { folder } from "../folder.ts";
import { ask } from "../raw-client.ts";
import { requires } from "../requires.ts";
import { launchChromium } from "./chromium.ts";
import { serve } from "./one-liner.ts";

/** A name of somebody else that leads to this machine. */
const REBOUND = "rebound.example";
const MINUTE = 60_000;
const withChromium = requires("node", "chromium");
let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

async function open(executablePath: string, url: string): Promise<Page> {
  browser ??= launchChromium(executablePath, `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`);
  const page = await (await browser).newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}

/** An origin with an empty page. */
function otherSite(): string {
  const body = "<!doctype html><title>elsewhere</title>";
  const headers = { "Content-Type": "text/html" };
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body, { headers }) });
  onTestFinished(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

const feed = (...flags: string[]) => serve("feed", "--no-source", "--publish", "--no-welcome", ...flags);

/** What a page gets done at `host`: a WebSocket, a POST that needs no preflight, one that does, an event stream, reading an error. */
function tryAll(page: Page, host: string) {
  return page.evaluate(tryInPage, host);
}

const NOTHING = { socket: 1006, simple: "blocked", asking: "blocked", events: "blocked", error: "blocked" };
const ALL = { socket: "open", simple: 200, asking: 200, events: "open", error: 400 };

withChromium(
  "a page of another origin gets nothing done and reads nothing",
  async ({ chromium: path }) => {
    const host = await feed();
    expect(await tryAll(await open(path, otherSite()), host)).toEqual(NOTHING);
    expect(await (await fetch(`http://${host}/x`)).json()).toMatchObject({ messages: [] });
  },
  MINUTE,
);

withChromium(
  "a page of a listed origin connects, publishes, asks first where it must, and reads errors",
  async ({ chromium: path }) => {
    const site = otherSite();
    const host = await feed("--origin", site);
    expect(await tryAll(await open(path, site), host)).toEqual(ALL);
    const { messages } = (await (await fetch(`http://${host}/x`)).json()) as {
      messages: { data: unknown }[];
    };
    expect(messages.map(({ data }) => data)).toEqual(["simple", { n: 1 }]);
  },
  MINUTE,
);

withChromium(
  "a page of the gateway's own origin does as it always did",
  async ({ chromium: path }) => {
    const host = await feed();
    expect(await tryAll(await open(path, `http://${host}/`), host)).toEqual(ALL);
  },
  MINUTE,
);

withChromium(
  "a page without an origin, like a file, is let in only by null",
  async ({ chromium: path }) => {
    const nowhere = `file://${folder({ "page.html": "<!doctype html>" })}/page.html`;
    expect(await tryAll(await open(path, nowhere), await feed())).toEqual(NOTHING);
    expect(await tryAll(await open(path, nowhere), await feed("--origin", "null"))).toEqual(ALL);
  },
  MINUTE,
);

withChromium(
  "a page under a name that was made to lead here counts as same-origin for the browser, and gets 421",
  async ({ chromium: path }) => {
    const host = (await feed()).replace("127.0.0.1", REBOUND);
    const page = await open(path, `http://${host}/`);
    expect(await page.locator("body").textContent()).toStartWith("misdirected: ");
    const refused = { socket: 1006, simple: 421, asking: 421, events: "blocked", error: 421 };
    expect(await tryAll(page, host)).toEqual(refused);
  },
  MINUTE,
);

test.each(["echo", "feed"])(
  "a page that python3 -m http.server gives out may connect to fairlead %s",
  async (verb) => {
    const host = await serve(verb);
    for (const Origin of ["http://127.0.0.1:8000", "http://localhost:8000"])
      expect((await ask(host, { path: "/any", headers: { Origin } })).status).toBe(101);
    expect((await ask(host, { path: "/any", headers: { Origin: "http://127.0.0.1:8001" } })).status).toBe(
      403,
    );
    const other = await serve(verb, "--origin", "http://127.0.0.1:5500");
    expect((await ask(other, { path: "/any", headers: { Origin: "http://127.0.0.1:8000" } })).status).toBe(
      403,
    );
  },
);

/** Runs in the page. */
async function tryInPage(host: string) {
  const url = `http://${host}`;
  const post = (init: RequestInit) =>
    fetch(`${url}/x`, { method: "POST", ...init }).then(
      ({ status }) => status,
      () => "blocked",
    );
  const json = { "Content-Type": "application/json", Authorization: "Bearer x" };
  return {
    socket: await new Promise((resolve) => {
      const socket = new WebSocket(`ws://${host}/x`);
      socket.onopen = () => resolve("open");
      socket.onclose = ({ code }) => resolve(code);
    }),
    simple: await post({ body: "simple" }),
    asking: await post({ body: '{"n":1}', headers: json }),
    events: await new Promise((resolve) => {
      const Source: new (url: string) => EventSource = Reflect.get(globalThis, "EventSource");
      const events = new Source(`${url}/x`);
      events.onopen = () => resolve("open");
      events.onerror = () => resolve("blocked");
    }),
    error: await fetch(`${url}/x?limit=none`).then(
      ({ status }) => status,
      () => "blocked",
    ),
  };
}
