/** Clients of others that ask for compression by themselves: each says the same long message several times and wants it back, so that both ends must forget. */
import { expect, onTestFinished, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { requires } from "../requires.ts";
import { launchChromium } from "./chromium.ts";
import { project } from "./clone.ts";

const TEXT = JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ id: n, symbol: "AAPL", price: n / 7 })));
const TIMES = 5;
const DONE = `${TIMES} of ${TEXT.length}`;

async function serve() {
  const gateway = await startGateway({
    "/echo": { kind: "echo", welcome: false, compression: { threshold: 0 } },
  });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return gateway;
}

/** Runs to the end; what it printed. */
async function output(command: string[], url: string): Promise<string> {
  const env = { ...process.env, URL: url, TEXT, TIMES: String(TIMES) };
  const child = Bun.spawn(command, { cwd: project, env, stdout: "pipe", stderr: "inherit", timeout: 10_000 });
  return (await new Response(child.stdout).text()).trim();
}

/** Says it, waits for it, and so on; `extensions` is what was agreed on. */
const NODE = `
  import WebSocket from "ws";
  const { URL: url, TEXT, TIMES } = process.env;
  const socket = new WebSocket(url, { perMessageDeflate: { threshold: 0 } });
  let times = 0;
  socket.on("open", () => socket.send(TEXT));
  socket.on("message", (data) => {
    if (String(data) !== TEXT) throw new Error("not the same");
    times += 1;
    if (times < Number(TIMES)) return socket.send(TEXT);
    console.log(times + " of " + TEXT.length + ", " + socket.extensions);
    socket.close();
  });`;

const PYTHON = `
import asyncio, os, websockets
async def main():
    text, times = os.environ["TEXT"], int(os.environ["TIMES"])
    async with websockets.connect(os.environ["URL"]) as socket:
        for _ in range(times):
            await socket.send(text)
            assert await socket.recv() == text
    print(f"{times} of {len(text)}")
asyncio.run(main())`;

requires("node")("ws on Node talks compressed", async ({ node }) => {
  const { ws } = await serve();
  expect(await output([node, "--input-type=module", "-e", NODE], ws("/echo"))).toBe(
    `${DONE}, permessage-deflate`,
  );
});

requires("python-websockets")(
  "Python's websockets talk compressed",
  async ({ "python-websockets": python }) => {
    const { ws } = await serve();
    expect(await output([python, "-c", PYTHON], ws("/echo"))).toBe(DONE);
  },
);

requires("chromium")("Chromium talks compressed", async ({ chromium }) => {
  const { ws, http } = await serve();
  const browser = await launchChromium(chromium);
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  await page.goto(http("/healthz"));
  const said = await page.evaluate(talk, { url: ws("/echo"), text: TEXT, times: TIMES });
  expect(said).toBe(`${DONE}, permessage-deflate; client_no_context_takeover; server_no_context_takeover`);
});

/** Runs in the page. */
async function talk({ url, text, times }: { url: string; text: string; times: number }): Promise<string> {
  const socket = new WebSocket(url);
  await new Promise((opened) => socket.addEventListener("open", opened));
  for (let n = 0; n < times; n += 1) {
    const heard = new Promise<unknown>((resolve) => {
      socket.onmessage = ({ data }) => resolve(data);
    });
    socket.send(text);
    if ((await heard) !== text) throw new Error("not the same");
  }
  return `${times} of ${text.length}, ${socket.extensions}`;
}

test("the runtime's own WebSocket talks compressed", async () => {
  const { ws } = await serve();
  using client = await connect(ws("/echo"));
  for (let n = 0; n < TIMES; n += 1) {
    client.send(TEXT);
    expect(await client.next()).toBe(TEXT);
  }
  expect(client.socket.extensions).toStartWith("permessage-deflate");
});
