/** Workers as users have them: a config file, `fairlead serve`, and the Redis that they share. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBridge } from "../../src/client/bridge.ts";
import { eventually } from "../calm.ts";
import { main, run } from "../cli/fairlead.ts";
import { type CrewHouse, crewOf } from "../cli/workers/crew.ts";
import { folder } from "../folder.ts";
import { connect } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { sharedRedis } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { startProxy } from "../tcp-proxy.ts";
import { startService } from "../tcp-service.ts";
import { speak, type V1Client } from "../v1-client.ts";
import { start } from "./program.ts";

const redis = sharedRedis();
const withRedis = requires("redis-server");
const AGAIN = /a worker listens again/;

/** `files`: a config named `fairlead.yaml` or `fairlead.config.ts`, found in its folder. */
function serve(cwd: string, env: Readonly<Record<string, string>> = {}): Promise<CrewHouse> {
  return crewOf(start([process.execPath, main, "--port", "0", "--log-format", "json"], { cwd, env }));
}

const yaml = async (rest: string) =>
  `workers: 3\nnode: n\nengine: { redis: "${(await redis()).url}" }\ndrain: { window: 500ms }\n${rest}`;

/** One at each worker, by the name in its welcome. */
async function oneEach(house: CrewHouse, path: string): Promise<Map<string, V1Client>> {
  const found = new Map<string, V1Client>();
  while (found.size < 3) {
    const client = await speak(`ws://${house.host}${path}`);
    const node = String(client.welcome["node"]);
    if (found.has(node)) client.close();
    else found.set(node, client);
  }
  onTestFinished(() => {
    for (const client of found.values()) client[Symbol.dispose]();
  });
  return found;
}

describe("three workers that share a Redis", () => {
  withRedis("are one system: who is at one of them hears what is said at each", async () => {
    const house = await serve(
      folder({ "fairlead.yaml": await yaml("routes: { /room/:name: { kind: room } }\n") }),
    );
    const clients = await oneEach(house, "/room/a");
    expect([...clients.keys()].sort()).toEqual(["n.1", "n.2", "n.3"]);
    for (const [name, speaker] of clients) {
      expect(await speaker.ask({ t: "pub", data: `from ${name}` })).toMatchObject({ t: "ok" });
      for (const client of clients.values()) {
        await eventually(`the word of ${name}`, async () => (await client.next())["data"] === `from ${name}`);
      }
    }
    house.program.kill("SIGTERM");
    expect(await house.program.ended()).toBe(0);
  });

  withRedis("go on with the config that they had, when its file has changed", async () => {
    const cwd = folder({
      "fairlead.yaml": await yaml("routes: { /echo: { kind: echo, welcome: first } }\n"),
    });
    const house = await serve(cwd);
    writeFileSync(join(cwd, "fairlead.yaml"), "routes: { broken");
    for (const pid of house.pids) process.kill(pid, "SIGKILL");
    await house.program.says(/(?:a worker listens again[\s\S]*){3}/, 20);
    for (let asked = 0; asked < 6; asked += 1) {
      using client = await connect(`ws://${house.host}/echo`);
      expect(await bounded("a welcome", client.next())).toBe("first");
    }
  });

  withRedis("read a config with functions each for itself, flags and environment included", async () => {
    const text = `
      export default {
        workers: 2,
        engine: { redis: "${(await redis()).url}" },
        routes: { "/e": { kind: "echo", onOpen: ({ route }) => console.error("opened", route, process.pid) } },
      };
    `;
    const env = { FAIRLEAD_ROUTES__E__WELCOME: "from the environment" };
    const house = await serve(folder({ "fairlead.config.ts": text }), env);
    const opened = () =>
      new Set([...house.program.output().matchAll(/opened \/e (\d+)/g)].map(([, pid]) => Number(pid)));
    await eventually("both ran the hook", async () => {
      using client = await connect(`ws://${house.host}/e`);
      expect(await bounded("a welcome", client.next())).toBe("from the environment");
      return opened().size === 2;
    });
    expect(opened()).toEqual(new Set(house.pids));
    process.kill(house.pids[0] ?? 0, "SIGKILL");
    await house.program.says(AGAIN, 20);
    expect((await house.get("/readyz")).status).toBe(200);
  });

  withRedis("run a source once, and another one goes on with it when its worker dies", async () => {
    const routes = "routes: { /prices: { kind: feed, source: stocks, interval: 100ms } }\n";
    const config = (await yaml(routes)).replace("engine: {", "engine: { lease: 1s,");
    const house = await serve(folder({ "fairlead.yaml": config }));
    const runs = () => house.lines("the source runs at this node").map(({ worker }) => Number(worker));
    await eventually("it runs", () => runs().length > 0);
    const reader = await speak(`ws://${house.host}/prices`);
    onTestFinished(() => reader[Symbol.dispose]());
    await reader.take(20);
    expect(runs()).toHaveLength(1);
    const [first = 0] = runs();
    process.kill(house.pids[first - 1] ?? 0, "SIGKILL");
    await house.program.says(/(?:the source runs at this node[\s\S]*){2}/, 20);
    expect(runs()).toHaveLength(2);
  });

  withRedis("lead a client of a bridge back to the worker that has its stream", async () => {
    using service = await startService((peer) => peer.echo());
    const config = await yaml(
      `listen: { workerPort: 0 }\nadvertise: "ws://127.0.0.1"\nroutes: { /tcp: { kind: bridge, target: "${service.target}" } }\n`,
    );
    const house = await serve(folder({ "fairlead.yaml": config }));
    using proxy = await startProxy(Number(house.host.split(":")[1]));
    const bridges = Array.from({ length: 8 }, () =>
      openBridge(`ws://${proxy.host}/tcp`, { minDelay: 1, maxDelay: 20 }),
    );
    const writers = bridges.map((bridge) => bridge.writable.getWriter());
    const readers = bridges.map((bridge) => bridge.readable.getReader());
    const talk = async (text: string) => {
      const bytes = new TextEncoder().encode(text);
      await Promise.all(writers.map((writer) => writer.write(bytes)));
      for (const reader of readers) {
        let heard = "";
        while (heard.length < text.length)
          heard += new TextDecoder().decode((await bounded("an echo", reader.read())).value);
        expect(heard).toBe(text);
      }
    };
    await talk("before");
    proxy.reset();
    await talk("after");
    expect(service.accepted).toBe(8);
    const closed = (code: number) =>
      house.metric(`fairlead_connections_closed_total{route="/tcp",code="${code}"}`);
    // Two of three met a wrong worker; each was sent to the right one at once, and nobody had to try again.
    expect([await closed(1013), (await closed(4011)) > 0, (await closed(4011)) <= 8]).toEqual([
      0,
      true,
      true,
    ]);
    for (const writer of writers) await writer.close();
    await Promise.all(bridges.map((bridge) => bounded("its end", bridge.closed)));
  });
});

test("workers without an engine that they share are a config error, with the line and what to do", () => {
  const cwd = folder({ "fairlead.yaml": "routes: { /echo: { kind: echo } }\nworkers: 4\n" });
  const { code, out, talk } = run([], { cwd });
  expect([code, out]).toEqual([2, ""]);
  expect(talk).toBe(
    'fairlead.yaml:2: workers: needs an engine that processes share, and engine memory is of one process, got 4. Set engine: { redis: "redis://127.0.0.1:6379" }, or workers: 1.\n',
  );
  expect(run(["echo", "--workers", "auto"], { cwd }).talk).toStartWith("--workers: needs an engine");
  expect(run(["echo"], { cwd, env: { FAIRLEAD_WORKERS: "2" } }).talk).toStartWith(
    "env FAIRLEAD_WORKERS: workers: needs",
  );
});

test("workers are no server that ends by itself", () => {
  const env = { FAIRLEAD_ENGINE__REDIS: "redis://127.0.0.1:1", FAIRLEAD_WORKERS: "2" };
  const { code, talk } = run(["bridge", ":0", "127.0.0.1:9", "--run-once"], { env });
  expect([code, talk]).toEqual([
    2,
    "fairlead: nobody counts the connections of 2 workers together; set workers: 1 for a server that ends by itself\n",
  ]);
});
