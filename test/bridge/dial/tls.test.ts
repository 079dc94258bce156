import { describe, expect, onTestFinished, test } from "bun:test";
import { createServer as createPlainServer } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { createConnect } from "../../../src/bridge/dial/connect.ts";
import type { TlsOptions } from "../../../src/bridge/dial/tls.ts";
import { createDialer, type Dialed } from "../../../src/bridge/dial.ts";
import type { UpstreamHandler } from "../../../src/bridge/upstream.ts";
import { targetOf } from "../../../src/config/target.ts";
import { createCapacity } from "../../../src/limits.ts";
import { eventually } from "../../calm.ts";
import { CERT, KEY, STRANGER_CERT, STRANGER_KEY } from "../../certificate.ts";
import { testClock } from "../../clock.ts";
import { folder } from "../../folder.ts";
import { memoryLog } from "../../gateway.ts";
import { OPTIONS, startServiceOn, type TcpPeer } from "../../tcp-service.ts";
import { CALLER } from "../admit-request.ts";
import { unexpected } from "../fake-upstream.ts";

const GOOD = { cert: CERT, key: KEY };
const OTHER = { cert: STRANGER_CERT, key: STRANGER_KEY };

const serviceWith = (identity: typeof GOOD, serve?: (peer: TcpPeer) => void) =>
  startServiceOn(createServer({ ...OPTIONS, ...identity }), serve);

function caFile(certificates = CERT): string {
  return join(folder({ "ca.pem": certificates }), "ca.pem");
}

function dialHouse(target: string, tls: TlsOptions) {
  const [clock, capacity, log] = [testClock(), createCapacity(10), memoryLog()];
  const connect = createConnect({ tls, route: "/b", clock, log });
  const dialer = createDialer({
    timeout: 5_000,
    maxPending: 64,
    capacity,
    clock,
    connect,
    onBug: unexpected,
  });
  const caller = { ...CALLER, signal: new AbortController().signal };
  return { clock, capacity, dialer, dial: () => dialer.dial(targetOf(`tls://${target}`), caller) };
}

const localhost = (target: string) => target.replace("127.0.0.1", "localhost");
const outcome = (dialed: Dialed) =>
  "failure" in dialed ? `${dialed.failure} ${dialed.detail}` : "connected";

/** An upstream that was taken over, and what it told. */
async function joined(dialed: Promise<Dialed>) {
  const result = await dialed;
  if ("failure" in result) throw new Error(outcome(result));
  const { upstream } = result;
  onTestFinished(() => upstream.terminate());
  const told: string[] = [];
  const handler: UpstreamHandler = {
    data: (chunk) => void told.push(String(chunk)),
    drain: () => {},
    end: () => void told.push("(end)"),
    close: (error) => void told.push(error === undefined ? "(close)" : "(broken)"),
  };
  upstream.data.handler = handler;
  upstream.resume();
  return { upstream, told, write: (text: string) => upstream.write(Buffer.from(text)) };
}

describe("a service behind TLS", () => {
  test("is spoken to if its certificate is trusted and for its name, or its address", async () => {
    using service = await serviceWith(GOOD, (peer) => void peer.write("banner"));
    for (const target of [localhost(service.target), service.target]) {
      const { told, write } = await joined(dialHouse(target, { caFile: caFile() }).dial());
      write("hello");
      const peer = await service.next();
      await peer.has(5);
      await eventually("the banner", () => told.join("") === "banner");
    }
  });

  test("is spoken to if its certificate is for serverName, whatever the target is called", async () => {
    using service = await serviceWith(OTHER);
    const tls = { caFile: caFile(STRANGER_CERT), serverName: "elsewhere.example" };
    expect(outcome(await dialHouse(service.target, tls).dial())).toBe("connected");
  });

  test("is asked for by the name it has to prove, and by none if that is an address", async () => {
    const asked: string[] = [];
    const SNICallback = (name: string, done: (error: null) => void) => {
      asked.push(name);
      done(null);
    };
    using service = await startServiceOn(createServer({ ...OPTIONS, ...GOOD, SNICallback }));
    const ca = caFile();
    await dialHouse(localhost(service.target), { caFile: ca }).dial();
    await dialHouse(service.target, { caFile: ca }).dial();
    await dialHouse(service.target, { caFile: ca, serverName: "localhost" }).dial();
    expect(asked).toEqual(["localhost", "localhost"]);
  });
});

describe("a service behind TLS that cannot be trusted", () => {
  const refusedWith = async (target: string, tls: TlsOptions) => {
    const { capacity, dialer, dial } = dialHouse(target, tls);
    const refused = outcome(await dial());
    await eventually("everything is given back", () => capacity.used === 0 && dialer.pending === 0);
    return refused;
  };

  test("is not spoken to if nobody vouches for it: the system's authorities do not know it", async () => {
    using service = await serviceWith(GOOD);
    expect(await refusedWith(localhost(service.target), {})).toMatch(/^untrusted .*(SIGNATURE|CERT)/);
  });

  test("is not spoken to if somebody else vouches for it, also where a variable says not to check", async () => {
    using service = await serviceWith(GOOD);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    onTestFinished(() => void delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    const tls = { caFile: caFile(STRANGER_CERT) };
    expect(await refusedWith(localhost(service.target), tls)).toMatch(/^untrusted .*(SIGNATURE|CERT)/);
  });

  test("is not spoken to if its certificate is good, but for another name", async () => {
    using other = await serviceWith(OTHER);
    const named = "untrusted ERR_TLS_CERT_ALTNAME_INVALID";
    expect(await refusedWith(localhost(other.target), { caFile: caFile(STRANGER_CERT) })).toBe(named);
    expect(await refusedWith(other.target, { caFile: caFile(STRANGER_CERT) })).toBe(named);
    using good = await serviceWith(GOOD);
    const tls = { caFile: caFile(), serverName: "db.internal" };
    expect(await refusedWith(localhost(good.target), tls)).toBe(named);
    expect([other.accepted, good.accepted].every((count) => count <= 2)).toBe(true);
  });

  test("is not sent a byte of the client's", async () => {
    let received = 0;
    const server = createServer({ ...OPTIONS, ...OTHER }, (socket) =>
      socket.on("data", (chunk) => {
        received += chunk.length;
      }),
    );
    using service = await startServiceOn(server);
    expect(await refusedWith(localhost(service.target), { caFile: caFile() })).toStartWith("untrusted");
    expect(received).toBe(0);
  });

  test("is refused if it speaks no TLS at all, or hangs up", async () => {
    using plain = await startServiceOn(
      createPlainServer(OPTIONS),
      (peer) => void peer.write("SSH-2.0-x\r\n"),
    );
    expect(await refusedWith(plain.target, { caFile: caFile() })).toStartWith("refused ");
    using closing = await startServiceOn(createPlainServer(OPTIONS), (peer) => peer.end());
    expect(await refusedWith(closing.target, { caFile: caFile() })).toStartWith("refused ");
  });

  test("is given up at the end of the time if it says nothing, and nothing stays behind", async () => {
    using silent = await startServiceOn(createPlainServer(OPTIONS));
    const { clock, capacity, dialer, dial } = dialHouse(silent.target, { caFile: caFile() });
    const dialing = dial();
    const peer = await silent.next();
    clock.advance(5_000);
    expect(outcome(await dialing)).toBe("timeout no answer in 5000 ms");
    await peer.ended();
    await eventually("everything is given back", () => capacity.used === 0 && dialer.pending === 0);
  });
});

describe("an upstream behind TLS", () => {
  const tls = () => ({ caFile: caFile() });

  test("tells of the target's FIN, and can still be written to", async () => {
    using service = await serviceWith(GOOD, (peer) => peer.end());
    const { told, write, upstream } = await joined(dialHouse(service.target, tls()).dial());
    await eventually("the end", () => told.includes("(end)"));
    write("still here");
    const peer = await service.next();
    await peer.has(10);
    upstream.shutdown();
    expect(await peer.ended()).toBe("end");
    await eventually("it is closed", () => told.includes("(close)"));
  });

  test("hears the target after its own FIN", async () => {
    using service = await serviceWith(GOOD, (peer) => peer.stay());
    const { told, upstream } = await joined(dialHouse(service.target, tls()).dial());
    const peer = await service.next();
    upstream.shutdown();
    expect(await peer.ended()).toBe("end");
    await peer.write("after your FIN");
    peer.end();
    await eventually("the last words", () => told.includes("(close)"));
    expect(told.join("")).toBe("after your FIN(end)(close)");
  });

  test("is broken by a reset, and gives its descriptor back", async () => {
    using service = await serviceWith(GOOD);
    const { capacity, dial } = dialHouse(service.target, tls());
    const { told } = await joined(dial());
    (await service.next()).reset();
    await eventually("the end", () => capacity.used === 0);
    expect(told.at(-1)).toBe("(broken)");
  });

  test("delivers what it took before its end, and then lets go", async () => {
    using service = await serviceWith(GOOD, (peer) => peer.pause());
    const { capacity, clock, dial } = dialHouse(service.target, tls());
    const { upstream } = await joined(dial());
    const peer = await service.next();
    const bytes = new Uint8Array(65_536).fill(7);
    let taken = 0;
    for (let now = 1; now > 0; taken += now) now = upstream.write(bytes);
    upstream.end();
    peer.resume();
    await peer.has(taken);
    await eventually("it lets go", () => capacity.used === 0);
    expect(clock.pending).toBe(0);
  });

  test("lets go at its end if all is delivered, although the target stays", async () => {
    using service = await serviceWith(GOOD, (peer) => peer.stay());
    const { capacity, clock, dial } = dialHouse(service.target, tls());
    for (const words of ["", "last words"]) {
      const { upstream, write } = await joined(dial());
      const peer = await service.next();
      write(words);
      await peer.has(words.length);
      upstream.end();
      await eventually("it lets go", () => capacity.used === 0);
    }
    const { upstream } = await joined(dial());
    upstream.shutdown();
    await (await service.next()).ended();
    upstream.end();
    await eventually("it lets go", () => capacity.used === 0);
    expect(clock.pending).toBe(0);
  });

  test("lets go a minute after its end if the target takes nothing", async () => {
    using service = await serviceWith(GOOD, (peer) => peer.pause());
    const { capacity, clock, dial } = dialHouse(service.target, tls());
    const { upstream } = await joined(dial());
    const bytes = new Uint8Array(65_536);
    for (let now = 1; now > 0; ) now = upstream.write(bytes);
    upstream.end();
    expect(capacity.used).toBe(1);
    clock.advance(60_000);
    await eventually("it lets go", () => capacity.used === 0);
  });
});

describe("a file of certificates", () => {
  const create = (file: string) =>
    createConnect({ tls: { caFile: file }, route: "/b", clock: testClock(), log: memoryLog() });

  test("that is not there is an error of the config, with its place", () => {
    expect(() => create(join(folder(), "missing"))).toThrow(
      'routes["/b"].tls.caFile: cannot be read (ENOENT)',
    );
    expect(() => create(join(folder(), "missing"))).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  test("that holds none is an error of the config", () => {
    expect(() => create(caFile(KEY))).toThrow("holds no certificate. It needs certificates in PEM.");
  });
});
