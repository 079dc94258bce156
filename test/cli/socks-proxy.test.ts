import { describe, expect, onTestFinished, test } from "bun:test";
import { once } from "node:events";
import { createServer, connect as dial, type Socket } from "node:net";
import { openSocksDoor } from "../../src/cli/socks-proxy.ts";
import { startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { closedTarget } from "../tcp-service.ts";
import { talk } from "./connect/talk.ts";

/** A SOCKS5 proxy that says each line of its script when it has read as many bytes as the line asks for; then it joins what it was asked for. */
async function socks(script: readonly (readonly [reads: number, says: readonly number[]])[], port = 0) {
  const heard: Buffer[] = [];
  const server = createServer(async (socket) => {
    socket.on("error", () => undefined);
    for (const [reads, says] of script) {
      heard.push(await exactly(socket, reads));
      socket.write(Uint8Array.from(says));
    }
    if (port === 0) return void socket.end();
    const upstream = dial(port, "127.0.0.1").on("error", () => socket.destroy());
    upstream.pipe(socket).pipe(upstream);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const address = server.address();
  const own = {
    host: "127.0.0.1",
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    user: "",
    password: "",
  };
  return { url: `socks5://127.0.0.1:${own.port}`, own, heard };
}

async function exactly(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const bytes: Buffer | null = socket.read(length);
    if (bytes !== null) return bytes;
    await new Promise((done) => socket.once("readable", done));
  }
}

const HELLO = [3, [5, 0]] as const;
const NAME = Buffer.from("gateway.example");
const TO_NAME = 4 + 1 + NAME.length + 2;
const DONE = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0] as const;

describe("a WebSocket through SOCKS5", () => {
  test("goes to the name that the proxy resolves, with the handshake's own Host", async () => {
    const hosts = ["gateway.example:4321"];
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } }, { hosts });
    const proxy = await socks([HELLO, [TO_NAME, DONE]], gateway.gateway.address.port);
    const big = "x".repeat(300_000);
    const { code, out } = await talk("ws://gateway.example:4321/echo", ["--proxy", proxy.url, "-1"], {
      stdin: `${big}\n`,
    });
    expect([code, out]).toEqual([0, `${big}\n`]);
    expect(proxy.heard).toEqual([
      Buffer.of(5, 1, 0),
      Buffer.concat([Buffer.of(5, 1, 0, 3, NAME.length), NAME, Buffer.of(4321 >> 8, 4321 & 0xff)]),
    ]);
  });

  test("says the user and the password where the proxy asks for them", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: "hi" } });
    const { port } = gateway.gateway.address;
    const proxy = await socks(
      [
        [4, [5, 2]],
        [3 + 2 + 3, [1, 0]],
        [10, DONE],
      ],
      port,
    );
    const url = proxy.url.replace("//", "//me:p%40s@");
    expect((await talk(`ws://127.0.0.1:${port}/echo`, ["--proxy", url, "-1"])).out).toBe("hi\n");
    expect(proxy.heard[1]).toEqual(Buffer.from("\u0001\u0002me\u0003p@s"));
    expect(proxy.heard[2]).toEqual(Buffer.of(5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff));
  });

  test("asks for IPv6 addresses by their bytes", async () => {
    const proxy = await socks([HELLO, [22, [5, 4, 0, 1]]]);
    await talk("ws://[2001:db8::a:1]:80/", ["--proxy", proxy.url]);
    const address = Buffer.from("20010db80000000000000000000a0001", "hex");
    expect(proxy.heard[1]).toEqual(Buffer.concat([Buffer.of(5, 1, 0, 4), address, Buffer.of(0, 80)]));
  });

  test.each([
    ["speaks another version", [[3, [4, 0]]], "the SOCKS proxy does not speak version 5"],
    ["wants a password", [[3, [5, 2]]], "the SOCKS proxy wants a user and a password, or other ones"],
    ["takes none of our ways", [[3, [5, 255]]], "the SOCKS proxy wants a user and a password, or other ones"],
    ["does not allow it", [HELLO, [TO_NAME, [5, 2, 0, 1]]], "the SOCKS proxy does not allow this target"],
    ["is refused", [HELLO, [TO_NAME, [5, 5, 0, 1]]], "the target refused the connection"],
    ["fails oddly", [HELLO, [TO_NAME, [5, 99, 0, 1]]], "the SOCKS proxy failed in a way nobody knows"],
    ["ends in the middle", [HELLO, [TO_NAME, [5, 0]]], "the SOCKS proxy ended the connection"],
  ] as const)("fails with the reason when the proxy %s", async (_, script, reason) => {
    const proxy = await socks(script);
    const { code, talk: lines } = await talk("ws://gateway.example/", ["--proxy", proxy.url]);
    expect([code, lines]).toEqual([
      1,
      [`fairlead: ws://gateway.example/: Proxy connection failed: 502 ${reason}`],
    ]);
  });

  test("fails with the reason when the password is refused, or no proxy is there", async () => {
    const proxy = await socks([
      [4, [5, 2]],
      [5, [1, 1]],
    ]);
    const url = proxy.url.replace("//", "//u:p@");
    expect((await talk("ws://gateway.example/", ["--proxy", url])).talk[0]).toContain(
      "refused the user or the password",
    );
    const nobody = `socks5://${await closedTarget()}`;
    expect((await talk("ws://gateway.example/", ["--proxy", nobody])).talk[0]).toContain(
      "502 the SOCKS proxy cannot be reached (ECONNREFUSED)",
    );
  });
});

describe("the door on loopback", () => {
  const knock = async (password: string) => {
    const proxy = await socks([HELLO, [10, [5, 5, 0, 1]]]);
    const door = new URL(await openSocksDoor(proxy.own));
    const socket = dial(Number(door.port), door.hostname);
    const auth = btoa(`fairlead:${password === "right" ? door.password : password}`);
    socket.write(
      `CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nProxy-Authorization: Basic ${auth}\r\n\r\n`,
    );
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    return { status: answer.split("\r\n")[0], heard: proxy.heard.length };
  };

  test("stays shut to others, who reach no proxy through it", async () => {
    for (const wrong of ["", "x".repeat(32)]) {
      expect(await knock(wrong)).toEqual({ status: "HTTP/1.1 407 Proxy Authentication Required", heard: 0 });
    }
    expect(await knock("right")).toEqual({
      status: "HTTP/1.1 502 the target refused the connection",
      heard: 2,
    });
  });

  /** A door that was opened, and both ends of the way through it. */
  async function opened(early = "") {
    const upstream = Promise.withResolvers<Socket>();
    const far = createServer((socket) => upstream.resolve(socket.on("error", () => undefined)));
    await new Promise<void>((done) => far.listen(0, "127.0.0.1", done));
    onTestFinished(() => void far.close());
    const address = far.address();
    const proxy = await socks([HELLO, [10, DONE]], typeof address === "object" ? (address?.port ?? 0) : 0);
    const door = new URL(await openSocksDoor(proxy.own));
    const client = dial(Number(door.port), door.hostname).on("error", () => undefined);
    const auth = btoa(`fairlead:${door.password}`);
    client.write(
      `CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic ${auth}\r\n\r\n${early}`,
    );
    return { client, upstream: await bounded("a way through", upstream.promise) };
  }

  const closed = (socket: Socket) =>
    bounded("the end of a socket", new Promise<void>((done) => socket.resume().once("close", () => done())));

  test("lets through what came right behind the request", async () => {
    const { client, upstream } = await opened("early");
    const [bytes] = await bounded("the first bytes", once(upstream, "data"));
    expect(String(bytes)).toBe("early");
    client.destroy();
  });

  test("closes one end when the other is gone, and when it broke", async () => {
    for (const end of ["destroy", "resetAndDestroy"] as const) {
      const one = await opened();
      one.client[end]();
      await closed(one.upstream);
      const other = await opened();
      other.upstream[end]();
      await closed(other.client);
    }
  });

  test("is no web server", async () => {
    const proxy = await socks([]);
    const door = new URL(await openSocksDoor(proxy.own));
    expect((await fetch(`http://${door.host}/`)).status).toBe(405);
  });
});

test("an HTTP proxy is asked with CONNECT, and its refusal is told", async () => {
  const asked = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    socket.once("data", (head) => {
      asked.resolve(head.toString());
      socket.end("HTTP/1.1 403 not for you\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { talk: lines } = await talk("ws://gateway.example:81/", ["--proxy", `http://u:p@127.0.0.1:${port}`]);
  expect(lines[0]).toEndWith("Proxy connection failed: 403 not for you");
  expect(await asked.promise).toMatch(/^CONNECT gateway\.example:81 HTTP\/1\.1\r\n/);
  expect(await asked.promise).toContain(`Proxy-Authorization: Basic ${btoa("u:p")}`);
});
