/** Faults of the network below TCP, in a namespace of its own: packets that vanish, for a while or by chance, and a narrow link. */
import { expect, onTestFinished } from "bun:test";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { NAME_SERVER } from "../../scripts/faults/network.ts";
import { type ConnectOptions, connect, type Session, type Status } from "../../src/client/index.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { eventually } from "../calm.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { ask } from "../raw-client.ts";
import { hurried } from "../system/kills-house.ts";
import { within } from "../system/program.ts";
import { range, readNumbers } from "../system/read-numbers.ts";
import { cutOff, FAR, inNetwork, killConnections, losePackets, narrow } from "./broken-network.ts";

type Routes = ConfigInput["routes"];

const LASTING = { size: 10_000, ttl: 0, bytes: 0 } as const;
const QUICK = { ping: "1s", pong: "1s" } as const;

/** A gateway that is reached at 127.0.0.1 and at FAR, and sessions with all that they told. */
async function house(route: NonNullable<Routes>[string]) {
  const log = memoryLog();
  const started = await startGateway(
    { "/r/:name": route },
    { listen: { host: "0.0.0.0", port: 0 } },
    { log },
  );
  onTestFinished(() => started.gateway.stop());
  const port = started.host.slice(started.host.lastIndexOf(":"));
  const session = (host: string, options: ConnectOptions = {}) => {
    const made = connect(`ws://${host}${port}/r/a`, options);
    onTestFinished(() => made.close());
    const statuses: Status[] = [];
    made.onStatus((status) => statuses.push(status));
    return Object.assign(made, { statuses });
  };
  const counted = (name: string, labels = "") =>
    started.metric(`fairlead_${name}{route="/r/:name"${labels}}`);
  return { log, near: "127.0.0.1", session, counted };
}

async function publish(writer: Session, numbers: readonly number[]): Promise<void> {
  const published = Promise.all(numbers.map((n) => writer.publish(n)));
  await within(20, published, () => "a publish was not answered");
}

/** Of all connections of this network so far. */
function resentSegments(): number {
  const [names = [], values = []] = readFileSync("/proc/net/snmp", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Tcp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("RetransSegs")]);
}

const awayOf = ({ statuses }: { readonly statuses: readonly Status[] }) =>
  statuses.filter(({ type }) => type === "away");

inNetwork("1: is noticed by the heartbeat, leaves the room, and is in log and counter", async () => {
  const { log, near, session, counted } = await house({ kind: "room", heartbeat: QUICK });
  const watcher = session(near).subscribe(undefined, { presence: true });
  const seen: string[] = [];
  const left = Promise.withResolvers<void>();
  void watcher.listen((item) => {
    seen.push(item.type);
    if (item.type === "leave") left.resolve();
  });
  await watcher.ready;
  await session(FAR).subscribe().ready;
  cutOff();
  await within(5, left.promise, () => `nobody left; told were ${seen}`);
  expect(seen).toEqual(["join", "leave"]);
  expect(await counted("connections_closed_total", ',code="4008"')).toBe(1);
  expect(await counted("connections")).toBe(1);
  expect(log.lines.filter(({ code }) => code === 4008)).toMatchObject([{ text: "goodbye", local: true }]);
});

inNetwork("2: the library gives the dead link up by itself and goes on where it was", async () => {
  const { near, session, counted } = await house({
    kind: "feed",
    publish: true,
    history: LASTING,
    heartbeat: QUICK,
  });
  const far = session(FAR, { clock: hurried });
  const reader = readNumbers(far);
  await reader.ready;
  const writer = session(near);
  await publish(writer, range(0, 50));
  await reader.has(49, 5);
  const mend = cutOff();
  await publish(writer, range(50, 50));
  await eventually("the library's own notice", () => awayOf(far).length > 0);
  mend();
  await publish(writer, range(100, 50));
  await reader.has(149, 10);
  expect(reader.got).toEqual(range(0, 150));
  expect(reader.other).toEqual([]);
  await eventually("the end of the old one", async () => (await counted("connections")) === 2);
});

inNetwork("3: the connection survives, and what was said meanwhile comes once, in order", async () => {
  const { near, session, counted } = await house({ kind: "feed", publish: true, history: LASTING });
  const far = session(FAR);
  const reader = readNumbers(far);
  await reader.ready;
  const writer = session(near);
  await publish(writer, range(0, 50));
  await reader.has(49, 5);
  const mend = cutOff();
  const late = Promise.all(range(1000, 20).map((n) => far.publish(n)));
  for (const n of range(50, 30)) {
    await publish(writer, [n]);
    await Bun.sleep(100);
  }
  mend();
  await within(20, late, () => "what the far one published was not answered");
  await reader.has(1019, 20);
  expect(reader.got).toEqual([...range(0, 80), ...range(1000, 20)]);
  expect(await counted("connections_opened_total")).toBe(2);
  expect(awayOf(far)).toEqual([]);
});

inNetwork("4: nothing is missing, nobody is cut off, and the wait is told", async () => {
  const { near, session } = await house({ kind: "feed", publish: true, history: LASTING });
  const sessions = Array.from({ length: 10 }, () => session(near));
  const readers = sessions.map((each) => readNumbers(each));
  await Promise.all(readers.map(({ ready }) => ready));
  const writer = session(near);
  const before = resentSegments();
  losePackets(0.05);
  const times: number[] = [];
  for (const n of range(0, 300)) {
    const began = performance.now();
    void writer.publish(n).then(() => times.push(performance.now() - began));
    await Bun.sleep(10);
  }
  for (const reader of readers) await reader.has(299, 20);
  for (const reader of readers) expect(reader.got).toEqual(range(0, 300));
  for (const each of [writer, ...sessions]) expect(awayOf(each)).toEqual([]);
  await eventually("every answer", () => times.length === 300);
  expect(resentSegments() - before).toBeGreaterThan(20);
  const sorted = times.sort((a, b) => a - b);
  console.error(`5 % loss: p50 ${sorted[150]?.toFixed(1)} ms, p99 ${sorted[297]?.toFixed(0)} ms`);
});

const SIZE = 16 * 1024;
const MANY = 300;

/** Publishes numbers 0 ... MANY - 1 as fast as it may, once it is told to. */
function burst() {
  const go = Promise.withResolvers<void>();
  async function* source(signal: AbortSignal) {
    await go.promise;
    const rest = " ".repeat(SIZE);
    for (const n of range(0, MANY)) {
      yield { topic: "a", data: { n, key: `k${n % 3}`, rest } };
      await new Promise<void>((done) => setTimeout(done, 2));
    }
    // One that ends is begun anew.
    await new Promise<void>((done) => signal.addEventListener("abort", () => done()));
  }
  return { source, go: go.resolve };
}

for (const policy of ["drop-oldest", "latest"] as const) {
  inNetwork(`5: ${policy} bounds what waits, and the newest arrives`, async () => {
    const { source, go } = burst();
    const { near, session, counted } = await house({
      kind: "feed",
      source,
      keyField: "key",
      history: { size: 0 },
      slow: { policy, highWater: "64KiB" },
    });
    const numbers: number[] = [];
    const gaps: number[] = [];
    const newest = Promise.withResolvers<void>();
    const subscription = session(near).subscribe("a");
    void subscription.listen((item) => {
      if (item.type === "gap") gaps.push(item.offset);
      if (item.type !== "message") return;
      const { n } = item.data as { n: number };
      numbers.push(n);
      if (n === MANY - 1) newest.resolve();
    });
    await subscription.ready;
    narrow(1_000);
    go();
    await within(30, newest.promise, () => `the newest did not come; the last was ${numbers.at(-1)}`);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.length).toBeLessThan(MANY / 2);
    expect(gaps.length).toBeGreaterThan(0);
    if (policy === "latest") expect(numbers.slice(-3)).toEqual(range(MANY - 3, 3));
    const reason = policy === "latest" ? "conflated" : "slow";
    const dropped = await counted("messages_dropped_total", `,reason="${reason}"`);
    expect(dropped).toBe(MANY - numbers.length);
    expect(await counted("messages_due_total")).toBe(dropped + (await counted("messages_delivered_total")));
  });
}

inNetwork("9: both ends notice, and the library goes on where it was", async () => {
  const { near, session, counted } = await house({ kind: "feed", publish: true, history: LASTING });
  const far = session(FAR);
  const reader = readNumbers(far);
  await reader.ready;
  const writer = session(near);
  for (const round of range(0, 5)) {
    await publish(writer, range(round * 20, 10));
    expect(killConnections()).toBeGreaterThan(0);
    await publish(writer, range(round * 20 + 10, 10));
    await reader.has(round * 20 + 19, 20);
  }
  expect(reader.got).toEqual(range(0, 100));
  expect(awayOf(far)).toHaveLength(5);
  expect(await counted("connections_closed_total", ',code="1006"')).toBe(5);
});

/** Hears questions for names, and answers none until it is told to: then, that there is no such name. */
async function nameServer() {
  const asked: { readonly question: Buffer; readonly port: number }[] = [];
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  let isSilent = true;
  const answer = ({ question, port }: { readonly question: Buffer; readonly port: number }) => {
    const reply = Buffer.from(question);
    reply.writeUInt16BE(0x8183, 2); // an answer: NXDOMAIN
    socket.send(reply, port, "127.0.0.1");
  };
  socket.on("message", (question, { port }) => {
    asked.push({ question, port });
    if (!isSilent) answer({ question, port });
  });
  await new Promise<void>((done) => socket.bind(53, NAME_SERVER, done));
  return {
    asked,
    answer() {
      isSilent = false;
      for (const each of asked) answer(each);
    },
  };
}

inNetwork(
  "12: a name server that says nothing costs 504 in time, no more dials than may be, and 502 once it answers",
  async () => {
    const names = await nameServer();
    const log = memoryLog();
    const gateway = await startGateway(
      {
        "/b": {
          kind: "bridge",
          target: "nobody.example:80",
          dialTimeout: "500ms",
          dialPending: 2,
        },
      },
      {},
      { log },
    );
    onTestFinished(() => gateway.gateway.stop());
    const dial = async () => (await ask(gateway.host, { path: "/b" })).status;
    const began = performance.now();
    expect(await Promise.all([dial(), dial(), dial()])).toEqual([504, 504, 503]);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(names.asked.length).toBeGreaterThan(0);
    // Those that timed out count until the system has decided.
    expect(await dial()).toBe(503);
    expect(log.lines.filter(({ text }) => text === "! upstream: no connection")).toHaveLength(4);
    for (const line of log.lines.filter(({ target }) => target !== undefined))
      expect(line["target"]).toBe("nobody.example:80");
    names.answer();
    await eventually("an answer for whoever asks now", async () => (await dial()) === 502);
    expect(await gateway.metric("fairlead_descriptors_used")).toBe(0);
  },
);

inNetwork(
  "12: a target that no route leads to costs 502, one whose packets vanish 504 when dialTimeout is over",
  async () => {
    const route = (target: string) => ({ kind: "bridge", target, dialTimeout: "500ms" }) as const;
    const gateway = await startGateway({
      "/unroutable": route("198.51.100.1:80"),
      "/vanished": route(`${FAR}:80`),
    });
    onTestFinished(() => gateway.gateway.stop());
    cutOff();
    // The runtime calls a network that is unreachable a connection that is refused.
    expect((await ask(gateway.host, { path: "/unroutable" })).status).toBe(502);
    expect((await ask(gateway.host, { path: "/vanished" })).status).toBe(504);
  },
);
