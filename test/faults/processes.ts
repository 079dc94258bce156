/** Faults of processes: stopped, killed, restarted under load, held up. The gateway is a process of its own. */
import { expect, onTestFinished, test } from "bun:test";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type ConnectOptions, connect, type Published, type Session } from "../../src/client/index.ts";
import { eventually } from "../calm.ts";
import { folder } from "../folder.ts";
import { frame, OPCODE, upgrade } from "../raw-client.ts";
import { noise } from "../routes/bridge-house.ts";
import { hurried } from "../system/kills-house.ts";
import { start, within } from "../system/program.ts";
import { range, readNumbers } from "../system/read-numbers.ts";
import { freePort, type GatewayProcess, gatewayProcess } from "./gateway-process.ts";

const MIB = 1024 * 1024;
const LASTING = { size: 100_000, ttl: 0, bytes: 0 } as const;
const quiet = { level: "warn" } as const;

function session(host: string, path: string, options: ConnectOptions = {}): Session {
  const made = connect(`ws://${host}${path}`, options);
  onTestFinished(() => made.close());
  return made;
}

test("13: pauses its client, costs no memory, and gets every byte once it goes on", async () => {
  const target = start([process.execPath, join(import.meta.dir, "hashing-target.ts")], {
    cwd: import.meta.dir,
  });
  const [, port] = await target.says(/port (\d+)/);
  const gateway = await gatewayProcess({
    listen: { port: 0 },
    log: quiet,
    routes: { "/b": { kind: "bridge", target: `127.0.0.1:${port}` }, "/echo": { kind: "echo" } },
  });
  const client = await upgrade(gateway.host, { path: "/b" });
  onTestFinished(() => client[Symbol.dispose]());
  const piece = noise(MIB);
  const binary = frame(piece, { opcode: OPCODE.binary });
  const send = async (pieces: number) => {
    for (const _ of range(0, pieces)) {
      client.write(binary);
      while (client.unsent > 8 * MIB) await Bun.sleep(5);
    }
  };
  await send(32);
  const before = gateway.residentBytes();
  target.kill("SIGSTOP");
  const sending = send(96);
  await eventually("the client waits", () => client.unsent > 8 * MIB);
  await Bun.sleep(1_500);
  expect(client.unsent).toBeGreaterThan(8 * MIB);
  expect(gateway.residentBytes() - before).toBeLessThan(24 * MIB);
  target.kill("SIGCONT");
  await within(30, sending, () => `${client.unsent} bytes wait`);
  client.write(frame(Buffer.from([3, 232]), { opcode: OPCODE.close }));
  const hash = createHash("sha256");
  for (const _ of range(0, 128)) hash.update(piece);
  const [, size, digest] = await target.says(/came (\d+) (\w+)/, 20);
  expect([Number(size), digest]).toEqual([128 * MIB, hash.digest("hex")]);
});

test("26: is left by its clients, and serves none of their old connections when it goes on", async () => {
  const gateway = await gatewayProcess({
    listen: { port: 0 },
    log: quiet,
    routes: { "/r": { kind: "room", history: LASTING, heartbeat: { ping: "1s", pong: "1s" } } },
  });
  // The library's waits pass twenty times as fast: two seconds are more than half a minute to it.
  const sessions = range(0, 20).map(() => session(gateway.host, "/r", { clock: hurried }));
  const readers = sessions.map((each) => readNumbers(each));
  await Promise.all(readers.map(({ ready }) => ready));
  const [writer] = sessions;
  for (const n of range(0, 50)) await writer?.publish(n);
  const away = Promise.all(sessions.map((each) => becomes(each, "away")));
  gateway.program.kill("SIGSTOP");
  const late = Promise.all(range(50, 50).map((n) => writer?.publish(n)));
  await within(10, away, () => "somebody did not notice");
  await Bun.sleep(1_000);
  gateway.program.kill("SIGCONT");
  await within(20, late, () => "what was said meanwhile was not answered");
  for (const reader of readers) {
    await reader.has(99, 20);
    expect(reader.got).toEqual(range(0, 100));
    expect(reader.other).toEqual([]);
  }
  const connections = 'fairlead_connections{route="/r"}';
  await eventually("one connection each", async () => (await gateway.metric(connections)) === 20);
  expect(await writer?.presence()).toHaveLength(20);
});

function becomes(session: Session, type: Session["status"]["type"]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = session.onStatus((status) => {
    if (status.type !== type) return;
    stop();
    resolve();
  });
  if (session.status.type === type) resolve();
  return promise;
}

test("27: closes are spread over the window, the exit is in order, and nothing answered is lost", async () => {
  const WINDOW = 2_000;
  const port = freePort();
  const cwd = folder();
  const config = {
    listen: { port },
    log: quiet,
    drain: { window: WINDOW },
    engine: { sqlite: "f.db" },
    routes: { "/f/:topic": { kind: "feed", publish: true, welcome: false, history: LASTING } },
  } as const;
  const first = await gatewayProcess(config, { cwd });
  const closes: { readonly at: number; readonly code: number }[] = [];
  const readers = range(0, 300).map(() => new WebSocket(`ws://${first.host}/f/t`));
  for (const reader of readers)
    reader.onclose = ({ code }) => closes.push({ code, at: performance.now() - began });
  await Promise.all(readers.map((reader) => new Promise((done) => reader.addEventListener("open", done))));
  const writers = range(0, 5).map(() => session(first.host, "/f/t"));
  const all = readNumbers(session(first.host, "/f/t"));
  await all.ready;
  const answers: Promise<Published>[] = [];
  let goesOn = true;
  const talking = writers.map(async (writer, at) => {
    for (let n = at; goesOn; n += 5) {
      const answer = writer.publish(n);
      answers.push(answer);
      await answer;
    }
  });
  await eventually("much is under way", () => all.got.length > 500);
  const began = performance.now();
  first.program.kill("SIGTERM");
  expect(await first.program.ended(WINDOW / 1_000 + 3)).toBe(0);
  await eventually("every close", () => closes.length === 300);
  const second = await gatewayProcess(config, { cwd });
  const before = all.got.length;
  await eventually("they go on", () => all.got.length > before + 100);
  goesOn = false;
  await within(20, Promise.all(talking), () => "a publish was not answered");

  expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([1012]));
  // Whole connections are closed in a tick, two of these 300, so three quarters of the window may do.
  const quarters = range(0, 3).map(
    (quarter) => closes.filter(({ at }) => Math.floor((at / WINDOW) * 4) === quarter).length,
  );
  for (const count of quarters) expect(count).toBeGreaterThan(30);
  await eventually("all that was answered", () => all.got.length >= answers.length);
  expect([...all.got].sort((a, b) => a - b)).toEqual([...new Set(all.got)].sort((a, b) => a - b));
  expect(all.got).toHaveLength(answers.length);
  expect(all.other).toEqual([]);
  expect(await second.metric("fairlead_engine_up")).toBe(1);
});

test("38: 1,500 come back at times of their own, and the gateway is at rest soon", async () => {
  const SESSIONS = 1_500;
  const port = freePort();
  const cwd = folder();
  const config = {
    listen: { port },
    log: quiet,
    engine: { sqlite: "f.db" },
    routes: { "/f/:topic": { kind: "feed", publish: true, welcome: false, history: LASTING } },
  } as const;
  const first = await gatewayProcess(config, { cwd });
  const opened: number[] = [];
  const sessions = range(0, SESSIONS).map(() => session(first.host, "/f/t"));
  const readers = sessions.map((each) => readNumbers(each));
  await within(60, Promise.all(readers.map(({ ready }) => ready)), () => "not all came");
  for (const each of sessions)
    each.onStatus(({ type }) => {
      if (type === "open") opened.push(performance.now());
    });
  await sessions[0]?.publish(0);
  for (const reader of readers) await reader.has(0, 20);
  first.program.kill("SIGKILL");
  await first.program.ended();
  const second: GatewayProcess = await gatewayProcess(config, { cwd });
  const back = performance.now();
  await sessions[0]?.publish(1);
  for (const reader of readers) await reader.has(1, 30);
  const whole = performance.now() - back;

  for (const reader of readers) expect([reader.got, reader.other]).toEqual([[0, 1], []]);
  expect(opened).toHaveLength(SESSIONS);
  const most = Math.max(...tenths(opened).values());
  expect(most).toBeLessThan(SESSIONS / 2);
  const busy = second.cpuSeconds();
  await Bun.sleep(1_000);
  expect(second.cpuSeconds() - busy).toBeLessThan(0.3);
  console.error(
    `${SESSIONS} sessions were back after ${(whole / 1_000).toFixed(1)} s, at most ${most} in a tenth of a second`,
  );
});

/** How many of these moments lie in each tenth of a second. */
function tenths(moments: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const at of moments) {
    const tenth = Math.floor(at / 100);
    counts.set(tenth, (counts.get(tenth) ?? 0) + 1);
  }
  return counts;
}

test("40: nobody is taken for dead, and what was said meanwhile arrives", async () => {
  const gateway = await gatewayProcess({
    listen: { port: 0 },
    log: quiet,
    routes: {
      "/r": { kind: "room", history: LASTING, heartbeat: { ping: "1s", pong: "1s" } },
    },
  });
  const sessions = range(0, 300).map(() => session(gateway.host, "/r"));
  const readers = sessions.map((each) => readNumbers(each));
  await within(20, Promise.all(readers.map(({ ready }) => ready)), () => "not all came");
  // So that pings are under way when it stops, and their deadlines have passed when it goes on.
  for (const _ of range(0, 3)) {
    await Bun.sleep(900);
    gateway.program.kill("SIGSTOP");
    const said = sessions[0]?.publish(0);
    await Bun.sleep(2_000);
    gateway.program.kill("SIGCONT");
    await said;
  }
  expect(await gateway.metric("fairlead_event_loop_lag_seconds")).toBeWithin(1.5, 4);
  await Bun.sleep(2_500);
  for (const reader of readers) expect(reader.got).toEqual([0, 0, 0]);
  expect(await gateway.metric('fairlead_connections{route="/r"}')).toBe(300);
  expect(await gateway.metric('fairlead_connections_opened_total{route="/r"}')).toBe(300);
});
