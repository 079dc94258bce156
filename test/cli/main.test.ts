import { describe, expect, onTestFinished, test } from "bun:test";
import { createServer } from "node:net";
import { join } from "node:path";
import { folder } from "../folder.ts";
import { type Program, start } from "../system/program.ts";
import { talkTo } from "../system/talk.ts";

const main = join(import.meta.dir, "../../src/cli/main.ts");

interface Place {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs to the end, with stdout and stderr apart. For what ends by itself. */
function run(args: readonly string[], { cwd = folder(), env = {} }: Place = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, main, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    timeout: 10_000,
  });
  return { code: exitCode, out: stdout.toString(), talk: stderr.toString() };
}

/** A server on a free port, once it listens. */
async function serve(args: readonly string[], { cwd = folder(), env = {} }: Place = {}) {
  const program = start([process.execPath, main, ...args], { cwd, env });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  return { program, host };
}

function talk(url: string) {
  const client = talkTo(url);
  onTestFinished(client.close);
  return client;
}

async function endsInOrder(program: Program): Promise<void> {
  program.kill("SIGTERM");
  expect(await program.ended()).toBe(0);
}

describe("one-liners", () => {
  test("echo answers on any path", async () => {
    const { program, host } = await serve(["echo", ":0"]);
    const client = talk(`ws://${host}/any/path`);
    expect(await client.next()).toBe("Welcome to the Echo Server!");
    client.say("hello");
    expect(await client.next()).toBe("hello");
    client.close();
    await endsInOrder(program);
  });

  test("room is at /ws", async () => {
    const { program, host } = await serve(["room", "0", "--no-echo"]);
    const [one, two] = [talk(`ws://${host}/ws`), talk(`ws://${host}/ws`)];
    await program.says(/(connected[\s\S]*){2}/);
    one.say("to the other");
    expect(await two.next()).toBe("to the other");
    expect((await fetch(`http://${host}/room`)).status).toBe(404);
    one.close();
    two.close();
    await endsInOrder(program);
  });

  test("feed publishes stocks", async () => {
    const { program, host } = await serve(["feed", ":0", "--interval", "10ms", "--no-welcome"]);
    const client = talk(`ws://${host}/`);
    expect(Object.keys(JSON.parse(await client.next()))).toEqual(["symbol", "price", "source", "timestamp"]);
    client.close();
    await endsInOrder(program);
  });

  test("relay speaks the language it is told", async () => {
    const { program, host } = await serve(["relay", "127.0.0.1:0", "--language", "en"]);
    const client = talk(`ws://${host}/`);
    client.say('{"group_id":"1","sender_type":"center","receiver_type":"local","content":"hi"}');
    expect(JSON.parse(await client.next()).content).toMatch(/^[ -~]+$/);
    client.close();
    await endsInOrder(program);
  });

  test("bridge joins listen address and target", async () => {
    const upstream = createServer((socket) => socket.pipe(socket));
    await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
    onTestFinished(() => void upstream.close());
    const address = upstream.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { program, host } = await serve(["bridge", ":0", `127.0.0.1:${port}`, "--text"]);
    for (const path of ["/", "/ws", "/ws/", "/websockify"]) {
      const client = talk(`ws://${host}${path}`);
      client.say(path);
      expect(await client.until(/\/.*/)).toBe(path);
      client.close();
    }
    await endsInOrder(program);
  });
});

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
      /^fairlead: ended by an error that nothing handled: "TypeError: boom\\u001b\[2J" at .*\n$/m,
    );
  });

  test("a rejection", async () => {
    const server = program('setTimeout(() => void Promise.reject("no luck"), 1);');
    expect(await server.ended()).toBe(1);
    expect(server.output()).toMatch(/^fairlead: ended by an error that nothing handled: "no luck"\n$/m);
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

describe("is a usage error, with exit 2 and nothing on stdout, when", () => {
  test.each([
    [["ecko"], 'fairlead: unknown verb "ecko". Did you mean echo? See fairlead --help'],
    [
      ["--prot", "1"],
      "fairlead: unknown flag --prot of serve. Did you mean --port? See fairlead serve --help",
    ],
    [
      ["echo", "nowhere"],
      'fairlead: the listen address "nowhere" is not port, :port, host:port or [v6]:port',
    ],
    [["echo", ":99999"], "listen address: expected a whole number from 0 to 65535, got 99999."],
    [
      ["bridge", "--dial-timeout", "soon"],
      '--dial-timeout: expected a duration up to 24 days like "25s" or 25000 (milliseconds), got "soon".',
    ],
    [
      ["bridge", ":0", "nowhere"],
      '--target: expected host:port or [v6]:port, got "nowhere". The port is 1 to 65535.',
    ],
    [["config"], "fairlead: config needs check, print or schema. See fairlead config --help"],
    [
      ["config", "chek"],
      'fairlead: config needs check, print or schema, got "chek". Did you mean check? See fairlead config --help',
    ],
    [
      ["config", "check"],
      "fairlead: there is no config file here; name one, or write fairlead.config.ts, fairlead.yaml, fairlead.yml, fairlead.toml, fairlead.json",
    ],
    [["serve", "--config", "none.yaml"], "none.yaml: does not exist; check the path."],
  ])("%j", (args, line) => {
    expect(run(args)).toEqual({ code: 2, out: "", talk: `${line}\n` });
  });
});

describe("config", () => {
  test("check says that a file is fine", () => {
    const cwd = folder({ "fairlead.toml": '[routes."/e"]\nkind = "echo"\n' });
    expect(run(["config", "check"], { cwd })).toEqual({ code: 0, out: "fairlead.toml is fine\n", talk: "" });
  });

  test("check prints all errors of the file it is given, and exits with 2", () => {
    const cwd = folder({ "my.json": '{\n"listen": { "prot": 1 },\n"log": { "level": "loud" } }' });
    const { code, out, talk } = run(["config", "check", "my.json"], { cwd });
    expect([code, out]).toEqual([2, ""]);
    expect(talk.split("\n")).toEqual([
      "my.json:2: listen.prot: unknown key, got 1. Did you mean port?",
      'my.json:3: log.level: expected "debug", "info", "warn", "error" or "silent", got "loud".',
      "",
    ]);
  });

  test("print shows each value and where it was written", () => {
    const cwd = folder({ "fairlead.yaml": "listen:\n  host: ::1\nroutes: { /e: { kind: echo } }\n" });
    const env = { FAIRLEAD_DRAIN__WINDOW: "3s" };
    const { code, out } = run(["config", "print", "--port", "9"], { cwd, env });
    expect(code).toBe(0);
    expect(out).toMatch(/^listen\.host +"::1" +fairlead\.yaml:2$/m);
    expect(out).toMatch(/^listen\.port +9 +--port$/m);
    expect(out).toMatch(/^drain\.window +3s +env FAIRLEAD_DRAIN__WINDOW$/m);
    expect(out).toMatch(/^log\.level +"info" +default$/m);
  });

  test("print shows all of it to a reader slower than a pipe", () => {
    const routes = Array.from({ length: 300 }, (_, index) => `  /${index}: { kind: echo }`).join("\n");
    const cwd = folder({ "fairlead.yaml": `routes:\n${routes}\n` });
    // Only a reader that pauses finds the pipe full; how long it pauses does not decide anything.
    const shell = `"${process.execPath}" "${main}" config print | (read first; sleep 0.3; tail -n 1)`;
    const { stdout } = Bun.spawnSync(["sh", "-c", shell], { cwd });
    expect(stdout.toString()).toStartWith('routes["/299"].slow.highWater');
  });

  test("print shows the demo where no config file is", () => {
    expect(run(["config", "print"]).out).toMatch(/^routes\["\/echo"\]\.kind +"echo" +demo$/m);
  });

  test("schema prints the JSON Schema", () => {
    const { code, out } = run(["config", "schema"]);
    expect([code, JSON.parse(out).title]).toEqual([0, "Fairlead config"]);
  });
});

describe("prints to stdout and exits with 0", () => {
  test("the version", () => {
    for (const flag of ["--version", "-V"]) {
      expect(run([flag])).toEqual({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), talk: "" });
    }
  });

  test("the verbs, and the help of one", () => {
    expect(run(["--help"]).out).toMatch(/^ {2}bridge {2}a WebSocket joined/m);
    const { code, out, talk } = run(["relay", "-h"]);
    expect([code, out.split("\n")[0], talk]).toEqual([0, "Usage: fairlead relay [listen] [options]", ""]);
  });
});
