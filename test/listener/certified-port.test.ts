/** Client certificates as who somebody is: over real TLS, with certificates made for the test. */
import { beforeAll, describe, expect, onTestFinished, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect as dialTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect as dialTls } from "node:tls";
import type { ConfigInput } from "../../src/config/schema.ts";
import { createCapacity } from "../../src/limits.ts";
import { openCertifiedPort, subjectOf } from "../../src/listener/certified-port.ts";
import { eventually } from "../calm.ts";
import { CERT, KEY, STRANGER_CERT, STRANGER_KEY } from "../certificate.ts";
import { testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { connect, memoryLog, startGateway } from "../gateway.ts";
import { type MadePair, makePair } from "../made-certificate.ts";
import { bounded } from "../raw-client.ts";
import { speak } from "../v1-client.ts";

let alice: MadePair;
let bob: MadePair;
beforeAll(async () => {
  [alice, bob] = await Promise.all([makePair("alice"), makePair("bob")]);
});

/** Presents that pair, and looks at nothing. */
const as = (pair?: MadePair) => ({ rejectUnauthorized: false, ...pair });

async function house(routes: ConfigInput["routes"], listen: object = {}) {
  const dir = folder({ "cert.pem": CERT, "key.pem": KEY, "ca.pem": `${alice.cert}\n${bob.cert}` });
  const file = (name: string) => join(dir, name);
  const log = memoryLog();
  const tls = { cert: file("cert.pem"), key: file("key.pem"), clientCa: file("ca.pem") };
  const started = await startGateway(
    routes,
    { listen: { port: 0, tls, ...listen }, auth: { certificate: true }, drain: { window: 100 } },
    { log },
  );
  onTestFinished(() => started.gateway.stop());
  return { ...started, log, file, url: (path: string) => `wss://${started.host}${path}` };
}

const rooms = { "/room/:name": { kind: "room" } } as const;

describe("who shows a certificate", () => {
  test("is its subject, for the welcome, the messages and the log, under its own address", async () => {
    const { url, log } = await house(rooms);
    using client = await speak(url("/room/a"), [], as(alice));
    expect(client.welcome["user"]).toBe("CN=alice");
    await client.ask({ t: "pub", data: "hi" });
    expect(await client.next()).toMatchObject({ t: "msg", user: "CN=alice" });
    expect(log.lines.find(({ text }) => text === "connected")).toMatchObject({
      user: "CN=alice",
      ip: "127.0.0.1",
    });
  });

  test("is nobody else: each connection has its own", async () => {
    const { url } = await house(rooms);
    using one = await speak(url("/room/a"), [], as(alice));
    using other = await speak(url("/room/a"), [], as(bob));
    const { members } = (await one.ask({ t: "who", topic: "a" })) as { members: { user: string }[] } & object;
    expect(members.map(({ user }) => user).sort()).toEqual(["CN=alice", "CN=bob"]);
    expect(other.welcome["user"]).toBe("CN=bob");
  });

  test("may not show a token beside it", async () => {
    const { host } = await house({ "/feed/:topic": { kind: "feed" } });
    const response = await fetch(`https://${host}/feed/a`, {
      headers: { Authorization: "Bearer x", Accept: "application/json" },
      tls: as(alice),
    });
    expect(response.status).toBe(401);
  });

  test("asks several things on one connection, as itself each time", async () => {
    const { host } = await house({ "/feed/:topic": { kind: "feed", publish: true } });
    const ask = (init: RequestInit) =>
      fetch(`https://${host}/feed/a`, { ...init, tls: as(alice) } as RequestInit).then((answer) =>
        answer.json(),
      );
    for (let i = 1; i <= 5; i += 1) {
      const body = JSON.stringify(i);
      const headers = { "Content-Type": "application/json" };
      expect(await ask({ method: "POST", body, headers })).toMatchObject({ offset: i });
    }
    const { messages } = (await ask({ headers: { Accept: "application/json" } })) as {
      messages: { user: string }[];
    };
    expect(new Set(messages.map(({ user }) => user))).toEqual(new Set(["CN=alice"]));
  });

  test("gets every byte back through the hop, however slowly it reads", async () => {
    const { url } = await house({ "/echo": { kind: "echo", welcome: false, maxMessage: "16MiB" } });
    using client = await connect(url("/echo"), [], as(alice));
    const large = crypto.getRandomValues(Buffer.alloc(65_536));
    const all = Buffer.concat(Array.from({ length: 200 }, () => large));
    client.send(all);
    const back = await bounded("the echo", client.next());
    expect(Bun.hash(back)).toBe(Bun.hash(all));
  });

  test("is the page's own origin over https", async () => {
    const { host } = await house({ "/feed/:topic": { kind: "feed" } });
    const ask = (Origin: string) =>
      fetch(`https://${host}/feed/a`, { headers: { Origin, Accept: "application/json" }, tls: as(alice) });
    expect((await ask(`https://${host}`)).status).toBe(200);
    expect((await ask(`http://${host}`)).status).toBe(403);
  });
});

describe("who shows none, or one of somebody else,", () => {
  test("does not get as far as a request", async () => {
    const { host, log } = await house(rooms);
    for (const pair of [undefined, { cert: STRANGER_CERT, key: STRANGER_KEY }]) {
      await expect(fetch(`https://${host}/healthz`, { tls: as(pair) })).rejects.toThrow();
    }
    expect(log.lines.filter(({ text }) => text === "connected")).toEqual([]);
  });

  test("is cut if it speaks no TLS at all", async () => {
    const { host } = await house(rooms);
    const socket = dialTcp(Number(host.split(":")[1]), "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await bounded("the end", new Promise<void>((resolve) => socket.once("close", () => resolve())));
  });
});

test("a new certificate is served to new handshakes, and nobody who is connected notices", async () => {
  const clock = testClock(100_000_000_000);
  const dir = folder({ "cert.pem": CERT, "key.pem": KEY, "ca.pem": alice.cert });
  const [cert, key, clientCa] = ["cert.pem", "key.pem", "ca.pem"].map((name) => join(dir, name));
  const next = await makePair("next");
  const { gateway, host } = await startGateway(
    { "/echo": { kind: "echo", welcome: false, heartbeat: { ping: 0 } } },
    { listen: { port: 0, tls: { cert: cert ?? "", key, clientCa } }, auth: { certificate: true } },
    { clock, log: memoryLog() },
  );
  onTestFinished(async () => {
    const stopped = gateway.stop();
    const ticks = setInterval(() => clock.advance(100), 1);
    await stopped.finally(() => clearInterval(ticks));
  });
  using before = await connect(`wss://${host}/echo`, [], as(alice));
  writeFileSync(cert ?? "", next.cert);
  writeFileSync(key ?? "", next.key);
  clock.advance(6_000);
  expect(await servedBy(Number(host.split(":")[1]))).toBe("CN=next");
  before.send("still here");
  expect(await before.next()).toBe("still here");
});

async function servedBy(port: number): Promise<string> {
  const socket = dialTls({ host: "127.0.0.1", port, ...as(alice) });
  onTestFinished(() => void socket.destroy());
  await bounded(
    "the handshake",
    new Promise<void>((resolve) => socket.once("secureConnect", () => resolve())),
  );
  return new X509Certificate(socket.getPeerCertificate().raw).subject;
}

describe("the port itself", () => {
  const open = async (max = 0) => {
    const capacity = createCapacity(max);
    const inner = createServer((_, response) => response.end("in"));
    await new Promise<void>((resolve) => inner.listen(0, "127.0.0.1", () => resolve()));
    onTestFinished(() => void inner.close());
    const tls = {
      cert: CERT,
      key: KEY,
      ca: alice.cert,
      requestCert: true,
      rejectUnauthorized: true,
    } as const;
    const clock = testClock();
    const port = await openCertifiedPort({ host: "127.0.0.1", port: 0, tls, capacity, clock });
    onTestFinished(port.stop);
    const innerPort = (inner.address() as AddressInfo).port;
    port.leadTo(innerPort);
    return { port, capacity, inner, innerPort, clock };
  };
  const ask = (port: number) => fetch(`https://127.0.0.1:${port}/`, { tls: as(alice), keepalive: false });

  test("knows who came by it, and nobody who dialled the inner server directly", async () => {
    const { port, inner } = await open();
    const seen: unknown[] = [];
    inner.on("request", ({ socket }) =>
      seen.push(port.peerOf({ address: "127.0.0.1", port: socket.remotePort ?? 0 })),
    );
    expect(await (await ask(port.port)).text()).toBe("in");
    await fetch(`http://127.0.0.1:${(inner.address() as AddressInfo).port}/`);
    expect(seen).toEqual([
      { address: "127.0.0.1", port: expect.any(Number), subject: "CN=alice" },
      undefined,
    ]);
  });

  test.each(["client", "server"])(
    "forgets who came by it when the %s has ended, so that nobody is taken for it",
    async (side) => {
      const { port, inner } = await open();
      const arrived = new Promise<Socket>((resolve) =>
        inner.once("request", ({ socket }) => resolve(socket)),
      );
      const client = dialTls({ host: "127.0.0.1", port: port.port, ...as(alice) });
      onTestFinished(() => void client.destroy());
      client.on("error", () => {});
      client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const socket = await bounded("the request", arrived);
      const from = { address: "127.0.0.1", port: socket.remotePort ?? 0 };
      expect(port.peerOf(from)).toMatchObject({ subject: "CN=alice" });
      if (side === "client") client.destroy();
      else socket.destroy();
      await eventually("it is forgotten", () => port.peerOf(from) === undefined);
    },
  );

  test("counts its two descriptors for as long as a client is there, in the handshake too", async () => {
    const { port, capacity } = await open();
    const silent = dialTcp(port.port, "127.0.0.1");
    await eventually("it is counted", () => capacity.used === 2);
    silent.destroy();
    await eventually("it is given back", () => capacity.used === 0);
    const half = dialTls({ host: "127.0.0.1", port: port.port, ...as(alice) });
    half.on("error", () => {});
    await eventually("it is counted", () => capacity.used === 2);
    half.destroy();
    await eventually("it is given back", () => capacity.used === 0);
  });

  test("waits for nobody who has gone", async () => {
    const { port, inner, clock } = await open();
    const arrived = new Promise<Socket>((resolve) => inner.once("connection", resolve));
    const client = dialTls({ host: "127.0.0.1", port: port.port, ...as(alice) });
    client.on("error", () => {});
    client.write("GET / HTTP/1.1\r\n");
    const far = await bounded("the hop", arrived);
    const ended = new Promise<void>((resolve) => far.once("close", () => resolve()));
    client.resetAndDestroy();
    await bounded("the end of the hop", ended);
    await eventually("no timer is left", () => clock.pending === 0);
  });

  test("cuts who comes when the gateway is full", async () => {
    const { port } = await open(1);
    await expect(ask(port.port)).rejects.toThrow();
  });

  test("that is taken says so as any other", async () => {
    const { port, capacity } = await open();
    const tls = { cert: CERT, key: KEY };
    const again = openCertifiedPort({
      host: "127.0.0.1",
      port: port.port,
      tls,
      capacity,
      clock: testClock(),
    });
    await expect(again).rejects.toThrow(`127.0.0.1:${port.port} is in use by another program`);
  });
});

/** Of C "CH", O "Acme, Inc" and CN "alice,O=Evil+x", which try to be more parts than they are. */
const MISLEADING = `-----BEGIN CERTIFICATE-----
MIIBcjCCARcCFFTpTeKRsgY1rX/IxigR4GRouV0CMAoGCCqGSM49BAMCMDoxCzAJ
BgNVBAYTAkNIMRIwEAYDVQQKDAlBY21lLCBJbmMxFzAVBgNVBAMMDmFsaWNlLE89
RXZpbCt4MCAXDTI2MTEyMTE4MjkwMloYDzIxMjYxMDI4MTgyOTAyWjA6MQswCQYD
VQQGEwJDSDESMBAGA1UECgwJQWNtZSwgSW5jMRcwFQYDVQQDDA5hbGljZSxPPUV2
aWwreDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOH5MU/2wEmmhTliNHAtf+zn
QV1S0mhbk2ry7QQ/KHcap5rYUAAjpH+HUqPkM3Zv4J6Nlm/O7t6Viy3Ze1TWJIgw
CgYIKoZIzj0EAwIDSQAwRgIhAOCMJl5zjXHy6A/myxOeqm4Llw2Tq7ZjnwrDhKHO
A3VYAiEA6wu/qmmfGYhUxhk+0+UFf4jI2ccl+od+T+Q4B1tb73I=
-----END CERTIFICATE-----
`;

test("a subject is written with the most telling part first, and nothing in it can pass for another part", () => {
  expect(subjectOf(new X509Certificate(MISLEADING).raw)).toBe("CN=alice\\,O=Evil\\+x,O=Acme\\, Inc,C=CH");
});
