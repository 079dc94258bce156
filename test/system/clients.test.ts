/** Every one-liner serves the clients that its kind has always had: websocat, Python's websockets, curl. browser.test.ts has browsers. */
import { describe, expect } from "bun:test";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { bridge, CONNECTED, contentOf, envelope, QUOTE, REGISTERED, serve, WELCOME } from "./one-liner.ts";
import { type Program, start } from "./program.ts";

describe("websocat", () => {
  const withWebsocat = requires("node", "websocat");

  /** Says these lines, one message each, and goes when it was closed or has heard `lines` messages. */
  async function talk(
    websocat: string,
    url: string,
    says: readonly string[],
    flags: string[] = [],
  ): Promise<Program> {
    const text = says.map((line) => `${line}\n`).join("");
    return start(["sh", "-c", `printf %s "$TEXT" | "$0" "$@"`, websocat, "-n", ...flags, url], {
      cwd: project,
      env: { TEXT: text },
    });
  }

  withWebsocat("hears the welcome and its echo on any path of an echo", async ({ websocat }) => {
    const client = await talk(websocat, `ws://${await serve("echo")}/any/path`, ["hello", "", "world"]);
    await client.says(/hello\n\n+world/);
    expect(client.output().startsWith(`${WELCOME}\n`)).toBe(true);
  });

  withWebsocat("hears itself and others in a room", async ({ websocat }) => {
    const url = `ws://${await serve("room")}/ws`;
    const first = await talk(websocat, url, ["I was first"]);
    await first.says(/I was first/);
    const second = await talk(websocat, url, ["I came later"]);
    await second.says(/I came later/);
    await first.says(/I came later/);
    expect(second.output()).not.toContain("I was first");
  });

  withWebsocat("hears the greeting and quotes of a feed", async ({ websocat }) => {
    const client = await talk(websocat, `ws://${await serve("feed", "--interval", "50ms")}/`, []);
    await client.says(/timestamp.*\n.*timestamp.*\n/);
    const [greeting, ...quotes] = client.output().trim().split("\n");
    expect(greeting).toBe(CONNECTED);
    for (const quote of quotes) expect(quote).toMatch(QUOTE);
  });

  withWebsocat("registers with a relay and has its heartbeat confirmed", async ({ websocat }) => {
    const says = [envelope("center", "hi"), envelope("center", "", "heartbeat")];
    const client = await talk(websocat, `ws://${await serve("relay")}/`, says);
    await client.says(/heartbeat"\}\n/);
    const [registered = "", heartbeat = ""] = client.output().trim().split("\n");
    expect(contentOf(registered)).toMatch(REGISTERED);
    expect(heartbeat).toBe(
      '{"group_id":"g","sender_type":"server","receiver_type":"center","content":"心跳确认","message_type":"heartbeat"}',
    );
  });

  for (const path of ["/", "/ws", "/ws/", "/websockify"]) {
    withWebsocat(`talks to the target of a bridge at ${path}`, async ({ websocat }) => {
      const client = await talk(websocat, `ws://${await bridge()}${path}`, ["bytes"], ["-b"]);
      await client.says(/^BYTES$/m);
    });
  }
});

describe("python's websockets", () => {
  const withPython = requires("node", "python-websockets");

  /** Runs statements with `connect(path)`, `recv` and `json` at hand, and gives what they printed, line by line. */
  async function python(program: string, host: string, body: string): Promise<string[]> {
    const lines = body
      .trim()
      .split("\n")
      .map((line) => `    ${line}`);
    const text = [
      "import asyncio, json, websockets",
      `def connect(path, **options): return websockets.connect("ws://${host}" + path, **options)`,
      "async def main():",
      ...lines,
      "asyncio.run(asyncio.wait_for(main(), 10))",
    ].join("\n");
    const client = start([program, "-c", text], { cwd: project });
    const code = await client.ended(20);
    if (code !== 0) throw new Error(client.output());
    return client.output().trim().split("\n");
  }

  withPython(
    "gets text and bytes back from an echo, as what they were",
    async ({ "python-websockets": py }) => {
      const said = await python(
        py,
        await serve("echo"),
        `async with connect("/") as ws:
    print(await ws.recv())
    for message in ("text", b"bytes", ""):
        await ws.send(message)
        print(repr(await ws.recv()))`,
      );
      expect(said).toEqual([WELCOME, "'text'", "b'bytes'", "''"]);
    },
  );

  withPython("chats in a room, which ignores its bytes", async ({ "python-websockets": py }) => {
    const said = await python(
      py,
      await serve("room"),
      `async with connect("/ws") as ann, connect("/ws") as bob:
    await ann.send(b"bytes")
    await ann.send("hello")
    print(repr(await ann.recv()), repr(await bob.recv()))`,
    );
    expect(said).toEqual(["'hello' 'hello'"]);
  });

  withPython("reads a feed, whatever it says meanwhile", async ({ "python-websockets": py }) => {
    const [greeting, quote] = await python(
      py,
      await serve("feed", "--interval", "50ms"),
      `async with connect("/") as ws:
    await ws.send("ignored")
    print(await ws.recv())
    print(await ws.recv())`,
    );
    expect([greeting, quote]).toEqual([CONNECTED, expect.stringMatching(QUOTE)]);
  });

  withPython(
    "meets its partner in a relay, and a third is closed with 4409",
    async ({ "python-websockets": py }) => {
      const said = await python(
        py,
        await serve("relay"),
        `def say(role, content): return json.dumps({"group_id": "g", "sender_type": role, "receiver_type": "", "content": content})
async def hear(ws): print(json.loads(await ws.recv())["content"])
async with connect("/") as center, connect("/") as local, connect("/") as third:
    await center.send(say("center", "x")); await hear(center)
    await local.send(say("local", "x")); await hear(local)
    await hear(center)
    await local.send(say("local", "hello")); await hear(local); await hear(center)
    await third.send(say("local", "x")); await hear(third)
    try: await third.recv()
    except websockets.ConnectionClosed as closed: print(closed.code)`,
      );
      expect(said).toEqual([
        expect.stringMatching(REGISTERED),
        expect.stringMatching(REGISTERED),
        "local已上线连接",
        "消息已发送",
        "hello",
        "连接被拒绝：同组内已存在相同类型的客户端",
        "4409",
      ]);
    },
  );

  withPython(
    "is given the subprotocol binary by a bridge, and bytes",
    async ({ "python-websockets": py }) => {
      const said = await python(
        py,
        await bridge(),
        `async with connect("/websockify", subprotocols=["binary"]) as ws:
    print(ws.subprotocol)
    await ws.send(b"bytes")
    print(repr(await ws.recv()))`,
      );
      expect(said).toEqual(["binary", "b'BYTES'"]);
    },
  );
});

describe("curl", () => {
  const withCurl = requires("node", "curl");
  const run = async (curl: string, ...args: string[]) => {
    const client = start([curl, "-sS", ...args], { cwd: project });
    await client.ended();
    return client.output();
  };

  withCurl("streams a feed as events", async ({ curl }) => {
    const url = `http://${await serve("feed", "--interval", "50ms")}/`;
    const client = start([curl, "-sSN", "-H", "Accept: text/event-stream", url], { cwd: project });
    const [, first, data = "", second] = await client.says(/id: \S+:(\d+)\ndata: (.*)\n\nid: \S+:(\d+)\n/);
    expect(data).toMatch(QUOTE);
    expect(Number(second)).toBe(Number(first) + 1);
  });

  withCurl("publishes into a feed that takes it, and reads the last messages", async ({ curl }) => {
    const url = `http://${await serve("feed", "--no-source", "--publish")}/news`;
    const json = await run(curl, "-H", "Content-Type: application/json", "-d", '{"a":[1]}', url);
    expect(JSON.parse(json)).toEqual({ topic: "feed", epoch: expect.any(String), offset: 1 });
    await run(curl, "-H", "Content-Type: text/plain", "-d", "two", url);
    const last = JSON.parse(await run(curl, "-H", "Accept: application/json", url));
    expect(last.messages.map(({ data }: { data: unknown }) => data)).toEqual([{ a: [1] }, "two"]);
  });

  withCurl("is refused by a feed that does not take it, with 403", async ({ curl }) => {
    const url = `http://${await serve("feed")}/`;
    expect(await run(curl, "-w", "%{http_code}", "-d", "x", url)).toEndWith("\n403");
  });

  for (const verb of ["echo", "room", "feed", "relay"]) {
    withCurl(`is shown the route of fairlead ${verb} at /`, async ({ curl }) => {
      expect(await run(curl, `http://${await serve(verb)}/`)).toContain(verb);
    });
  }

  withCurl(
    "is told by a bridge at / to come with a WebSocket, because / is one of its paths",
    async ({ curl }) => {
      const answer = await run(curl, "-w", "%{http_code}", `http://${await bridge()}/`);
      expect(answer).toStartWith("upgrade_required:");
      expect(answer).toEndWith("\n426");
    },
  );
});
