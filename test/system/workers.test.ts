/** Several processes on one port, as whoever runs them sees them: who gets a connection, what /metrics says, how they end and come back. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { readFileSync } from "node:fs";
import { PROCESS_METRICS } from "../../src/metrics/process.ts";
import { ROUTE_METRICS } from "../../src/metrics/route.ts";
import { WORKERS_METRICS } from "../../src/metrics/workers.ts";
import { eventually } from "../calm.ts";
import { type CrewHouse, startCrew, startProgram } from "../cli/workers/crew.ts";
import { parseExposition } from "../exposition.ts";
import { connect, type TestClient } from "../gateway.ts";
import { hasEnded } from "../process.ts";
import { bounded } from "../raw-client.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;
const WORKERS = 4;
const CLIENTS = 48;

async function clientsOf(house: CrewHouse, count = CLIENTS): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  while (clients.length < count) {
    const client = await connect(`ws://${house.host}/echo`);
    onTestFinished(() => client[Symbol.dispose]());
    clients.push(client);
  }
  return clients;
}

/** The numbers of the workers that have a connection. */
const servingWorkers = (house: CrewHouse) => new Set(house.lines("connected").map(({ worker }) => worker));

async function expectEcho(client: TestClient, text: string): Promise<void> {
  client.send(text);
  expect(await bounded("an echo", client.next())).toBe(text);
}

describe("four workers", () => {
  test("share a port, and each gets some of the connections", async () => {
    const house = await startCrew({ workers: WORKERS, routes });
    expect(new Set(house.pids).size).toBe(WORKERS);
    const clients = await clientsOf(house);
    await eventually("all are logged", () => house.lines("connected").length === CLIENTS);
    expect(servingWorkers(house)).toEqual(new Set([1, 2, 3, 4]));
    await Promise.all(clients.map((client, index) => expectEcho(client, `from ${index}`)));
  });

  test("count together what their clients count, whichever of them is asked", async () => {
    const house = await startCrew({ workers: WORKERS, routes });
    const clients = await clientsOf(house);
    const closing = clients.slice(0, 10);
    for (const client of closing) client.socket.close(1000);
    await Promise.all(closing.map(({ closed }) => closed));
    const open = clients.slice(10);
    await Promise.all(open.map((client, index) => expectEcho(client, "x".repeat(index))));
    const bytes = open.reduce((sum, _, index) => sum + index, 0);
    const expected = [
      ["fairlead_connections", open.length],
      ["fairlead_connections_opened_total", CLIENTS],
      ["fairlead_messages_received_total", open.length],
      ["fairlead_messages_sent_total", open.length],
    ] as const;
    await eventually(
      "all are closed",
      async () => (await house.metric(`fairlead_connections{route="/echo"}`)) === open.length,
    );
    for (const [name, value] of expected) {
      for (let asked = 0; asked < 4; asked += 1)
        expect([name, await house.metric(`${name}{route="/echo"}`)]).toEqual([name, value]);
    }
    expect(await house.metric('fairlead_message_bytes_total{route="/echo",direction="in"}')).toBe(bytes);
    expect(await house.metric('fairlead_connections_closed_total{route="/echo",code="1000"}')).toBe(10);
    expect(await house.metric("fairlead_descriptors_used")).toBe(open.length);
    expect(await house.metric('fairlead_workers{state="answering"}')).toBe(WORKERS);
    const names = parseExposition((await house.get("/metrics")).text).map(({ name }) => name);
    expect(names).toEqual([...ROUTE_METRICS, ...PROCESS_METRICS, ...WORKERS_METRICS].map(({ name }) => name));
  });

  test("divide among them what bounds the whole", async () => {
    const house = await startCrew({
      workers: WORKERS,
      routes,
      limits: { connections: 42 },
      memory: { max: "4GiB" },
    });
    expect(await house.metric("fairlead_descriptors_max")).toBe(4 * 11);
    expect(await house.metric("fairlead_memory_max_bytes")).toBe(4 * 1024 ** 3);
  });
});

test("each worker has a port of its own, if that is asked for, also after it died", async () => {
  const house = await startCrew({ workers: 3, routes, listen: { port: 0, workerPort: 0 } });
  const ports = () =>
    new Map(house.lines("listening").map(({ worker, workerPort }) => [Number(worker), Number(workerPort)]));
  const first = ports();
  expect(new Set([...first.values(), Number(house.host.split(":")[1])]).size).toBe(4);
  for (const [index, port] of [...first.values()].entries()) {
    const client = await connect(`ws://127.0.0.1:${port}/echo`);
    onTestFinished(() => client[Symbol.dispose]());
    await eventually("it is logged", () => house.lines("connected").length === index + 1);
  }
  expect(house.lines("connected").map(({ worker }) => worker)).toEqual([...first.keys()]);
  process.kill(house.pids[1] ?? 0, "SIGKILL");
  await house.program.says(/a worker listens again/, 20);
  expect(ports()).toEqual(first);
});

describe("SIGTERM", () => {
  test("drains all, and ends with 0", async () => {
    const house = await startCrew({ workers: WORKERS, routes });
    const clients = await clientsOf(house, 16);
    house.program.kill("SIGTERM");
    const ends = await Promise.all(clients.map(({ closed }) => bounded("the close", closed)));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1012]));
    // Its output ends with the last process that holds it.
    expect(await house.program.ended()).toBe(0);
    expect(
      house
        .lines("stopped")
        .map(({ worker }) => worker)
        .sort(),
    ).toEqual([1, 2, 3, 4]);
    expect(house.lines("! a worker ended; another one starts after the pause (ms)")).toEqual([]);
  });

  test("ends with 0, too, while a worker is only just starting again", async () => {
    const house = await startCrew({ workers: 2, routes });
    process.kill(house.pids[0] ?? 0, "SIGKILL");
    const { pid } = house.program;
    const children = () =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    await eventually("it is started", () => children().some((child) => !house.pids.includes(child)));
    house.program.kill("SIGTERM");
    expect(await house.program.ended()).toBe(0);
  });

  test("of one worker drains that one, and another one takes its place", async () => {
    const house = await startCrew({ workers: 2, routes });
    const clients = await clientsOf(house, 24);
    process.kill(house.pids[0] ?? 0, "SIGTERM");
    await house.program.says(/a worker listens again/, 20);
    const closed = await Promise.all(clients.map(({ socket }) => socket.readyState !== WebSocket.OPEN));
    expect(new Set(closed)).toEqual(new Set([true, false]));
    expect(await house.metric("fairlead_workers_ended_total")).toBe(1);
    expect((await house.get("/readyz")).status).toBe(200);
  });

  test("twice ends all at once, with 143", async () => {
    const house = await startCrew({ workers: 2, routes, drain: { delay: "1m" } });
    await clientsOf(house, 4);
    house.program.kill("SIGINT");
    await house.program.says(/stopping/);
    house.program.kill("SIGTERM");
    expect(await house.program.ended()).toBe(143);
  });
});

describe("Ctrl-C in a terminal, which reaches every process,", () => {
  test("stops all in order, and twice at once", async () => {
    const once = await startCrew({ workers: 2, routes }, true);
    once.program.type("\u0003");
    expect(await once.program.ended()).toBe(0);
    expect(once.program.output().match(/stopping; once more/g)).toHaveLength(1);
    const twice = await startCrew({ workers: 2, routes, drain: { delay: "1m" } }, true);
    twice.program.type("\u0003");
    await twice.program.says(/stopping/);
    await Bun.sleep(600); // equal signals within 500 ms are one
    twice.program.type("\u0003");
    expect(await twice.program.ended()).toBe(130);
    await eventually("nobody is left", () => twice.pids.every(hasEnded));
  });
});

describe("the process that watches", () => {
  test("is killed: the workers drain, and nobody is left behind", async () => {
    const house = await startCrew({ workers: WORKERS, routes });
    const clients = await clientsOf(house, 16);
    house.program.kill("SIGKILL");
    const ends = await Promise.all(clients.map(({ closed }) => bounded("the close", closed)));
    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1012]));
    expect(await house.program.ended()).toBe("SIGKILL");
    await eventually("nobody is left", () => house.pids.every(hasEnded));
  });

  test("does not answer: whoever is asked says so within a second, and serves on", async () => {
    const house = await startCrew({ workers: 2, routes });
    const [client] = await clientsOf(house, 1);
    house.program.kill("SIGSTOP");
    const told = "the process that watches the workers does not answer\n";
    expect(await house.get("/readyz")).toEqual({ status: 503, text: `not ready: ${told}` });
    expect(await house.get("/metrics")).toEqual({ status: 503, text: told });
    expect((await house.get("/healthz")).status).toBe(200);
    if (client !== undefined) await expectEcho(client, "still here");
    house.program.kill("SIGCONT");
    expect((await house.get("/readyz")).status).toBe(200);
  });
});

test("a worker that hangs is told as silent, with its last numbers, and the others are ready", async () => {
  const house = await startCrew({ workers: 2, routes });
  await clientsOf(house, 8);
  expect(await house.metric('fairlead_connections{route="/echo"}')).toBe(8);
  process.kill(house.pids[0] ?? 0, "SIGSTOP");
  // The system gives the one that hangs its part of the connections, too.
  const ask = async (path: string) => {
    for (;;) {
      const signal = AbortSignal.timeout(1_000);
      const answer = await fetch(`http://${house.host}${path}`, { keepalive: false, signal }).catch(
        () => undefined,
      );
      if (answer !== undefined) return { status: answer.status, text: await answer.text() };
    }
  };
  expect((await ask("/readyz")).status).toBe(200);
  const { text } = await ask("/metrics");
  expect(text).toContain('fairlead_workers{state="silent"} 1\n');
  expect(text).toContain('fairlead_connections{route="/echo"} 8\n');
  process.kill(house.pids[0] ?? 0, "SIGCONT");
  await eventually(
    "it answers again",
    async () => (await house.metric('fairlead_workers{state="silent"}')) === 0,
  );
});

describe("the start of workers ends with 1 and one line, if", () => {
  test("the port is in use, also by one that would share it", async () => {
    const { host } = await startCrew({ workers: 2, routes });
    const port = Number(host.split(":")[1]);
    const second = startProgram({ workers: 2, routes, listen: { port } });
    expect(await second.ended()).toBe(1);
    expect(second.output()).toBe(
      `fairlead: 127.0.0.1:${port} is in use by another program. Stop it, or choose another port with --port.\n`,
    );
  });

  test("a worker cannot start", async () => {
    const program = startProgram({ workers: 3, routes, web: "/nowhere/at/all" });
    expect(await program.ended()).toBe(1);
    expect(program.output().match(/^fairlead: .*\/nowhere\/at\/all.*$/gm)).toHaveLength(1);
  });
});
