import { describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { eventually } from "../calm.ts";
import { CERT, KEY } from "../certificate.ts";
import { folder } from "../folder.ts";
import { memoryLog, startGateway } from "../gateway.ts";
import { hasEnded } from "../process.ts";
import { ask, closePayload, frame, OPCODE, upgrade } from "../raw-client.ts";
import { closedTarget, OPTIONS, roundTrip, startService, startServiceOn } from "../tcp-service.ts";
import {
  binary,
  bridgeHouse,
  nextData,
  noise,
  oddPieces,
  readBytes,
  readToEnd,
  sha256,
} from "./bridge-house.ts";

describe("a bridge with named targets", () => {
  test("leads where the path says, and its log line names the target", async () => {
    using one = await startService((peer) => void peer.write("one"));
    using two = await startService((peer) => void peer.write("two"));
    const log = memoryLog();
    const targets = { one: one.target, "zwei ü": two.target };
    await using gateway = await startGateway({ "/vnc/:host": { kind: "bridge", targets } }, {}, { log });
    for (const [path, greeting] of [
      ["/vnc/one", "one"],
      ["/vnc/zwei%20%C3%BC", "two"],
    ] as const) {
      using client = await upgrade(gateway.host, { path });
      expect((await readBytes(client, 3)).toString()).toBe(greeting);
    }
    const connected = log.lines.filter(({ text }) => text === "connected").map(({ target }) => target);
    expect(connected).toEqual([`one (${one.target})`, `zwei ü (${two.target})`]);
  });

  test("refuses a name that it does not know with 404, and dials nobody", async () => {
    using service = await startService();
    await using gateway = await startGateway({
      "/vnc/:host": { kind: "bridge", targets: { lab: service.target } },
    });
    for (const name of ["other", "__proto__", "constructor", "toString", "LAB", "lab%00"]) {
      const { status, body } = await ask(gateway.host, { path: `/vnc/${name}` });
      expect([name, status, body.split(":")[0]]).toEqual(
        name === "lab%00" ? [name, 400, "bad_path"] : [name, 404, "unknown_target"],
      );
    }
    expect(service.accepted).toBe(0);
    expect(await gateway.metric("fairlead_descriptors_used")).toBe(0);
  });
});

describe("a bridge with tokens", () => {
  test("leads where the token says, and no line of the log has the token, whatever becomes of the request", async () => {
    using service = await startService((peer) => void peer.write("hello"));
    const log = memoryLog(true);
    const tokens = join(
      folder({ tokens: `hunter2: ${service.target}\nhunter3: ${await closedTarget()}\nhunter4 oops` }),
      "tokens",
    );
    const bridge = { kind: "bridge", tokens } as const;
    await using gateway = await startGateway({ "/b": bridge, "/p/:token": bridge }, {}, { log });
    for (const path of ["/b?token=hunter2", "/p/hunter2"]) {
      using client = await upgrade(gateway.host, { path });
      expect((await readBytes(client, 5)).toString()).toBe("hello");
    }
    for (const [path, status] of [
      ["/b?token=hunter3", 502],
      ["/p/hunter3", 502],
      ["/p/hunter5", 404],
      ["/b?token=hunter5", 404],
      ["/b", 404],
    ] as const)
      expect([path, (await ask(gateway.host, { path })).status]).toEqual([path, status]);
    expect((await fetch(gateway.http("/p/hunter2"))).status).toBe(426);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ text: "connected", route: "/p/:token", target: service.target }),
    );
    expect(log.lines).toContainEqual(expect.objectContaining({ code: "unknown_target", path: "/p/:token" }));
    expect(JSON.stringify(log.lines)).not.toContain("hunter");
  });
});

test("a bridge with a token in its path is asked by its whole path, although no log has that", async () => {
  using service = await startService();
  const tokens = join(folder({ tokens: `hunter2: ${service.target}` }), "tokens");
  await using gateway = await startGateway({
    "/p/:token": { kind: "bridge", tokens, resume: { ssh: true } },
  });
  const headers = { "Sec-WebSocket-Protocol": "ssh" };
  using client = await upgrade(gateway.host, { path: "/p/hunter2/v4/reconnect", headers });
  expect((await client.ending()).code).toBe(4500);
  expect(service.accepted).toBe(0);
});

describe("a bridge to a socket in the file system", () => {
  test("carries bytes both ways and ends like one to a port", async () => {
    const path = join(folder({}), "service.sock");
    using service = await startServiceOn(createServer(OPTIONS), (peer) => peer.stay(), path);
    await using house = await bridgeHouse({ target: service.target });
    using client = await upgrade(house.gateway.host, { path: "/bridge" });
    const peer = await service.next();
    client.write(binary("to the socket"));
    await peer.has(13);
    await peer.write("from the socket");
    expect((await readBytes(client, 15)).toString()).toBe("from the socket");
    peer.end();
    expect(await readToEnd(client)).toEqual({ bytes: Buffer.alloc(0), code: 1000 });
  });

  test("is refused with 502 if nobody listens there", async () => {
    const log = memoryLog();
    const target = `unix:${join(folder({}), "nobody.sock")}`;
    await using house = await bridgeHouse({ target }, { parts: { log } });
    const { status, body } = await ask(house.gateway.host, { path: "/bridge" });
    expect([status, body.split(":")[0]]).toEqual([502, "upstream_refused"]);
    expect(log.lines).toContainEqual(
      expect.objectContaining({ target, reason: "refused", detail: "ENOENT" }),
    );
    await house.expectCalm();
  });
});

/** What echoes, as each kind of target. */
const ECHOES = {
  "a service behind TLS": async () => {
    const service = await startServiceOn(createTlsServer({ ...OPTIONS, cert: CERT, key: KEY }), (peer) =>
      peer.echo(),
    );
    const caFile = join(folder({ "ca.pem": CERT }), "ca.pem");
    const target = `tls://${service.target}`;
    return { options: { target, tls: { caFile } }, [Symbol.dispose]: () => service[Symbol.dispose]() };
  },
  "a socket in the file system": async () => {
    const path = join(folder(), "echo.sock");
    const service = await startServiceOn(createServer(OPTIONS), (peer) => peer.echo(), path);
    return { options: { target: service.target }, [Symbol.dispose]: () => service[Symbol.dispose]() };
  },
  "a program": async () => ({ options: { target: "exec:cat" }, [Symbol.dispose]() {} }),
};

describe.each(Object.entries(ECHOES))("a bridge to %s", (_, start) => {
  test("carries 8 MiB each way byte for byte, also to a client that does not read for a while", async () => {
    using echo = await start();
    await using house = await bridgeHouse(echo.options);
    using client = await upgrade(house.gateway.host, { path: "/bridge" });
    const whole = noise(8 * 1024 * 1024);
    client.pause();
    for (const piece of oddPieces(whole)) client.write(binary(piece));
    await roundTrip();
    client.resume();
    expect(sha256(await readBytes(client, whole.length))).toBe(sha256(whole));
    client.write(frame(closePayload(1000), { opcode: OPCODE.close }));
    client[Symbol.dispose]();
    await house.expectCalm();
  });
});

describe("a bridge to a program", () => {
  test("starts one for each client, which ends with it, and costs four descriptors", async () => {
    await using house = await bridgeHouse({ target: { exec: ["sh", "-c", "echo $$; exec cat"] } });
    const client = await upgrade(house.gateway.host, { path: "/bridge" });
    const { payload } = await nextData(client);
    expect(Number(payload.toString())).toBeGreaterThan(1);
    expect(await house.gateway.metric("fairlead_descriptors_used")).toBe(5);
    client[Symbol.dispose]();
    await house.expectCalm();
  });

  test("closes with 1000 when the program has ended, after all it said, and logs what it said on stderr", async () => {
    const log = memoryLog();
    const target = { exec: ["sh", "-c", "echo out; echo err >&2; exit 1"] };
    await using house = await bridgeHouse({ target }, { parts: { log } });
    using client = await upgrade(house.gateway.host, { path: "/bridge" });
    expect(await readToEnd(client)).toEqual({ bytes: Buffer.from("out\n"), code: 1000 });
    const told = { route: "/bridge", target: "exec:sh", level: "info" };
    expect(log.lines).toContainEqual(
      expect.objectContaining({ ...told, text: "the program says", line: "err" }),
    );
    expect(log.lines).toContainEqual(
      expect.objectContaining({ ...told, text: "the program has ended", status: 1 }),
    );
  });

  test("is refused with 502 if there is no such program, and nothing stays behind", async () => {
    await using house = await bridgeHouse({ target: "exec:/nonexistent/program" });
    const { status, body } = await ask(house.gateway.host, { path: "/bridge" });
    expect([status, body.split(":")[0]]).toEqual([502, "upstream_refused"]);
    await house.expectCalm();
  });

  test("does not outlive the gateway, whatever it does about SIGTERM", async () => {
    const target = { exec: ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.05; done"] };
    const house = await bridgeHouse({ target });
    const client = await upgrade(house.gateway.host, { path: "/bridge" });
    const pid = Number((await nextData(client)).payload.toString());
    await house[Symbol.asyncDispose]();
    client[Symbol.dispose]();
    await eventually("it is gone", () => hasEnded(pid));
  });
});

describe("a bridge that tells its target who is there", () => {
  const SPOOFED = { "X-Forwarded-For": "198.51.100.1:5678" };
  const V2_LOOPBACK = /^0d0a0d0a000d0a515549540a2111000c7f0000017f000001[0-9a-f]{8}$/;

  test("says so before the first byte of either side, over TCP and over a socket in the file system", async () => {
    const path = join(folder(), "service.sock");
    using tcp = await startService();
    using unix = await startServiceOn(createServer(OPTIONS), () => {}, path);
    for (const service of [tcp, unix]) {
      await using house = await bridgeHouse({ target: service.target, proxyProtocol: "v1" });
      using client = await upgrade(house.gateway.host, { path: "/bridge" });
      client.write(binary("first word"));
      const peer = await service.next();
      await eventually("the first word", () => peer.text().endsWith("first word"));
      const port = house.gateway.host.split(":")[1];
      expect(peer.text()).toMatch(
        new RegExp(`^PROXY TCP4 127\\.0\\.0\\.1 127\\.0\\.0\\.1 \\d+ ${port}\r\nfirst word$`),
      );
    }
  });

  test("speaks version 2 if it is told to", async () => {
    await using house = await bridgeHouse({ proxyProtocol: "v2" });
    const { client, peer } = await house.join();
    await peer.has(28);
    expect(peer.bytes().toString("hex")).toMatch(V2_LOOPBACK);
    client[Symbol.dispose]();
    await house.expectCalm();
  });

  test("tells of the client behind a trusted proxy, and of the peer where nobody is trusted", async () => {
    for (const [trustProxy, expected] of [
      [["127.0.0.1"], /^PROXY TCP4 198\.51\.100\.1 127\.0\.0\.1 5678 \d+\r\n$/],
      [[], /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/],
    ] as const) {
      await using house = await bridgeHouse(
        { proxyProtocol: "v1" },
        { config: { trustProxy: [...trustProxy] } },
      );
      using _client = await upgrade(house.gateway.host, { path: "/bridge", headers: SPOOFED });
      const peer = await house.service.next();
      await eventually("the header", () => peer.text().endsWith("\n"));
      expect(peer.text()).toMatch(expected);
    }
  });

  test("says so in the clear before the handshake of TLS, and the rest is not", async () => {
    const tls = await startServiceOn(createTlsServer({ ...OPTIONS, cert: CERT, key: KEY }), (peer) =>
      peer.echo(),
    );
    using _tls = tls;
    const heads: string[] = [];
    using front = await startServiceOn(
      createServer(OPTIONS, (socket) => takeLine(socket, heads, tls.target)),
    );
    const caFile = join(folder({ "ca.pem": CERT }), "ca.pem");
    await using house = await bridgeHouse({
      target: `tls://${front.target}`,
      tls: { caFile },
      proxyProtocol: "v1",
    });
    using client = await upgrade(house.gateway.host, { path: "/bridge" });
    client.write(binary("secret"));
    expect((await readBytes(client, 6)).toString()).toBe("secret");
    expect(heads).toEqual([expect.stringMatching(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+$/)]);
  });
});

/** A front that takes the line of the PROXY protocol and hands everything after it on. */
function takeLine(socket: Socket, heads: string[], target: string): void {
  socket.once("data", (chunk: Buffer) => {
    const end = chunk.indexOf("\r\n");
    heads.push(chunk.subarray(0, end).toString());
    const [host, port] = target.split(":");
    const behind = connect({ host, port: Number(port) }, () => behind.write(chunk.subarray(end + 2)));
    socket.pipe(behind).pipe(socket);
    behind.on("error", () => socket.destroy());
  });
}
