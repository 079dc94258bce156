/** A page with the client library in a browser whose tab is frozen, whose network goes, and whose machine sleeps. */
import { afterAll, expect, onTestFinished } from "bun:test";
import { join } from "node:path";
import { type BrowserServer, chromium, type Page } from "playwright-core";
import { family } from "../../bench/proc.ts";
import { connect } from "../../src/client/index.ts";
import { folder } from "../folder.ts";
import { startGateway } from "../gateway.ts";
import { requires } from "../requires.ts";
import { CHROMIUM_ARGS } from "../system/chromium.ts";
import { within } from "../system/program.ts";
import { range } from "../system/read-numbers.ts";

const PAGE = `<!doctype html><title>numbers</title><script type="module" src="/page.js"></script>`;
const SCRIPT = `
  import { connect } from "/client.js";
  const session = connect("ws://" + location.host + "/f/t");
  window.seen = { got: [], opens: 0, isReady: false };
  session.onStatus(({ type }) => { if (type === "open") seen.opens += 1; });
  const reader = session.subscribe();
  reader.listen((item) => seen.got.push(item.type === "message" ? item.data : item.type));
  await reader.ready;
  seen.isReady = true;
`;

interface Seen {
  readonly got: readonly unknown[];
  /** Connections that were opened. */
  readonly opens: number;
  readonly isReady: boolean;
}
/** In the page, once its script runs. */
declare const seen: Seen;

const withBrowser = requires("chromium", "node");
let started: Promise<BrowserServer> | undefined;
afterAll(async () => (await started)?.close());

/** A page that reads, somebody who publishes, and the pid of the browser. */
async function house(executablePath: string) {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "../../src/client/index.ts")],
    target: "browser",
  });
  const client = (await built.outputs[0]?.text()) ?? "";
  const web = folder({ "index.html": PAGE, "page.js": SCRIPT, "client.js": client });
  const gateway = await startGateway(
    {
      "/f/:topic": {
        kind: "feed",
        publish: true,
        history: { size: 10_000, ttl: 0, bytes: 0 },
        heartbeat: { ping: "1s", pong: "2s" },
      },
    },
    { web },
  );
  onTestFinished(() => gateway.gateway.stop());
  started ??= chromium.launchServer({ executablePath, args: [...CHROMIUM_ARGS] });
  const server = await started;
  const browser = await chromium.connect(server.wsEndpoint());
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(gateway.http("/"));
  await page.waitForFunction(() => typeof seen === "object" && seen.isReady);
  const writer = connect(gateway.ws("/f/t"));
  onTestFinished(() => writer.close());
  const opened = 'fairlead_connections_opened_total{route="/f/:topic"}';
  return {
    page,
    pid: Number(server.process().pid),
    async publish(numbers: readonly number[]) {
      const all = Promise.all(numbers.map((n) => writer.publish(n)));
      await within(10, all, () => "a publish was not answered");
    },
    connections: () => gateway.metric('fairlead_connections{route="/f/:topic"}'),
    /** Those of the writer not among them. */
    opened: async () => (await gateway.metric(opened)) - 1,
    gone: () => gateway.metric('fairlead_connections_closed_total{route="/f/:topic",code="4008"}'),
  };
}

async function heard(page: Page, last: number): Promise<Seen> {
  await page.waitForFunction((n) => seen.got.at(-1) === n, last, { timeout: 30_000 });
  return await page.evaluate(() => seen);
}

withBrowser("50: a frozen tab has heard everything once, when it thaws", async ({ chromium: path }) => {
  const { page, publish, connections, opened } = await house(path);
  await publish(range(0, 10));
  await heard(page, 9);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await publish(range(10, 50));
  await Bun.sleep(5_000);
  await publish(range(60, 50));
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  const { got, opens } = await heard(page, 109);
  expect(got).toEqual(range(0, 110));
  expect(opens).toBe(await opened());
  expect(opens).toBeLessThanOrEqual(2);
  expect(await connections()).toBe(2);
});

withBrowser(
  "50: a page that was offline has one connection and has missed nothing",
  async ({ chromium: path }) => {
    const { page, publish, connections } = await house(path);
    await publish(range(0, 10));
    await heard(page, 9);
    await page.context().setOffline(true);
    await publish(range(10, 50));
    await Bun.sleep(4_000);
    await page.context().setOffline(false);
    await publish(range(60, 50));
    const { got, opens } = await heard(page, 109);
    expect(got).toEqual(range(0, 110));
    expect(opens).toBeLessThanOrEqual(2);
    expect(await connections()).toBe(2);
  },
);

withBrowser(
  "50: a machine that slept comes back once, and goes on where it was",
  async ({ chromium: path }) => {
    const { page, pid, publish, connections, gone } = await house(path);
    await publish(range(0, 10));
    await heard(page, 9);
    const all = family(pid);
    for (const each of all) process.kill(each, "SIGSTOP");
    await publish(range(10, 50));
    await Bun.sleep(6_000);
    expect(await gone()).toBe(1);
    for (const each of all) process.kill(each, "SIGCONT");
    await publish(range(60, 50));
    const { got, opens } = await heard(page, 109);
    expect(got).toEqual(range(0, 110));
    expect(opens).toBe(2);
    expect(await connections()).toBe(2);
  },
);
