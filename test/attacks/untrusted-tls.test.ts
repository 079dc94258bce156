/** A server that cannot prove who it is hears nothing (CVE-2016-10536, CVE-2020-15133, CVE-2020-15134). The bridge's side stands in test/bridge/dial/tls.test.ts. */
import { expect, test } from "bun:test";
import { createServer } from "node:tls";
import { openBridge } from "../../src/client/bridge.ts";
import { connect, ReconnectingSocket } from "../../src/client/index.ts";
import { openRelay } from "../../src/client/relay.ts";
import { CERT, KEY, STRANGER_CERT, STRANGER_KEY } from "../certificate.ts";
import { run } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { OPTIONS, startServiceOn, type TcpService } from "../tcp-service.ts";

const TOKEN = "a-token-that-nobody-may-see";

/** Counts who got through the TLS handshake, and what they said. */
async function server(cert = CERT, key = KEY): Promise<TcpService & { heard(): string }> {
  let heard = "";
  const listening = createServer({ ...OPTIONS, cert, key });
  listening.on("secureConnection", (socket) => {
    socket.on("data", (bytes) => {
      heard += bytes.toString("latin1");
    });
  });
  return Object.assign(await startServiceOn(listening), { heard: () => heard });
}

test("a session of the library does not speak to it, and says why", async () => {
  using stranger = await server();
  const session = connect(`wss://${stranger.target}/`, { token: TOKEN });
  const cause = await new Promise<unknown>((resolve) => {
    session.onStatus((status) => {
      if (status.type === "away") resolve(status.cause);
    });
  });
  session.close();
  expect(String(cause)).toMatch(/certificate|TLS/i);
  expect(stranger.heard()).toBe("");
});

test("a socket, a bridge and a relay of the library do not speak to it either", async () => {
  using stranger = await server();
  const url = `wss://${stranger.target}/`;
  const socket = new ReconnectingSocket(url);
  socket.send(TOKEN);
  await new Promise((resolve) => socket.addEventListener("close", resolve));
  socket.close();
  const relay = openRelay(url, { group: "g", role: "center", token: TOKEN });
  const sent = relay.send(TOKEN).catch(() => undefined);
  const bridge = openBridge(url, { token: TOKEN });
  const written = bridge.writable
    .getWriter()
    .write(Buffer.from(TOKEN))
    .catch(() => undefined);
  await new Promise<void>((resolve) => {
    relay.onStatus(({ type }) => {
      if (type !== "connecting") resolve();
    });
  });
  await relay.close();
  await expect(bridge.closed).rejects.toThrow("no bridge");
  await Promise.all([sent, written]);
  expect(stranger.heard()).toBe("");
});

test("the command line does not speak to one that is trusted for another name", async () => {
  using stranger = await server(STRANGER_CERT, STRANGER_KEY);
  const cacert = `${folder({ "ca.pem": STRANGER_CERT })}/ca.pem`;
  const child = Bun.spawn(
    [
      process.execPath,
      "src/cli/main.ts",
      "connect",
      "-x",
      TOKEN,
      "--cacert",
      cacert,
      `wss://${stranger.target}/`,
    ],
    { cwd: `${import.meta.dir}/../..`, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  expect(await child.exited).toBe(1);
  expect(await new Response(child.stderr).text()).toMatch(/certificate|name|altname/i);
  expect(stranger.heard()).toBe("");
});

test("the command line says so, if it is told to take any", () => {
  const { talk } = run(["connect", "-k", "-x", "hello", "wss://127.0.0.1:9/"]);
  expect(talk).toContain("warning: the certificate of 127.0.0.1:9 is not checked");
});
