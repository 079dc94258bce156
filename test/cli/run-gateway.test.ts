import { describe, expect, onTestFinished, test } from "bun:test";
import { createServer } from "node:net";
import { folder } from "../folder.ts";
import { start } from "../system/program.ts";
import { endsInOrder, main, run, serve, talk } from "./fairlead.ts";

describe("serve", () => {
  test("serves the demo where no config file is, all five routes", async () => {
    const { program, host } = await serve([], { env: { FAIRLEAD_LISTEN__PORT: "0" } });
    const bridge = talk(`ws://${host}/bridge`);
    bridge.say("upper");
    expect(await bridge.until(/UPPER/)).toBe("UPPER");
    bridge.close();
    for (const kind of ["echo", "room", "feed", "relay", "bridge"]) {
      expect(program.output()).toMatch(new RegExp(`^${kind} +ws://${host}/${kind}\\S* +\\S`, "m"));
    }
    await endsInOrder(program);
  });

  test("serves the config file of its folder, under environment and flags", async () => {
    const cwd = folder({
      "fairlead.yaml":
        "listen: { host: 203.0.113.1, port: 1 }\nroutes: { /mine: { kind: echo, welcome: hi } }\n",
    });
    const { program, host } = await serve(["--port", "0"], {
      cwd,
      env: { FAIRLEAD_LISTEN__HOST: "127.0.0.1" },
    });
    expect(await talk(`ws://${host}/mine`).next()).toBe("hi");
    await endsInOrder(program);
  });

  test("serves a TypeScript config with its hooks, where fairlead is not installed", async () => {
    const text =
      'import { defineConfig } from "fairlead";\nexport default defineConfig({ listen: { port: 0 }, routes: { "/e": { kind: "echo", onOpen: ({ route }) => console.error("opened", route) } } });';
    const { program, host } = await serve(["serve", "--config", "my.ts"], { cwd: folder({ "my.ts": text }) });
    const client = talk(`ws://${host}/e`);
    await program.says(/opened \/e/);
    client.close();
    await endsInOrder(program);
  });

  test("ends at once on a second signal, with 143", async () => {
    const { program, host } = await serve(["echo", ":0", "--drain-delay", "1m"]);
    await talk(`ws://${host}/`).next();
    program.kill("SIGINT");
    await program.says(/stopping/);
    program.kill("SIGTERM");
    expect(await program.ended()).toBe(143);
  });

  test("goes on when nobody reads what it says, and still ends in order", async () => {
    const port = await freePort();
    const command = [process.execPath, main, "--port", `${port}`, "--log-level", "debug"];
    const child = Bun.spawn(command, { cwd: folder(), stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    onTestFinished(() => child.kill("SIGKILL"));
    await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
    await answers(port, child.exited);
    for (let count = 0; count < 20; count += 1) {
      expect((await fetch(`http://127.0.0.1:${port}/echo`)).status).toBe(426);
    }
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** Asks until the port answers; fails when the process is gone before that. */
async function answers(port: number, exited: Promise<number>): Promise<void> {
  const gone = exited.then((code) => Promise.reject(new Error(`it ended with ${code}`)));
  const ask = () => fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined);
  while ((await Promise.race([ask(), gone])) === undefined);
  gone.catch(() => undefined); // from here on the process may end
}

describe("ends with 1 and one line when nothing handles", () => {
  const config = "export default { listen: { port: 0 }, routes: {} };\n";
  const program = (fault: string) =>
    start([process.execPath, main], { cwd: folder({ "fairlead.config.ts": config + fault }) });

  test("an exception", async () => {
    const server = program('setTimeout(() => { throw new TypeError("boom\\u001b[2J"); }, 1);');
    expect(await server.ended()).toBe(1);
    expect(server.output()).toMatch(
      /^fairlead: ended by an error that nothing handled: "TypeError: boom\\u001b\[2J" at .*\n/m,
    );
  });

  test("a rejection", async () => {
    const server = program('setTimeout(() => void Promise.reject("no luck"), 1);');
    expect(await server.ended()).toBe(1);
    expect(server.output()).toMatch(/^fairlead: ended by an error that nothing handled: "no luck"\n/m);
  });
});

describe("says why it cannot listen in one line, with exit 1, when", () => {
  test("the port is in use", async () => {
    const { program, host } = await serve(["echo", ":0"]);
    const { code, out, talk } = run(["echo", host]);
    expect([code, out, talk]).toEqual([1, "", expect.stringContaining(`fairlead: ${host} is in use`)]);
    expect(talk.trimEnd()).not.toContain("\n");
    await endsInOrder(program);
  });

  test("the address is not of this machine", () => {
    const { code, out, talk } = run(["echo", "203.0.113.1:8080"]);
    expect([code, out, talk]).toEqual([
      1,
      "",
      expect.stringContaining("fairlead: 203.0.113.1:8080 cannot be bound"),
    ]);
    expect(talk.trimEnd()).not.toContain("\n");
  });
});
