/** Faults of the machine: no descriptors, no port, no disk, nobody who reads what the program says. */
import { expect, onTestFinished, test } from "bun:test";
import { chmodSync, rmSync } from "node:fs";
import { connect as dialSocket, type Socket } from "node:net";
import { join } from "node:path";
import { connect } from "../../src/client/index.ts";
import { eventually } from "../calm.ts";
import { main } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { hasEnded } from "../process.ts";
import { ask, frame, type RawClient, upgrade } from "../raw-client.ts";
import { requires } from "../requires.ts";
import { start } from "../system/program.ts";
import { range } from "../system/read-numbers.ts";
import { freePort, gatewayProcess } from "./gateway-process.ts";

const ECHO = { "/echo": { kind: "echo", welcome: false } } as const;
const quiet = { level: "warn" } as const;

test("31: a file that is removed between two runs is told as a new epoch, never guessed", async () => {
  const cwd = folder();
  const port = freePort();
  const config = {
    listen: { port },
    log: quiet,
    engine: { sqlite: "f.db" },
    routes: { "/f/:topic": { kind: "feed", publish: true, welcome: false } },
  } as const;
  const first = await gatewayProcess(config, { cwd });
  const session = connect(`ws://${first.host}/f/t`);
  onTestFinished(() => session.close());
  const items: string[] = [];
  const reader = session.subscribe();
  void reader.listen((item) => {
    if (item.type === "message") items.push(`${item.offset} ${item.data}`);
    if (item.type === "gap") items.push(`gap ${item.reason}`);
  });
  await reader.ready;
  for (const n of range(1, 3)) await session.publish(n);
  first.program.kill("SIGKILL");
  await first.program.ended();
  for (const end of ["", "-wal", "-shm"]) rmSync(join(cwd, `f.db${end}`), { force: true });
  await gatewayProcess(config, { cwd });
  await session.publish("new");
  await eventually("what is new", () => items.length >= 5);
  expect(items).toEqual(["1 1", "2 2", "3 3", expect.stringMatching(/^gap (epoch|unrecovered)$/), "1 new"]);
});

/** Room for 128 descriptors: 102 for connections, the rest for the process itself. */
const FEW = (prlimit: string) => [prlimit, "--nofile=128:128"];

requires("prlimit")(
  "42: WebSockets past the cap get 503, nothing spins, and room comes back",
  async ({ prlimit }) => {
    const gateway = await gatewayProcess(
      { listen: { port: 0 }, log: quiet, routes: ECHO },
      { under: FEW(prlimit) },
    );
    const clients: RawClient[] = [];
    onTestFinished(() => clients.forEach((client) => void client[Symbol.dispose]()));
    // Four fifths of the limit, less what the process was born with beyond the usual.
    const cap = await gateway.metric("fairlead_descriptors_max");
    expect(cap).toBeWithin(80, 103);
    while (clients.length < cap) clients.push(await upgrade(gateway.host));
    for (const _ of range(0, 5)) {
      const { status, headers } = await ask(gateway.host);
      expect([status, headers.has("retry-after")]).toEqual([503, true]);
    }
    expect(await gateway.metric('fairlead_handshakes_rejected_total{reason="full"}')).toBe(5);
    const busy = gateway.cpuSeconds();
    await Bun.sleep(1_000);
    expect(gateway.cpuSeconds() - busy).toBeLessThan(0.3);
    for (const client of clients.splice(0, 50)) client.reset();
    await eventually("room", async () => (await gateway.metric("fairlead_descriptors_used")) === cap - 50);
    clients.push(await upgrade(gateway.host));
  },
);

requires("prlimit")(
  "42: silent sockets that take every descriptor are cut, and the others live on",
  async ({ prlimit }) => {
    const gateway = await gatewayProcess(
      { listen: { port: 0 }, log: quiet, routes: ECHO },
      { under: FEW(prlimit) },
    );
    using living = await upgrade(gateway.host);
    const [, port] = gateway.host.split(":");
    const silent: Socket[] = range(0, 200).map(() => dialSocket({ host: "127.0.0.1", port: Number(port) }));
    onTestFinished(() => silent.forEach((socket) => void socket.destroy()));
    for (const socket of silent) socket.on("error", () => {});
    await Bun.sleep(1_000);
    living.write(frame("still here"));
    expect((await living.next()).payload.toString()).toBe("still here");
    const served = async () => {
      for (let left = 100; left > 0; left -= 1) {
        const answer = await upgrade(gateway.host).catch(() => undefined);
        if (answer !== undefined) return answer;
        await Bun.sleep(500);
      }
      throw new Error("nobody is served any more");
    };
    (await served())[Symbol.dispose]();
    for (const socket of silent) socket.destroy();
    const busy = gateway.cpuSeconds();
    await Bun.sleep(1_000);
    expect(gateway.cpuSeconds() - busy).toBeLessThan(0.3);
  },
);

const NOBODY = "65534";
const isPrivileged = (port: number, from: number) => port < from;

requires("setpriv")("43: a privileged port is refused in one line, with exit 1", async ({ setpriv }) => {
  const from = Number(await Bun.file("/proc/sys/net/ipv4/ip_unprivileged_port_start").text());
  expect(isPrivileged(80, from)).toBe(true);
  const cwd = folder();
  chmodSync(cwd, 0o755);
  const drop =
    process.getuid?.() === 0 ? [setpriv, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const program = start([...drop, process.execPath, main, "echo", "127.0.0.1:80"], { cwd });
  expect(await program.ended()).toBe(1);
  expect(program.output()).toMatch(
    /^fairlead: 127\.0\.0\.1:80 needs more rights than this process has\.[^\n]*\n$/,
  );
});

test("44: a log on a full disk costs lines, and nothing else", async () => {
  const port = freePort();
  const cwd = folder();
  const config = { listen: { port }, log: { level: "debug" }, routes: ECHO };
  await Bun.write(join(cwd, "fairlead.json"), JSON.stringify(config));
  const program = start(["sh", "-c", `exec "$0" "$@" 2>/dev/full`, process.execPath, main, "serve"], { cwd });
  await listening(port);
  await converse(`127.0.0.1:${port}`, 200);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(Number(/^fairlead_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(200);
  program.kill("SIGTERM");
  expect(await program.ended()).toBe(0);
});

for (const [who, reader] of [
  ["is closed", "head -c 1"],
  ["nobody reads", "sleep 30"],
] as const) {
  test(`45: a gateway whose output ${who} goes on, and ends in order`, async () => {
    const port = freePort();
    const cwd = folder();
    const config = { listen: { port }, log: { level: "debug" }, routes: ECHO };
    await Bun.write(join(cwd, "fairlead.json"), JSON.stringify(config));
    const script = `("$0" "$@" 2>&1 & echo $! >pid; wait $!; echo "exit $?" >code) | ${reader}`;
    start(["sh", "-c", script, process.execPath, main, "serve"], { cwd });
    await listening(port);
    const pid = Number(await Bun.file(join(cwd, "pid")).text());
    onTestFinished(() => hasEnded(pid) || process.kill(pid, "SIGKILL"));
    const began = performance.now();
    await converse(`127.0.0.1:${port}`, 1_000);
    expect(performance.now() - began).toBeLessThan(4_000);
    process.kill(pid, "SIGTERM");
    await eventually("its end", () => Bun.file(join(cwd, "code")).exists());
    await eventually("its code", async () => (await Bun.file(join(cwd, "code")).text()) === "exit 0\n");
  });
}

async function listening(port: number): Promise<void> {
  await eventually("the gateway listens", () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
}

/** So many echoes, each waited for. */
async function converse(host: string, count: number): Promise<void> {
  using client = await upgrade(host);
  for (const n of range(0, count)) {
    client.write(frame(`${n} ${"x".repeat(100)}`));
    expect((await client.next()).payload.toString()).toStartWith(`${n} `);
  }
}
