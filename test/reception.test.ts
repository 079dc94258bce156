import { describe, expect, test } from "bun:test";
import { REFUSAL_CODES } from "../src/refusals.ts";
import type { Admission, Route } from "../src/route.ts";
import { eventually, expectCalm, expectEcho } from "./calm.ts";
import { memoryLog, startGateway } from "./gateway.ts";
import { ask, closePayload, dial, frame, type HeadOptions, head, OPCODE, upgrade } from "./raw-client.ts";
import { serveRoute } from "./serve-route.ts";

const echo = { kind: "echo", welcome: false } as const;
const routes = { "/echo": echo, "/p/:name": echo };
const KEY = "Sec-WebSocket-Key";
const VERSION = "Sec-WebSocket-Version";
const PROTOCOL = "Sec-WebSocket-Protocol";
const PLAIN = { Upgrade: null, Connection: null };

describe("reception refuses", () => {
  test.each<[status: number, code: string, what: string, request: HeadOptions]>([
    ...["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"].map(
      (method): [number, string, string, HeadOptions] => [405, "method_not_allowed", method, { method }],
    ),
    [405, "method_not_allowed", "POST without Upgrade", { method: "POST", headers: PLAIN }],
    [426, "upgrade_required", "a GET without Upgrade", { headers: PLAIN }],
    [426, "upgrade_required", "an upgrade to h2c", { headers: { Upgrade: "h2c" } }],
    [426, "upgrade_required", "Upgrade sent twice", { headers: { Upgrade: ["websocket", "websocket"] } }],
    [426, "bad_version", "no version", { headers: { [VERSION]: null } }],
    [426, "bad_version", "version 0", { headers: { [VERSION]: "0" } }],
    [426, "bad_version", "version 8", { headers: { [VERSION]: "8" } }],
    [426, "bad_version", "version 14", { headers: { [VERSION]: "14" } }],
    [400, "bad_key", "no key", { headers: { [KEY]: null } }],
    [400, "bad_key", "a short key", { headers: { [KEY]: "AAAA" } }],
    [400, "bad_key", "a key that is not base64", { headers: { [KEY]: "AAAAAAAAAAAAAAAAAAAA!A==" } }],
    [
      400,
      "bad_key",
      "two keys",
      { headers: { [KEY]: ["AAAAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAAAA=="] } },
    ],
    [400, "bad_connection", "no Connection header", { headers: { Connection: null } }],
    [400, "bad_connection", "a Connection header without Upgrade", { headers: { Connection: "close" } }],
    [400, "bad_host", "an empty Host", { headers: { Host: "" } }],
    [400, "bad_host", "two Hosts", { headers: { Host: ["a", "b"] } }],
    [400, "bad_host", "a Host with a path", { headers: { Host: "ev/p/x" } }],
    [400, "bad_host", "a Host with a blank", { headers: { Host: "a b" } }],
    [400, "bad_host", "an unfinished address as Host", { headers: { Host: "[::" } }],
    [400, "bad_host", "a Host of 10 KiB", { headers: { Host: "x".repeat(10_240) } }],
    [
      400,
      "bad_host",
      "a bad Host on a page of its own",
      { path: "/healthz", headers: { ...PLAIN, Host: "a/b" } },
    ],
    [400, "bad_protocol", "an offer of only a token", { headers: { [PROTOCOL]: "fairlead.token.x" } }],
    [400, "bad_protocol", "an offer of garbage", { headers: { [PROTOCOL]: 'a, "b' } }],
    [400, "bad_path", "an empty parameter", { path: "/p/" }],
    [400, "bad_path", "a parameter of 256 bytes", { path: `/p/${"x".repeat(256)}` }],
    [400, "bad_path", "a parameter of 300 bytes", { path: `/p/${"x".repeat(300)}` }],
    [400, "bad_path", "NUL in a parameter", { path: "/p/a%00b" }],
    [400, "bad_path", "a line feed in a parameter", { path: "/p/%0a" }],
    [400, "bad_path", "broken percent-encoding", { path: "/p/%zz" }],
    [400, "bad_path", "percent-encoded bytes that are not UTF-8", { path: "/p/%ff" }],
    [404, "not_found", "an unknown path", { path: "/nope" }],
    [404, "not_found", "a path with a slash too many", { path: "/echo/" }],
    [404, "not_found", "a path that begins with two slashes", { path: "//echo" }],
    [404, "not_found", "dots that leave the route", { path: "/p/.." }],
    [404, "not_found", "encoded dots that leave the route", { path: "/p/%2e%2e" }],
    [404, "not_found", "a URL whose host hides a path", { path: "http://a?b/echo" }],
  ])("with %d %s: %s", async (status, code, _, request) => {
    await using gateway = await startGateway(routes);
    const answer = await ask(gateway.host, request);
    expect({ status: answer.status, code: answer.body.split(":")[0] }).toEqual({ status, code });
    expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await gateway.metric(`fairlead_handshakes_rejected_total{reason="${code}"}`)).toBe(1);
    await expectCalm(gateway);
  });

  test("with headers that say what would do", async () => {
    await using gateway = await startGateway(routes);
    const allow = async (request: HeadOptions, name: string) =>
      (await ask(gateway.host, request)).headers.get(name);
    expect(await allow({ method: "POST" }, "allow")).toBe("GET");
    expect(await allow({ method: "HEAD" }, "allow")).toBe("GET");
    expect(await allow({ headers: PLAIN }, "upgrade")).toBe("websocket");
    expect(await allow({ headers: PLAIN }, "connection")).toBe("Upgrade");
    expect(await allow({ headers: { [VERSION]: "8" } }, "sec-websocket-version")).toBe("13");
  });

  test("an upgrade with a body, and takes the body for one, not for the next request", async () => {
    await using gateway = await startGateway(routes);
    using client = await dial(gateway.host);
    const smuggled = head({ path: "/p/smuggled" });
    client.write(head({ headers: { "Content-Length": String(smuggled.length) } }) + smuggled);
    expect((await client.answer()).body).toStartWith("bad_body");
    client.write(head({ path: "/nope" }));
    expect((await client.answer()).body).toStartWith("not_found");
    await expectCalm(gateway);
  });

  test("a chunked upgrade", async () => {
    await using gateway = await startGateway(routes);
    const chunked = { headers: { "Transfer-Encoding": "chunked" } };
    expect((await ask(gateway.host, chunked, "5\r\nhello\r\n0\r\n\r\n")).body).toStartWith("bad_body");
    await expectCalm(gateway);
  });

  test("a body of more than 1 MiB before any of it came", async () => {
    await using gateway = await startGateway(routes);
    const announced = { method: "POST", headers: { ...PLAIN, "Content-Length": "1048577" } };
    expect((await ask(gateway.host, announced)).status).toBe(413);
  });

  test("every upgrade with 503 while it drains, before any other work", async () => {
    const { host, refused } = serveRoute({}, { isDraining: () => true });
    for (const path of ["/x/y", "/nope"]) expect((await ask(host, { path })).status).toBe(503);
    expect(refused).toEqual(["draining", "draining"]);
  });

  test("without ever saying what the table has not", async () => {
    await using gateway = await startGateway(routes);
    const text = await (await fetch(gateway.http("/nope"))).text();
    expect(REFUSAL_CODES as string[]).toContain(text.split(":")[0] ?? "");
  });
});

describe("reception admits", () => {
  test.each<[what: string, request: HeadOptions]>([
    ["Connection as a list", { headers: { Connection: "keep-alive, Upgrade" } }],
    ["Connection sent twice", { headers: { Connection: ["keep-alive", "Upgrade"] } }],
    ["Upgrade in another case", { headers: { Upgrade: "WebSocket" } }],
    ["a query", { path: "/echo?token=x" }],
    ["a percent-encoded path", { path: "/%65cho" }],
    ["dots that stay inside", { path: "/x/../echo" }],
    ["a parameter of 255 bytes", { path: `/p/${"x".repeat(255)}` }],
    ["a slash inside a parameter", { path: "/p/a%2fb" }],
    ["dots inside a parameter", { path: "/p/..%2f..%2fetc" }],
    ["a request line with a whole URL", { path: "http://elsewhere/echo" }],
  ])("%s", async (_, request) => {
    await using gateway = await startGateway(routes);
    {
      using client = await upgrade(gateway.host, request);
      await expectEcho(client, "hello");
    }
    await expectCalm(gateway);
  });

  test("a parameter decoded exactly once", async () => {
    const names: (string | undefined)[] = [];
    const { host } = serveRoute({ open: ({ params }) => void names.push(params["name"]) });
    for (const name of ["a%2fb", "a%252fb", "%E2%98%83", "%5c"]) {
      using _client = await upgrade(host, { path: `/x/${name}` });
    }
    await eventually("four names", () => names.length === 4);
    expect(names).toEqual(["a/b", "a%2fb", "\u2603", "\\"]);
  });

  test.each([["a"], ["a, b"], ["fairlead.token.secret, a"], ["a, fairlead.token.secret"]])(
    "the offer `%s` and chooses none of it, a token least of all",
    async (offer) => {
      await using gateway = await startGateway(routes);
      using client = await dial(gateway.host);
      client.write(head({ headers: { [PROTOCOL]: offer } }));
      const { status, headers } = await client.answer();
      expect(status).toBe(101);
      expect(headers.get(PROTOCOL)).toBeNull();
    },
  );

  test("an offer of compression without taking it up", async () => {
    await using gateway = await startGateway(routes);
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
    expect((await ask(gateway.host, { headers: offer })).headers.get("sec-websocket-extensions")).toBeNull();
  });

  test("what the route chooses, and shows it the offer without tokens", async () => {
    const offers: (readonly string[])[] = [];
    const { host } = serveRoute({
      admit({ protocols }) {
        offers.push(protocols);
        return { admitted: { protocol: "b" } };
      },
    });
    using client = await dial(host);
    client.write(head({ path: "/x/y", headers: { [PROTOCOL]: "fairlead.token.t, a, b" } }));
    expect((await client.answer()).headers.get(PROTOCOL)).toBe("b");
    expect(offers).toEqual([["a", "b"]]);
  });
});

describe("a connection's id", () => {
  test("is in the 101, in every log line of that connection, and never given twice", async () => {
    const log = memoryLog(true);
    await using gateway = await startGateway(routes, {}, { log });
    using first = await upgrade(gateway.host);
    using second = await upgrade(gateway.host);
    await expectEcho(first, "x");
    first.write(frame(closePayload(1000), { opcode: OPCODE.close }));
    await first.ending();
    await eventually("goodbye", () => log.lines.some(({ text }) => text === "goodbye"));
    const texts = log.lines.filter(({ conn }) => conn === first.id).map(({ text }) => text);
    expect(texts).toEqual(["connected", "< text 1 B", "> text 1 B", "goodbye"]);
    expect(second.id).not.toBe(first.id);
    expect(first.id).toMatch(/^[\w-]{13,}$/);
  });
});

describe("admit", () => {
  /** An `admit` that the test answers when it likes. */
  function pending() {
    let resolve: (admission: Admission) => void = () => {};
    const admission = new Promise<Admission>((done) => {
      resolve = done;
    });
    const events: string[] = [];
    const hooks: Partial<Route> = {
      admit({ signal }) {
        signal.addEventListener("abort", () => events.push("aborted"));
        return admission;
      },
      open: () => void events.push("open"),
      close: () => void events.push("close"),
    };
    return {
      hooks,
      events,
      yes: () => resolve({ admitted: { release: () => void events.push("released") } }),
      no: () => resolve({ refusal: { status: 502, code: "upstream_refused", text: "no" } }),
    };
  }

  test("may take its time: the 101 follows it, and the descriptor is held meanwhile", async () => {
    const gate = pending();
    const { host, capacity } = serveRoute(gate.hooks, { connections: 2 });
    using client = await dial(host);
    client.write(head({ path: "/x/y" }));
    await eventually("the descriptor", () => capacity.used === 1);
    expect(client.waiting).toBe(0);
    gate.yes();
    expect((await client.answer()).status).toBe(101);
    await eventually("the connection", () => gate.events.length > 0);
    expect(gate.events).toEqual(["open"]);
  });

  test("that refuses gives the descriptor back", async () => {
    const gate = pending();
    const { host, capacity, refused } = serveRoute(gate.hooks, { connections: 2 });
    gate.no();
    expect((await ask(host, { path: "/x/y" })).status).toBe(502);
    expect(capacity.used).toBe(0);
    expect(refused).toEqual(["upstream_refused"]);
  });

  test.each(["throws", "rejects"])(
    "that %s answers 500 without a stack, and gives the descriptor back",
    async (how) => {
      const { host, capacity, lines } = serveRoute(
        {
          admit() {
            if (how === "throws") throw new Error("secret detail");
            return Promise.reject(new Error("secret detail"));
          },
        },
        { connections: 2 },
      );
      const { status, body } = await ask(host, { path: "/x/y" });
      expect(status).toBe(500);
      expect(body).not.toContain("secret");
      expect(capacity.used).toBe(0);
      expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
    },
  );

  test("is given back what it took, if the client resets before the answer", async () => {
    const gate = pending();
    const { host, capacity } = serveRoute(gate.hooks, { connections: 2 });
    const client = await dial(host);
    client.write(head({ path: "/x/y" }));
    await eventually("the descriptor", () => capacity.used === 1);
    client.reset();
    await eventually("the abort", () => gate.events.includes("aborted"));
    gate.yes();
    await eventually("the descriptor given back", () => capacity.used === 0);
    expect(gate.events).toEqual(["aborted", "released"]);
  });

  test("is given back what it took, if the gateway drains before the answer", async () => {
    const gate = pending();
    let isDraining = false;
    const { host, capacity } = serveRoute(gate.hooks, { isDraining: () => isDraining });
    using client = await dial(host);
    client.write(head({ path: "/x/y" }));
    await eventually("the descriptor", () => capacity.used === 1);
    isDraining = true;
    gate.yes();
    expect((await client.answer()).body).toStartWith("draining");
    expect(capacity.used).toBe(0);
    expect(gate.events).toEqual(["released"]);
  });
});
