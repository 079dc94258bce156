/** Gateways that listen on one port: the system gives each a part of the connections. Here they are in one process; workers are several. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { join } from "node:path";
import type { ConfigInput } from "../src/config/schema.ts";
import { provePorts } from "../src/listener.ts";
import { CERT, KEY } from "./certificate.ts";
import { folder } from "./folder.ts";
import { connect, memoryLog, startGateway } from "./gateway.ts";
import { makePair } from "./made-certificate.ts";
import { replaceByRename, startTlsHouse } from "./tls-house.ts";

const routes = { "/echo": { kind: "echo", welcome: false } } as const;
const CLIENTS = 60;
const host = "127.0.0.1";

async function start(listen: object, config: Omit<ConfigInput, "routes" | "listen"> = {}) {
  const log = memoryLog();
  const { gateway } = await startGateway(
    routes,
    { ...config, listen: { reusePort: true, ...listen } },
    { log },
  );
  onTestFinished(() => gateway.stop());
  return {
    port: gateway.address.port,
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
    const ports = await provePorts({ host, port: 0, plainPort: 0 });
    const both = [await start({ ...ports, tls }), await start({ ...ports, tls })];
    await come(`wss://${host}:${ports.port}/echo`);
    expectSpread(both);
    await come(`ws://${host}:${ports.plainPort}/echo`);
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

describe("the proof of ports", () => {
  test("finds those that were 0, not one of them twice, and leaves them free", async () => {
    const { port, plainPort } = await provePorts({ host, port: 0, plainPort: 0 });
    expect([port, plainPort]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(port).not.toBe(plainPort ?? 0);
    expect(await provePorts({ host, port, plainPort })).toEqual({ port, plainPort });
    expect((await start({ port, reusePort: false })).port).toBe(port);
  });

  test("says which one is in use, also if whoever has it would share it", async () => {
    const { port } = await start({ port: 0 });
    await expect(provePorts({ host, port })).rejects.toThrow(`${port} is in use by another program`);
    await expect(provePorts({ host, port: 0, plainPort: port })).rejects.toThrow("with --plain-port");
  });
});
