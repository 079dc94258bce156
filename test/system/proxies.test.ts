/** The snippets of docs/security.md, run as they stand but for ports, names and files: what passes each proxy, and what does not. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { createApiKey } from "../../src/auth/api-keys.ts";
import { CERT, KEY } from "../certificate.ts";
import { blocksOf, page } from "../docs/markdown.ts";
import { fileOf } from "../docs/snippets.ts";
import { folder } from "../folder.ts";
import { memoryLog, startGateway, type TestGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { locate, type Program as Name } from "../requires.ts";
import { start } from "./program.ts";
import { freePort } from "./programs/free-port.ts";

interface Proxy {
  readonly program: Name;
  readonly file: string;
  /** The snippet as a whole config on `port`, to the gateway at `host`. */
  fit(snippet: string, at: { readonly port: number; readonly host: string; readonly dir: string }): string;
  command(path: string, dir: string): string[];
}

const PROXIES: readonly Proxy[] = [
  {
    program: "nginx",
    file: "nginx.conf",
    fit: (snippet, { port, host, dir }) =>
      `daemon off; pid ${dir}/pid; error_log stderr; events {}
http { access_log off; client_body_temp_path ${dir}; proxy_temp_path ${dir}; fastcgi_temp_path ${dir}; uwsgi_temp_path ${dir}; scgi_temp_path ${dir};
${snippet
  .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
  .replace("gateway.example.com", "localhost")
  .replace("/etc/ssl/gateway.crt", `${dir}/cert.pem`)
  .replace("/etc/ssl/gateway.key", `${dir}/key.pem`)
  .replace("127.0.0.1:8080", host)} }`,
    command: (path, dir) => [path, "-p", dir, "-c", `${dir}/nginx.conf`],
  },
  {
    program: "haproxy",
    file: "haproxy.cfg",
    fit: (snippet, { port, host, dir }) =>
      snippet
        .replace(":443", `127.0.0.1:${port}`)
        .replace("/etc/ssl/gateway.pem", `${dir}/both.pem`)
        .replace("127.0.0.1:8080", host),
    command: (path, dir) => [path, "-db", "-f", `${dir}/haproxy.cfg`],
  },
  {
    program: "caddy",
    file: "Caddyfile",
    fit: (snippet, { port, host, dir }) =>
      `{
  admin off
  auto_https off
}
${snippet
  .replace(
    "gateway.example.com {",
    `https://localhost:${port}, https://127.0.0.1:${port} {\n  tls ${dir}/cert.pem ${dir}/key.pem`,
  )
  .replace("127.0.0.1:8080", host)}`,
    command: (path, dir) => [path, "run", "--config", `${dir}/Caddyfile`],
  },
];

const tls = { rejectUnauthorized: false };

async function through(proxy: Proxy, path: string) {
  const log = memoryLog(true);
  const gateway = await startGateway(
    {
      "/echo": { kind: "echo", welcome: false, auth: "none" },
      "/feed/:topic": { kind: "feed", publish: true, welcome: false, auth: "none" },
    },
    // With a key there is an API to be found.
    { trustProxy: ["127.0.0.1"], auth: { keys: { operator: { hash: createApiKey().hash, admin: true } } } },
    { log },
  );
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  const port = await freePort();
  await run(proxy, path, port, gateway);
  return { log, gateway, host: `localhost:${port}`, https: `https://localhost:${port}` };
}

async function run(proxy: Proxy, path: string, port: number, { host }: TestGateway): Promise<void> {
  const snippet = blocksOf(page("docs/security.md")).find((block) => fileOf(block) === proxy.file);
  if (snippet === undefined) throw new Error(`docs/security.md has no ${proxy.file}`);
  const dir = folder({ "cert.pem": CERT, "key.pem": KEY, "both.pem": CERT + KEY });
  await Bun.write(join(dir, proxy.file), proxy.fit(snippet.text, { port, host, dir }));
  const program = start(proxy.command(path, dir), { cwd: dir, env: { HOME: dir } });
  const isUp = () =>
    fetch(`https://localhost:${port}/healthz`, { tls }).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await isUp()); tries += 1) {
    if (tries > 200) throw new Error(`${proxy.program} does not answer:\n${program.output()}`);
    await Bun.sleep(25);
  }
}

function open(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers, tls } as never);
  onTestFinished(() => socket.close());
  return bounded(
    "the handshake",
    new Promise((resolve, reject) => {
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error(`no connection to ${url}`));
    }),
  );
}

/** One request from an address of ours that is no trusted proxy. */
function askFrom(
  localAddress: string,
  host: string,
  path: string,
  headers: readonly string[] = [],
): Promise<string> {
  const port = Number(host.split(":")[1]);
  // Its type forgets `localAddress`, which only a literal would be told of.
  const options = {
    host: "127.0.0.1",
    port,
    localAddress,
    servername: "localhost",
    rejectUnauthorized: false,
  };
  const socket = connectTls(options);
  onTestFinished(() => void socket.destroy());
  socket.write(
    [`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...headers, "", ""].join("\r\n"),
  );
  return bounded(
    "the answer",
    new Promise((resolve, reject) => {
      socket.once("data", (data) => resolve(data.toString()));
      socket.once("error", reject);
    }),
  );
}

for (const proxy of PROXIES) {
  const path = locate(proxy.program);
  if (path === undefined) console.error(`skipped: proxies: this machine has no ${proxy.program}`);
  describe.skipIf(path === undefined)(`behind ${proxy.program}, as docs/security.md sets it up,`, () => {
    const behind = () => through(proxy, path ?? "");

    test("messages go both ways", async () => {
      const { host } = await behind();
      const socket = await open(`wss://${host}/echo`);
      const echoed = new Promise((resolve) => {
        socket.onmessage = ({ data }) => resolve(data);
      });
      socket.send("hello");
      expect(await bounded("the echo", echoed)).toBe("hello");
    });

    test("a client is known by its own address, whatever it claims", async () => {
      const { host, log } = await behind();
      const lies = ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7"];
      // RFC 9110 section 7.6.1: what `Connection` names is for the next hop only, and a proxy may take its own header for that.
      const drops = ["Connection: X-Forwarded-For, X-Forwarded-Proto"];
      for (const [path, claims] of Object.entries({
        "/lies": lies,
        "/drops": drops,
        "/both": [...lies, ...drops],
      })) {
        await askFrom("127.0.0.9", host, path, claims);
        const refused = log.lines.find((line) => line["path"] === path);
        expect(refused).toMatchObject({ code: "not_found", ip: "127.0.0.9" });
      }
    });

    test("a page of the gateway's own origin may connect, one of another may not", async () => {
      const { host, https } = await behind();
      expect((await open(`wss://${host}/echo`, { Origin: https })).readyState).toBe(WebSocket.OPEN);
      const foreign = await fetch(`${https}/feed/a`, {
        tls,
        headers: { Origin: "https://evil.example", Accept: "application/json" },
      });
      expect([foreign.status, (await foreign.text()).split(":")[0]]).toEqual([403, "origin_refused"]);
    });

    test("what operators use is not there", async () => {
      const { host } = await behind();
      const names = ["metrics", "api/revoke", "console"];
      // A proxy compares what it was sent; the runtime resolves dots and backslashes before the gateway sees them.
      const spellings = [
        "/NAME",
        "//NAME",
        "/./NAME",
        "/x/../NAME",
        "/x\\..\\NAME",
        "/%2e/NAME",
        "http://localhost/NAME",
        "/x/%2e%2e/NAME",
      ];
      for (const name of [...names, "%6detrics", "%61pi/revoke", "api\\revoke"]) {
        for (const spelling of spellings) {
          const own = spelling.replace("NAME", name);
          const answer = await askFrom("127.0.0.1", host, own);
          expect([own, answer.split(" ")[1]]).toEqual([own, expect.stringMatching(/^40[034]$/)]);
          expect(answer).not.toContain("fairlead_");
        }
      }
    });

    test("an event stream tells each message at once", async () => {
      const { https } = await behind();
      const stream = await fetch(`${https}/feed/a`, { tls, headers: { Accept: "text/event-stream" } });
      const reader = stream.body?.getReader();
      if (reader === undefined) throw new Error("no stream");
      await fetch(`${https}/feed/a`, {
        tls,
        method: "POST",
        body: "news",
        headers: { "Content-Type": "text/plain" },
      });
      let text = "";
      while (!text.includes("data: news")) {
        const { value, done } = await bounded("the event", reader.read());
        if (done) throw new Error(`the stream ended after: ${text}`);
        text += new TextDecoder().decode(value);
      }
      await reader.cancel();
    });
  });
}
