import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { CERT, KEY } from "../../certificate.ts";
import { folder } from "../../folder.ts";
import { startGateway } from "../../gateway.ts";
import { bounded } from "../../raw-client.ts";
import { closedTarget } from "../../tcp-service.ts";
import { talk } from "./talk.ts";

/** Answers each path with what it is told, and counts the requests. */
function answering(answers: Readonly<Record<string, () => Response>>) {
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      requests += 1;
      return answers[new URL(request.url).pathname]?.() ?? new Response();
    },
  });
  return {
    url: (path: string) => `ws://127.0.0.1:${server.port}${path}`,
    requests: () => requests,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

describe("a refused handshake is told with its status and", () => {
  test("the gateway's text, when no route has the path or the target is not there", async () => {
    await using gateway = await startGateway({ "/ssh": { kind: "bridge", target: await closedTarget() } });
    const { code, out, talk: lines } = await talk(gateway.ws("/nowhere"), []);
    expect([code, out]).toEqual([1, ""]);
    expect(lines).toEqual([
      `fairlead: ${gateway.ws("/nowhere")}: the handshake was refused with HTTP 404: not_found: No route has this path. GET / lists the routes.`,
    ]);
    expect((await talk(gateway.ws("/ssh"), [])).talk[0]).toContain(
      "refused with HTTP 502: upstream_refused: The service behind this bridge cannot be reached; the log of the gateway says why.",
    );
  });

  test("what it speaks none of, when the subprotocol is not that of the route", async () => {
    await using gateway = await startGateway({ "/relay": { kind: "relay" } });
    const { code, talk: lines } = await talk(gateway.ws("/relay"), ["-s", "mqtt"]);
    const why = "the server speaks none of the subprotocols that were offered";
    expect([code, lines]).toEqual([1, [`fairlead: ${gateway.ws("/relay")}: ${why}`]]);
  });

  test("a text that steers no terminal, breaks no line and ends somewhere", async () => {
    using server = answering({
      "/steers": () => new Response("a\u001b[2J\nb\n", { status: 403 }),
      "/long": () => new Response("x".repeat(1_000_000), { status: 403 }),
    });
    expect((await talk(server.url("/steers"), [])).talk[0]).toEndWith("HTTP 403: a\\u001b[2J\\nb");
    expect((await talk(server.url("/long"), [])).talk[0]).toEndWith(`HTTP 403: ${"x".repeat(1_000)}...`);
  });

  test("where it has moved to", async () => {
    using server = answering({ "/": () => Response.redirect("https://elsewhere/", 302) });
    expect((await talk(server.url("/"), [])).talk[0]).toEndWith("HTTP 302: it is at https://elsewhere/");
  });

  test("what 429 means, without asking again a server that asks to be left alone", async () => {
    using server = answering({ "/": () => new Response("slow down", { status: 429 }) });
    expect((await talk(server.url("/"), [])).talk[0]).toContain(
      "refused with HTTP 429: too many connections, or",
    );
    expect(server.requests()).toBe(1);
  });

  test("nothing more when the second answer is another", async () => {
    let count = 0;
    using server = answering({ "/": () => new Response("other", { status: count++ === 0 ? 500 : 404 }) });
    expect((await talk(server.url("/"), [])).talk[0]).toEndWith("refused with HTTP 500");
  });

  test("the news that a second try was accepted, which is left at once", async () => {
    let count = 0;
    const left = Promise.withResolvers<void>();
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) =>
        count++ > 0 && server.upgrade(request) ? undefined : new Response("", { status: 503 }),
      websocket: { message() {}, close: () => left.resolve() },
    });
    expect((await talk(`ws://127.0.0.1:${server.port}/`, [])).talk[0]).toEndWith(
      "HTTP 503: asked once more it was accepted, so try again",
    );
    await bounded("the end of the second try", left.promise);
  });

  test("the same headers and subprotocols in both tries", async () => {
    const seen: unknown[] = [];
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch({ headers }) {
        const names = ["x-key", "origin", "sec-websocket-protocol", "sec-websocket-version", "upgrade"];
        seen.push(names.map((name) => headers.get(name)));
        return new Response("", { status: 401 });
      },
    });
    await talk(`ws://127.0.0.1:${server.port}/`, ["-H", "X-Key: 1", "-o", "http://o", "-s", "a,b"]);
    expect(seen).toEqual([seen[0], seen[0]]);
    expect(seen[0]).toEqual(["1", "http://o", "a, b", "13", "websocket"]);
  });
});

describe("a connection that cannot be made is told with a hint:", () => {
  /** A port that answers each connection with this text and its end. */
  async function saying(text: string) {
    const server = createServer((socket) => socket.on("error", () => undefined).end(text));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    return { host: `127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() };
  }

  test("nothing listens", async () => {
    const target = await closedTarget();
    const { code, talk: lines } = await talk(`ws://${target}/`, []);
    expect([code, lines]).toEqual([
      1,
      [`fairlead: ws://${target}/: Failed to connect (ECONNREFUSED); nothing listens there`],
    ]);
  });

  test("something else listens", async () => {
    using other = await saying("220 mail ready\r\n\r\n");
    expect((await talk(`ws://${other.host}/`, [])).talk[0]).toContain(": Invalid response");
    using silent = await saying("");
    expect((await talk(`ws://${silent.host}/`, [])).talk[0]).toEndWith(
      "Connection ended (ECONNRESET); does it speak WebSocket, and TLS only where the URL says wss?",
    );
    using plain = await saying("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect((await talk(`wss://${plain.host}/`, [])).talk[0]).toContain(
      "does it speak TLS? Without, the URL begins with ws://",
    );
  });
});

describe("wss", () => {
  const secure = () =>
    Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { cert: CERT, key: KEY },
      fetch: (request, server) =>
        new URL(request.url).pathname === "/" && server.upgrade(request)
          ? undefined
          : new Response("not here", { status: 404 }),
      websocket: { open: (socket) => void socket.send("safe"), message() {} },
    });

  test("refuses a certificate that nobody trusts, and says how to", async () => {
    using server = secure();
    const { code, out, talk: lines } = await talk(`wss://127.0.0.1:${server.port}/`, ["-1"]);
    expect([code, out]).toEqual([1, ""]);
    expect(lines[0]).toMatch(
      /self.signed certificate \(\w+\); --cacert FILE trusts a certificate, --insecure takes any$/,
    );
  });

  test("takes any with -k, one that is given with --cacert, and tells the text of a refusal too", async () => {
    using server = secure();
    const url = `wss://127.0.0.1:${server.port}/`;
    const cacert = `${folder({ "ca.pem": CERT })}/ca.pem`;
    expect(await talk(url, ["-1", "-k"])).toEqual({ code: 0, out: "safe\n", talk: [] });
    expect(await talk(url, ["-1", "--cacert", cacert])).toEqual({ code: 0, out: "safe\n", talk: [] });
    expect((await talk(`${url}no`, ["-1", "-k"])).talk[0]).toEndWith("HTTP 404: not here");
  });
});
