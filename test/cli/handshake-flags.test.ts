import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../../src/cli/arguments.ts";
import type { Command } from "../../src/cli/command.ts";
import {
  HANDSHAKE_FLAGS,
  readHandshake,
  socketOptions,
  webSocketWith,
} from "../../src/cli/handshake-flags.ts";
import { folder } from "../folder.ts";

const client: Command = {
  name: "client",
  summary: "",
  operands: "URL",
  maxOperands: 1,
  notes: [],
  flags: HANDSHAKE_FLAGS,
  examples: [],
  run: () => Promise.resolve(0),
};

/** What the words come to for this URL. */
const read = (url: string, ...words: string[]) => readHandshake(url, readArguments(client, words));
const headers = async (...words: string[]) => (await read("ws://h/", ...words)).options.headers;

describe("the URL", () => {
  test.each([
    ["ws://h:1/p?q=1", "ws://h:1/p?q=1"],
    ["wss://h", "wss://h/"],
    ["WS://h", "ws://h/"],
    ["http://h/p", "ws://h/p"],
    ["https://h/p", "wss://h/p"],
    ["localhost:8080/echo", "ws://localhost:8080/echo"],
    ["[::1]:8080", "ws://[::1]:8080/"],
    ["ws://h/p#part", "ws://h/p"],
    ["ws://h/a b", "ws://h/a%20b"],
  ])("%s is dialled as %s", async (text, url) => {
    expect((await read(text)).url).toBe(url);
  });

  test.each([
    ["ftp://h/", 'the URL "ftp://h/" is not ws:// or wss://'],
    ["ws://", 'the URL "ws://" cannot be read; write ws://host:port/path'],
    ["ws://h:99999/", 'the URL "ws://h:99999/" cannot be read; write ws://host:port/path'],
    ["ws://a:b%zz@h/", "the user or the password of a URL has a % that begins no byte"],
    ["ws://a:b@:1/\u001b[2J", 'the URL "ws://[redacted]@:1/\\u001b[2J" cannot be read'],
  ])("%j is a usage error", async (text, message) => {
    await expect(read(text)).rejects.toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
    );
  });

  test("gives its user and password to the handshake and keeps neither, so that no error shows them", async () => {
    const { url, options } = await read("ws://al%40x:p%20w@h/p");
    expect(url).toBe("ws://h/p");
    expect(options.headers).toEqual([["Authorization", `Basic ${btoa("al@x:p w")}`]]);
  });
});

describe("a flag", () => {
  test.each<[string[], [string, string][]]>([
    [["-H", "X-Key: a:b"], [["X-Key", "a:b"]]],
    [
      ["--header", "x:1", "-H", "x: 2"],
      [
        ["x", "1"],
        ["x", "2"],
      ],
    ],
    [["-H", "Empty:"], [["Empty", ""]]],
    [["--auth", "al:p:w"], [["Authorization", `Basic ${btoa("al:p:w")}`]]],
    [["-o", "https://site"], [["Origin", "https://site"]]],
  ])("%j sets headers", async (words, expected) => {
    expect(await headers(...words)).toEqual(expected);
  });

  test("--auth comes before what the URL says", async () => {
    const { options } = await read("ws://a:b@h/", "--auth", "c:d");
    expect(options.headers).toEqual([["Authorization", `Basic ${btoa("c:d")}`]]);
  });

  test.each([
    [["-H", "no colon"], "--header needs 'Name: value', got the name \"\""],
    [["-H", "a b: c"], "--header needs 'Name: value', got the name \"a b\""],
    [["-H", "X: a\r\nY: b"], "the value of X has a control character, a line break"],
    [["-H", "X: \u{1F600}"], "the value of X has a control character"],
    [["-H", "Upgrade: h2c"], "--header Upgrade: the handshake sets it itself"],
    [["-H", "Sec-WebSocket-Protocol: a"], "use --subprotocol where the verb has it"],
    [["-o", "a\nb"], "the value of Origin has a control character"],
    [["--auth", "secret"], "--auth needs user:pass, got no colon"],
    [["--proxy", "ftp://h"], '--proxy takes http://, https:// and socks5:// proxies, got "ftp:"'],
    [["--proxy", "socks5://a:%zz@h"], "the user or the password of a URL has a % that begins no byte"],
    [["--proxy", "http://"], '--proxy "http://" cannot be read'],
    [["--cacert", "none.pem"], '--cacert "none.pem" cannot be read (ENOENT)'],
  ])("%j is a usage error", async (words, message) => {
    await expect(read("ws://h", ...words)).rejects.toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }),
    );
  });

  test.each(["-k", "--insecure", "-n", "--no-check"])(
    "%s takes any certificate, and warns on wss",
    async (word) => {
      const { options, warnings } = await read("wss://h:1/", word);
      expect(options.tls).toEqual({ rejectUnauthorized: false });
      expect(warnings).toEqual(["the certificate of h:1 is not checked"]);
      expect((await read("ws://h", word)).warnings).toEqual([]);
    },
  );

  test("--cacert is read, --proxy may leave its scheme out", async () => {
    const file = `${folder({ "ca.pem": "PEM" })}/ca.pem`;
    const { options } = await read("wss://h", "--cacert", file, "--proxy", "proxy:3128");
    expect(options.tls).toEqual({ ca: "PEM" });
    expect(options.proxy).toBe("http://proxy:3128/");
  });
});

test("a constructor for the client library makes the handshake, with the library's own subprotocols", async () => {
  const { promise, resolve } = Promise.withResolvers<Headers>();
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, server) {
      resolve(request.headers);
      return server.upgrade(request, { headers: { "Sec-WebSocket-Protocol": "b" } })
        ? undefined
        : new Response();
    },
    websocket: { message() {} },
  });
  const { url, options } = await read(`127.0.0.1:${server.port}`, "-H", "X-Key: 1", "-o", "https://site");
  const socket = new (webSocketWith(options))(url, ["a", "b"]);
  const seen = await promise;
  expect(
    ["x-key", "origin", "sec-websocket-protocol", "sec-websocket-extensions"].map((name) => seen.get(name)),
  ).toEqual(["1", "https://site", "a, b", null]);
  await new Promise<void>((done) => {
    socket.onopen = () => done();
  });
  expect(socket.protocol).toBe("b");
  socket.close();
});

describe("--token-file", () => {
  const withToken = async (content: string, ...words: string[]) => {
    const file = join(folder({ token: content }), "token");
    return { file, ...(await read("wss://h/", "--token-file", file, ...words)) };
  };
  const bearer = (options: Parameters<typeof socketOptions>[0]) => socketOptions(options).headers;

  test("sends what the file holds, without the line's end, beside the other headers", async () => {
    const { options } = await withToken("abc.def-_~\n", "-H", "X-A: 1");
    expect(bearer(options)).toEqual([
      ["X-A", "1"],
      ["Authorization", "Bearer abc.def-_~"],
    ]);
    expect(JSON.stringify(options)).not.toContain("abc.def");
  });

  test("reads it anew for each connection, so that a tunnel outlives its token", async () => {
    const { file, options } = await withToken("first");
    writeFileSync(file, "second");
    expect(bearer(options)).toEqual([["Authorization", "Bearer second"]]);
  });

  test.each([
    ["", "holds no token"],
    ["two words", "holds no token"],
    ["a\nb", "holds no token"],
    ["secret\u0000", "holds no token"],
  ])("is a usage error that does not repeat the content for %j", async (content, message) => {
    const error = await withToken(content).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "USAGE", message: expect.stringContaining(message) });
    if (content !== "") expect(String(error)).not.toContain(content.trim());
  });

  test("is a usage error when the file is not there, and beside another Authorization", async () => {
    await expect(read("ws://h/", "--token-file", "/nowhere/token")).rejects.toThrow(
      "cannot be read (ENOENT)",
    );
    await expect(withToken("abc", "--auth", "a:b")).rejects.toThrow("exclude each other");
    await expect(withToken("abc", "-H", "authorization: x")).rejects.toThrow("exclude each other");
  });
});
