/** Gateways that listen on one port: the system gives each a part of the connections. Here they are in one process; workers are several. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { once } from "node:events";
import { join } from "node:path";
import { connect as dialTls } from "node:tls";
import type { ConfigInput } from "../src/config/schema.ts";
import { provePorts } from "../src/listener/prove-ports.ts";
import { CERT, KEY } from "./certificate.ts";
import { folder } from "./folder.ts";
import { connect, memoryLog, startGateway } from "./gateway.ts";
import { makePair } from "./made-certificate.ts";
import { replaceByRename, startTlsHouse } from "./tls-house.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;
const CLIENTS = 60;
const host = "127.0.0.1";
const ANY = { host, port: 0 };

async function start(listen: object, config: Omit<ConfigInput, "routes" | "listen"> = {}) {
  const log = memoryLog();
  const { gateway } = await startGateway(
    routes,
    { ...config, listen: { reusePort: true, ...listen } },
    { log },
  );
  onTestFinished(() => gateway.stop());
  // Ports that the system has found: one that is looked for first may be somebody else's a moment later.
  const told = log.lines.find(({ text }) => text === "listening");
  return {
    port: gateway.address.port,
    plainPort: Number(told?.["plainPort"]),
    workerPort: Number(told?.["workerPort"]),
    came: () => log.lines.filter(({ text }) => text === "connected").length,
  };
}

/** Opens so many connections one after the other. */
async function come(url: string, tls: object = {}): Promise<void> {
  for (let count = 0; count < CLIENTS; count += 1) {
    const client = await connect(url, [], { rejectUnauthorized: false, ...tls });
    onTestFinished(() => client[Symbol.dispose]());
  }
}

function expectSpread(houses: readonly { came(): number }[]): void {
  const counts = houses.map(({ came }) => came());
  expect(counts.reduce((sum, each) => sum + each)).toBe(CLIENTS);
  // By chance one of two gets none of 60 once in 10^18 runs.
  for (const count of counts) expect(count).toBeGreaterThan(0);
}

describe("two gateways with reusePort share", () => {
  test("a port", async () => {
    const first = await start({ port: 0 });
    const second = await start({ port: first.port });
    await come(`ws://${host}:${first.port}/echo`);
    expectSpread([first, second]);
  });

  test("a port with TLS, and the plain one beside it", async () => {
    const dir = folder({ "cert.pem": CERT, "key.pem": KEY });
    const tls = { cert: join(dir, "cert.pem"), key: join(dir, "key.pem") };
    const first = await start({ port: 0, plainPort: 0, tls });
    const { port, plainPort } = first;
    const both = [first, await start({ port, plainPort, tls })];
    await come(`wss://${host}:${port}/echo`);
    expectSpread(both);
    await come(`ws://${host}:${plainPort}/echo`);
    expect(both.reduce((sum, { came }) => sum + came(), 0)).toBe(2 * CLIENTS);
  });

  test("a port that asks for certificates", async () => {
    const alice = await makePair("alice");
    const dir = folder({ "cert.pem": CERT, "key.pem": KEY, "ca.pem": alice.cert });
    const file = (name: string) => join(dir, name);
    const tls = { cert: file("cert.pem"), key: file("key.pem"), clientCa: file("ca.pem") };
    const auth = { certificate: true } as const;
    const first = await start({ port: 0, tls }, { auth });
    const second = await start({ port: first.port, tls }, { auth });
    await come(`wss://${host}:${first.port}/echo`, alice);
    expectSpread([first, second]);
  });
});

test("a certificate is replaced on the port that was found, if that is shared", async () => {
  const [first, second] = await Promise.all([makePair("first"), makePair("second")]);
  await using house = await startTlsHouse({ routes, first, listen: { reusePort: true } });
  expect(await house.served()).toBe("first");
  replaceByRename(house.files, second);
  house.look();
  expect(await house.served()).toBe("second");
});

test("without reusePort nobody shares a port", async () => {
  const first = await start({ port: 0, reusePort: false });
  await expect(start({ port: first.port })).rejects.toThrow("is in use by another program");
});

describe("a port of its own, beside the one that is shared,", () => {
  const dir = () => folder({ "cert.pem": CERT, "key.pem": KEY, "ca.pem": CERT });
  const tlsIn = (at: string) => ({ cert: join(at, "cert.pem"), key: join(at, "key.pem") });

  test.each([
    ["plain", () => ({})],
    ["with TLS", () => ({ tls: tlsIn(dir()) })],
  ])("leads to that gateway only, %s", async (_, speaking) => {
    const listen = speaking();
    const first = await start({ port: 0, workerPort: 0, ...listen });
    const second = await start({ port: first.port, workerPort: 0, ...listen });
    const came = () => [first.came(), second.came()];
    const scheme = "tls" in listen ? "wss" : "ws";
    await come(`${scheme}://${host}:${first.workerPort}/echo`);
    expect(came()).toEqual([CLIENTS, 0]);
    await come(`${scheme}://${host}:${second.workerPort}/echo`);
    expect(came()).toEqual([CLIENTS, CLIENTS]);
  });

  test("leads to that gateway only, where certificates are asked for", async () => {
    const alice = await makePair("alice");
    const at = folder({ "cert.pem": CERT, "key.pem": KEY, "ca.pem": alice.cert });
    const tls = { ...tlsIn(at), clientCa: join(at, "ca.pem") };
    const [port, first, second] = await provePorts([ANY, ANY, ANY]);
    const auth = { certificate: true } as const;
    const both = [
      await start({ port, workerPort: first, tls }, { auth }),
      await start({ port, workerPort: second, tls }, { auth }),
    ];
    await come(`wss://${host}:${second}/echo`, alice);
    expect(both.map(({ came }) => came())).toEqual([0, CLIENTS]);
  });

  test("gets the new certificate, too, and its readers hear what others publish", async () => {
    const [first, second] = await Promise.all([makePair("first"), makePair("second")]);
    const [workerPort] = await provePorts([ANY]);
    const rooms = { "/room": { kind: "room", echo: false } } as const;
    await using house = await startTlsHouse({
      routes: rooms,
      first,
      listen: { reusePort: true, workerPort },
    });
    const own = `wss://${host}:${workerPort}/room`;
    const before = await connect(own, [], { rejectUnauthorized: false });
    replaceByRename(house.files, second);
    house.look();
    expect([await house.served(), await subjectAt(workerPort)]).toEqual(["second", "second"]);
    const after = await connect(own, [], { rejectUnauthorized: false });
    const member = await house.connect("/room");
    member.send("hello");
    expect(await Promise.all([before.next(), after.next()])).toEqual(["hello", "hello"]);
    for (const client of [before, after, member]) client[Symbol.dispose]();
  });

  test("that is in use frees the others, and says which flag names it", async () => {
    const taken = await start({ port: 0, reusePort: false });
    const [port] = await provePorts([ANY]);
    const told = `${taken.port} is in use by another program. Stop it, or choose another port with --worker-port.`;
    await expect(start({ port, reusePort: false, workerPort: taken.port })).rejects.toThrow(told);
    expect((await start({ port, reusePort: false })).port).toBe(port ?? 0);
  });
});

describe("the proof of ports", () => {
  test("finds those that were 0, not one of them twice, and leaves them free", async () => {
    const found = await provePorts([ANY, ANY, ANY]);
    expect(new Set(found).size).toBe(3);
    expect(await provePorts(found.map((port) => ({ host, port })))).toEqual(found);
    expect((await start({ port: found[0], reusePort: false })).port).toBe(found[0] ?? 0);
  });

  test("says which one is in use, also if whoever has it would share it, and frees the others", async () => {
    const { port } = await start({ port: 0 });
    await expect(provePorts([{ host, port }])).rejects.toThrow(`${port} is in use by another program`);
    const [free = 0] = await provePorts([ANY]);
    const both = provePorts([
      { host, port: free },
      { host, port, plainPort: port },
    ]);
    await expect(both).rejects.toThrow("with --plain-port");
    expect(await provePorts([{ host, port: free }])).toEqual([free]);
  });
});

async function subjectAt(port: number | undefined): Promise<string> {
  const socket = dialTls({ host, port: port ?? 0, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}
