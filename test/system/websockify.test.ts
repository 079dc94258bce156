import { describe, expect, onTestFinished, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type ListenOptions } from "node:net";
import { join } from "node:path";
import { createServer as createSecureServer } from "node:tls";
import { CERT, KEY } from "../certificate.ts";
import { endsInOrder, main, run, serve, talk } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { bounded } from "../raw-client.ts";
import { start } from "./program.ts";

/** A service that says its name and then echoes. Resolves with its port; on a socket of the file system with 0. */
async function service(name: string, where: ListenOptions = { port: 0, host: "127.0.0.1" }): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined).write(`${name}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((done) => server.listen(where, done));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** `fairlead bridge` with these arguments, as websockify would be called. */
async function bridge(...args: string[]) {
  const program = start([process.execPath, main, "bridge", "127.0.0.1:0", ...args], { cwd: folder() });
  const [, scheme = "", host = ""] = await program.says(/listens on (https?):\/\/(\S+)/);
  return { program, host, scheme };
}

const target = async (name: string) => `127.0.0.1:${await service(name)}`;

/** What a WebSocket ends with before it opens, or its first message. */
function first(url: string, tls: object = {}): Promise<string> {
  const socket = new WebSocket(url, { tls });
  socket.binaryType = "arraybuffer";
  const said = new Promise<string>((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(Buffer.from(data).toString()));
    socket.addEventListener("close", ({ code }) => resolve(`closed ${code}`));
  });
  return bounded(`a word of ${url}`, said).finally(() => socket.close());
}

describe("a command line of websockify, one word changed", () => {
  test("--web serves the page beside the WebSocket", async () => {
    const web = folder({ "vnc.html": "<p>vnc", "index.html": "<p>index", ".secret": "x" });
    const { host } = await bridge(await target("web"), "--web", web);
    const page = async (path: string) => (await fetch(`http://${host}${path}`)).text();
    expect([await page("/vnc.html"), await page("/")]).toEqual(["<p>vnc", "<p>index"]);
    expect((await fetch(`http://${host}/.secret`)).status).toBe(404);
    expect(await first(`ws://${host}/websockify`)).toBe("web\n");
  });

  test("--cert, --key and --ssl-only speak wss, and nothing in the clear", async () => {
    const at = folder({ "cert.pem": CERT, "key.pem": KEY });
    const files = ["--cert", join(at, "cert.pem"), "--key", join(at, "key.pem")];
    const { host, scheme } = await bridge(await target("tls"), ...files, "--ssl-only");
    expect(scheme).toBe("https");
    expect(await first(`wss://${host}/websockify`, { ca: CERT })).toBe("tls\n");
    expect(await first(`ws://${host}/websockify`)).toBe("closed 1006");
  });

  test("--verify-client with --cafile lets nobody in without a certificate", async () => {
    const at = folder({ "self.pem": CERT + KEY });
    const file = join(at, "self.pem");
    const { host } = await bridge(await target("mtls"), "--cert", file, "--verify-client", "--cafile", file);
    expect(await first(`wss://${host}/`, { ca: CERT })).toBe("closed 1006");
    expect(await first(`wss://${host}/`, { ca: CERT, cert: CERT, key: KEY })).toBe("mtls\n");
  });

  test("--token-plugin and --token-source choose the target", async () => {
    const tokens = join(folder(), "tokens");
    writeFileSync(tokens, `one: ${await target("one")}\n`);
    const { host } = await bridge("--token-plugin", "TokenFile", "--token-source", tokens);
    expect(await first(`ws://${host}/websockify?token=one`)).toBe("one\n");
    expect(await first(`ws://${host}/websockify?token=two`)).toBe("closed 1006");
    expect(await first(`ws://${host}/websockify`)).toBe("closed 1006");
  });

  test("--unix-target is a socket of the file system", async () => {
    const path = join(folder(), "vnc.sock");
    await service("unix", { path });
    const { host } = await bridge("--unix-target", path);
    expect(await first(`ws://${host}/websockify`)).toBe("unix\n");
  });

  test("--ssl-target speaks TLS to the target, if its certificate is trusted", async () => {
    const ca = join(folder({ "ca.pem": CERT }), "ca.pem");
    const server = createSecureServer(
      { cert: CERT, key: KEY },
      (socket) => void socket.write("tls target\n"),
    );
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const address = server.address();
    const place = `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    const trusted = await bridge(place, "--ssl-target", "--tls-ca-file", ca);
    expect(await first(`ws://${trusted.host}/`)).toBe("tls target\n");
    const untrusted = await bridge(place, "--ssl-target");
    expect(await first(`ws://${untrusted.host}/`)).toBe("closed 1006");
  });

  test("--record keeps what is said, in a folder", async () => {
    const records = join(folder(), "records");
    const { program, host } = await bridge(await target("to be kept"), "--record", records);
    expect(await first(`ws://${host}/`)).toBe("to be kept\n");
    await endsInOrder(program);
    const [file = ""] = readdirSync(records);
    expect(readFileSync(join(records, file), "utf8")).toContain(btoa("to be kept\n"));
  });

  test("--unix-listen is the address", async () => {
    const path = join(folder(), "listen.sock");
    const args = [
      "bridge",
      "--target",
      await target("x"),
      "--unix-listen",
      path,
      "--unix-listen-mode",
      "660",
    ];
    const program = start([process.execPath, main, ...args], { cwd: folder() });
    await program.says(/Fairlead listens on unix:/);
    expect((statSync(path).mode & 0o777).toString(8)).toBe("660");
    expect((await fetch("http://localhost/healthz", { unix: path })).status).toBe(200);
    await endsInOrder(program);
  });

  test("--heartbeat pings", async () => {
    const { host } = await bridge(await target("beat"), "--heartbeat", "0.05");
    const socket = new WebSocket(`ws://${host}/`);
    const ping = new Promise<void>((done) => socket.addEventListener("ping", () => done()));
    await bounded("a ping", ping);
    socket.close();
  });

  test("--run-once serves one, has no place for a second, and ends with 0", async () => {
    const { program, host } = await bridge(await target("once"), "--run-once");
    const client = talk(`ws://${host}/`);
    expect(await client.next()).toBe("once\n");
    const refused = await fetch(`http://${host}/`, {
      headers: { Upgrade: "websocket", Connection: "Upgrade" },
    });
    expect(refused.status).toBe(503);
    client.close();
    expect(await program.ended()).toBe(0);
    expect(program.output()).toContain("fairlead: stopping, for its one connection has ended");
  });

  test("--idle-timeout and --timeout end with 0 when nobody is there", async () => {
    const idle = await bridge("127.0.0.1:1", "--idle-timeout", "0.05");
    expect(await idle.program.ended()).toBe(0);
    expect(idle.program.output()).toContain("fairlead: stopping, for nobody was connected for 0.05 s");
    const late = await bridge("127.0.0.1:1", "--timeout", "0.05");
    expect(await late.program.ended()).toBe(0);
  });

  test("-v says more, and a signal still ends it in order", async () => {
    const { program, host } = await serve(["bridge", ":0", await target("v"), "-v"]);
    expect((await fetch(`http://${host}/none`)).status).toBe(404);
    await program.says(/refused/);
    await endsInOrder(program);
  });
});

test("what is done elsewhere today is refused in one line", () => {
  expect(run(["bridge", "-D", "6080", "127.0.0.1:5900"])).toEqual({
    code: 2,
    out: "",
    talk: "fairlead: --daemon of websockify is not there; let systemd, docker or nohup keep it running\n",
  });
});

test("an error in a file of TLS names the option, and nothing listens", () => {
  const { code, talk: lines } = run(["bridge", ":0", "127.0.0.1:1", "--cert", "none.pem"]);
  expect([code, lines]).toEqual([
    1,
    'fairlead: listen.tls.cert: "none.pem" cannot be read (ENOENT); check the path and its rights\n',
  ]);
});
