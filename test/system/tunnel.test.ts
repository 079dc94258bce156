/** `fairlead tunnel` as its users start it: real processes, a real gateway, and a link that is cut. */
import { expect, onTestFinished, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { eventually } from "../calm.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { noise, sha256 } from "../routes/bridge-house.ts";
import { startProxy, type TcpProxy } from "../tcp-proxy.ts";
import { closedTarget, startService, type TcpPeer, type TcpService } from "../tcp-service.ts";
import { project } from "./clone.ts";
import { start } from "./program.ts";

const MIB = 1024 * 1024;
/** How long the link is down. */
const CUT_MS = 5_000;

interface House extends AsyncDisposable {
  readonly service: TcpService;
  readonly gateway: TestGateway;
  readonly proxy: TcpProxy;
  readonly url: string;
  /** The link is cut, and nobody gets through until `mend`. */
  cut(): void;
  mend(): void;
}

async function house(serve: (peer: TcpPeer) => void = () => {}, resume = {}): Promise<House> {
  const service = await startService(serve);
  const gateway = await startGateway({ "/tcp": { kind: "bridge", target: service.target, resume } });
  const { port } = gateway.gateway.address;
  const proxy = await startProxy(port);
  const closed = Number((await closedTarget()).split(":")[1]);
  return {
    service,
    gateway,
    proxy,
    url: `ws://${proxy.host}/tcp`,
    cut() {
      proxy.target = closed;
      proxy.reset();
    },
    mend() {
      proxy.target = port;
    },
    async [Symbol.asyncDispose]() {
      proxy[Symbol.dispose]();
      service[Symbol.dispose]();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

/** A tunnel on a free port. */
async function tunnel(url: string) {
  const program = start(["node", "bin/fairlead.mjs", "tunnel", ":0", url], { cwd: project });
  const [, port = ""] = await program.says(/^fairlead tunnel: 127\.0\.0\.1:(\d+) leads to /m);
  return { program, port: Number(port) };
}

function dial(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** All that comes, to its end; how it ended otherwise. */
function takeAll(socket: Socket): Promise<{ bytes: number; hash: string; end: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Promise((resolve) => {
    const over = (end: string) => resolve({ bytes, hash: hash.digest("hex"), end });
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    socket.once("end", () => over("end"));
    socket.once("error", (error: Error & { code?: string }) => over(error.code ?? error.message));
  });
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(
  "a connection outlives a link that is down for seconds, both ways, byte for byte",
  async () => {
    await using at = await house((peer) => peer.stay());
    const { program, port } = await tunnel(at.url);
    const socket = dial(port);
    const taken = takeAll(socket);
    const [up, down] = [noise(6 * MIB, 1), noise(6 * MIB, 2)];
    const peer = await at.service.next();
    socket.write(up.subarray(0, 3 * MIB));
    const told = peer.write(down);
    await peer.has(MIB);
    at.cut();
    await program.says(/connection 1: the connection is lost/);
    socket.write(up.subarray(3 * MIB));
    await later(CUT_MS);
    expect(at.service.open).toBe(1);
    at.mend();
    await program.says(/connection 1: goes on/);
    socket.end();
    await told;
    expect([await peer.ended(), peer.received, peer.hash()]).toEqual(["end", up.length, sha256(up)]);
    peer.end();
    expect(await taken).toEqual({ bytes: down.length, hash: sha256(down), end: "end" });
    program.kill("SIGTERM");
    expect(await program.ended()).toBe(0);
  },
  CUT_MS + 20_000,
);

test("a stream that is lost resets the local connection, and the tunnel serves the next one", async () => {
  await using at = await house((peer) => peer.echo(), { window: 1 });
  const { program, port } = await tunnel(at.url);
  const first = dial(port);
  const end = takeAll(first);
  first.write("x");
  await eventually("its echo", () => first.bytesRead === 1);
  at.cut();
  await eventually("no stream", () => at.service.open === 0);
  at.mend();
  expect((await bounded("the reset", end)).end).toBe("ECONNRESET");
  await program.says(/connection 1: the stream is lost: closed with 4510/);
  const second = dial(port);
  second.end("again");
  expect(await bounded("the echo", takeAll(second))).toMatchObject({ bytes: 5, end: "end" });
}, 20_000);

test("stdin and stdout carry bytes only, over a link that is cut, to a clean end", async () => {
  await using at = await house((peer) => peer.echo());
  const child = Bun.spawn(["node", "bin/fairlead.mjs", "tunnel", "-", at.url], {
    cwd: project,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  onTestFinished(() => child.kill("SIGKILL"));
  const bytes = noise(4 * MIB);
  const back = new Response(child.stdout).bytes();
  child.stdin.write(bytes.subarray(0, 2 * MIB));
  await child.stdin.flush();
  const peer = await at.service.next();
  await peer.has(MIB);
  at.proxy.reset();
  child.stdin.write(bytes.subarray(2 * MIB));
  await child.stdin.end();
  expect(sha256(await bounded("all of it", back))).toBe(sha256(bytes));
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toMatch(
    /^fairlead tunnel: the connection is lost \(.*\); trying again\nfairlead tunnel: goes on\n$/,
  );
}, 20_000);

test("a signal ends stdin and stdout with its code, and the service is told", async () => {
  await using at = await house();
  const command = [process.execPath, "src/cli/main.ts", "tunnel", "-v", "-", at.url];
  const program = start(command, { cwd: project });
  await program.says(/: open\n/);
  const peer = await at.service.next();
  program.kill("SIGINT");
  expect(await program.ended()).toBe(130);
  expect(await peer.ended()).toBe("end");
}, 20_000);
