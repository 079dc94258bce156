import { describe, expect, onTestFinished, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { tryLines } from "../../src/cli/try-lines.ts";
import { parseConfig } from "../../src/config/validate.ts";
import { clearStale, withRights } from "../../src/listener/unix-socket.ts";
import { folder } from "../folder.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { bounded, frame, head } from "../raw-client.ts";

const routes = { "/echo": { kind: "echo", welcome: "hi" } } as const;
const listening = (unix: string, listen: object = {}) =>
  startGateway(routes, { listen: { unix, ...listen } });
const rights = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** All that comes until `until` is in it. */
function says(path: string, text: string | Buffer, until: string): Promise<string> {
  const socket = connect(path);
  socket.write(text);
  let heard = "";
  const found = new Promise<string>((resolve, reject) => {
    socket.on("error", reject).on("data", (bytes) => {
      heard += bytes.toString("latin1");
      if (heard.includes(until)) resolve(heard);
    });
  });
  return bounded(`${until} from ${path}`, found).finally(() => socket.destroy());
}

/** A socket that a killed process left behind. */
async function stale(path: string): Promise<void> {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "ignore"] });
  onTestFinished(() => child.kill("SIGKILL"));
  await child.exited;
  expect(existsSync(path)).toBe(true);
}

describe("a gateway on a socket of the file system", () => {
  test("speaks HTTP and WebSocket there, and on no port", async () => {
    const path = join(folder(), "gate.sock");
    const log = memoryLog();
    await using gateway = await startGateway(routes, { listen: { unix: path } }, { log });
    expect(gateway.gateway.address).toEqual({ host: `unix:${path}`, port: 0 });
    expect(log.lines).toContainEqual({ level: "info", text: "listening", unix: path });
    const upgraded = await says(path, Buffer.concat([Buffer.from(head()), frame("over it")]), "over it");
    expect(upgraded).toStartWith("HTTP/1.1 101");
    expect(upgraded).toContain("\u0002hi");
    expect((await fetch("http://localhost/healthz", { unix: path })).status).toBe(200);
  });

  test("tells nobody its metrics: who is behind the socket cannot be known", async () => {
    const path = join(folder(), "gate.sock");
    await using _gateway = await listening(path);
    expect((await fetch("http://localhost/metrics", { unix: path })).status).toBe(404);
  });

  test("lets in its own user only, or whom unixMode names, from the first moment", async () => {
    const at = folder();
    await using _own = await listening(join(at, "own.sock"));
    await using _group = await listening(join(at, "group.sock"), { unixMode: "0660" });
    expect([rights(join(at, "own.sock")), rights(join(at, "group.sock"))]).toEqual(["600", "660"]);
    writeFileSync(join(at, "later"), "");
    expect(rights(join(at, "later"))).toBe((0o666 & ~process.umask()).toString(8));
  });

  test("takes its socket with it, and the place of one that a killed process left", async () => {
    const path = join(folder(), "gate.sock");
    await stale(path);
    const gateway = await listening(path);
    expect((await fetch("http://localhost/healthz", { unix: path })).status).toBe(200);
    await gateway.gateway.stop();
    expect(existsSync(path)).toBe(false);
  });

  test.each([
    [
      "another gateway listens on",
      async (path: string) => void onTestFinished((await listening(path)).gateway.stop),
    ],
    ["is a file", (path: string) => writeFileSync(path, "mine")],
  ])("leaves alone what %s, and says so", async (_, occupy) => {
    const path = join(folder(), "gate.sock");
    await occupy(path);
    await expect(listening(path)).rejects.toThrow(
      expect.objectContaining({
        code: "LISTEN_FAILED",
        message: expect.stringContaining(`unix:${path} is there already`),
      }),
    );
    expect(existsSync(path)).toBe(true);
  });

  test("says what to do about a folder that is not there", async () => {
    const path = join(folder(), "none", "gate.sock");
    await expect(listening(path)).rejects.toThrow(/cannot be bound \(\w+\)\. Is its folder there/);
  });

  test("is told with its path, and how to try it", () => {
    const config = parseConfig({ listen: { unix: "/run/gate.sock" }, routes });
    expect(tryLines(config, { host: "unix:/run/gate.sock", port: 0 })).toEqual([
      "Fairlead listens on unix:/run/gate.sock",
      "try: curl --unix-socket /run/gate.sock http://localhost/healthz",
      "",
      "echo  /echo",
    ]);
  });
});

describe("a stale socket", () => {
  test("goes; one that somebody listens on, a file and nothing at all stay as they are", async () => {
    const at = folder({ file: "mine" });
    await stale(join(at, "stale"));
    const server = createServer().listen(join(at, "used"));
    onTestFinished(() => void server.close());
    for (const name of ["stale", "used", "file", "none"]) await clearStale(join(at, name));
    expect(["stale", "used", "file", "none"].map((name) => existsSync(join(at, name)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test("rights are as before when the bind fails", () => {
    const before = process.umask();
    expect(() =>
      withRights("600", () => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(process.umask()).toBe(before);
  });
});

describe("the config refuses", () => {
  test.each([
    [{ unix: `/${"a".repeat(103)}` }, "listen.unix: expected the path of a socket, at most 103 bytes"],
    [{ unix: "a\nb" }, "listen.unix: expected the path of a socket"],
    [{ unix: "" }, "listen.unix: "],
    [
      { unix: "a", unixMode: "rw" },
      'listen.unixMode: expected three digits from 0 to 7, got "rw". Like "660"',
    ],
    [{ unix: "a", unixMode: "888" }, "listen.unixMode: expected three digits"],
    [{ unix: "a", unixMode: "7777" }, "listen.unixMode: expected three digits"],
  ])("%j", (listen, text) => {
    expect(() => parseConfig({ listen })).toThrow(
      expect.objectContaining({ message: expect.stringContaining(text) }),
    );
  });
});
