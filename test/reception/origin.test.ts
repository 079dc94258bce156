import { describe, expect, test } from "bun:test";
import { createSchemeOf } from "../../src/reception/forwarded.ts";
import { createOriginCheck } from "../../src/reception/origin.ts";
import { memoryLog, startGateway, type TestGateway } from "../gateway.ts";
import { type Answer, ask, type HeadOptions, upgrade } from "../raw-client.ts";

const APP = "https://app.example";
const PLAIN = { Upgrade: null, Connection: null };
const feed = { kind: "feed", welcome: false, publish: true } as const;
const routes = { "/feed/:topic": feed, "/read": { kind: "feed" }, "/echo": { kind: "echo" } } as const;
const CORS = /^(?:access-control-|vary$)/;
const corsOf = ({ headers }: Answer) => Object.fromEntries([...headers].filter(([name]) => CORS.test(name)));

/** What becomes of an Origin where these are listed: own, listed or refused. */
function verdict(
  origin: string | undefined,
  { host = "gateway.example:8080", origins = [APP], tls = false } = {},
) {
  const check = createOriginCheck(origins, createSchemeOf([]));
  const headers = new Headers({ Host: host, ...(origin === undefined ? {} : { Origin: origin }) });
  const found = check({ url: `${tls ? "https" : "http"}://x/`, headers }, { address: "192.0.2.1", port: 1 });
  if ("refusal" in found) return found.refusal.code;
  return found.listed === undefined ? "own" : "listed";
}

describe("an Origin", () => {
  test("that is missing passes", () => {
    expect(verdict(undefined)).toBe("own");
  });

  test.each<[host: string, tls: boolean, origin: string]>([
    ["gateway.example:8080", false, "http://gateway.example:8080"],
    ["Gateway.Example:8080", false, "http://gateway.example:8080"],
    ["gateway.example", false, "http://gateway.example"],
    ["gateway.example:80", false, "http://gateway.example"],
    ["gateway.example", true, "https://gateway.example"],
    ["gateway.example:443", true, "https://gateway.example"],
    ["gateway.example:80", true, "https://gateway.example:80"],
    ["[::1]:8080", false, "http://[::1]:8080"],
  ])("of the gateway's own passes: Host %s, TLS %s, %s", (host, tls, origin) => {
    expect(verdict(origin, { host, tls })).toBe("own");
  });

  test("of the other scheme is not the gateway's own", () => {
    expect(verdict("https://gateway.example:8080")).toBe("origin_refused");
    expect(verdict("http://gateway.example:8080", { tls: true })).toBe("origin_refused");
  });

  test("that is listed passes, and null only where it is listed", () => {
    expect([verdict(APP), verdict("null")]).toEqual(["listed", "origin_refused"]);
    expect(verdict("null", { origins: ["null"] })).toBe("listed");
    expect(verdict("chrome-extension://abc", { origins: ["chrome-extension://abc"] })).toBe("listed");
  });

  test("passes whatever it is under *", () => {
    for (const origin of ["https://evil.example", "null", "", "a, b"])
      expect(verdict(origin, { origins: ["*"] })).toBe("listed");
  });
});

describe("behind a proxy that speaks TLS, the gateway's own origin", () => {
  const own = async (trustProxy: string[], headers: Record<string, string>) => {
    await using gateway = await startGateway(routes, { trustProxy, hosts: ["gateway.example"] });
    const all = { Host: "gateway.example", Origin: "https://gateway.example", ...headers };
    return (await ask(gateway.host, { headers: all })).status;
  };

  test("begins with https if a trusted proxy says so", async () => {
    expect(await own(["127.0.0.1"], { "X-Forwarded-Proto": "https" })).toBe(101);
    expect(await own(["127.0.0.1"], { Forwarded: "for=192.0.2.1;proto=HTTPS" })).toBe(101);
  });

  test("begins with http if it does not, or nobody trusts it", async () => {
    expect(await own([], { "X-Forwarded-Proto": "https" })).toBe(403);
    expect(await own(["10.0.0.0/8"], { Forwarded: "proto=https" })).toBe(403);
    expect(await own(["127.0.0.1"], {})).toBe(403);
  });
});

describe("pages of listed origins", () => {
  const listed = { origins: [APP] };
  const get = (gateway: TestGateway, headers: Record<string, string>, path = "/feed/x") =>
    ask(gateway.host, { path, headers: { ...PLAIN, ...headers } });

  test("may connect", async () => {
    await using gateway = await startGateway(routes, listed);
    using client = await upgrade(gateway.host, { path: "/echo", headers: { Origin: APP } });
    expect(client.id).not.toBe("");
  });

  test("may read what they get, errors too, and answers are kept for no other page", async () => {
    await using gateway = await startGateway(routes, listed);
    for (const [path, status] of [
      ["/feed/x", 200],
      ["/none", 404],
      ["/feed/a%20b", 400],
      ["/echo", 426],
    ] as const) {
      const answer = await get(gateway, { Origin: APP }, path);
      expect([answer.status, corsOf(answer)]).toEqual([
        status,
        {
          "access-control-allow-origin": APP,
          "access-control-expose-headers": "Retry-After, WWW-Authenticate",
          vary: "Origin",
        },
      ]);
    }
  });

  test("may read event streams and publish", async () => {
    await using gateway = await startGateway(routes, listed);
    const headers = { Origin: APP, Accept: "text/event-stream" };
    const stream = await fetch(gateway.http("/feed/x"), { headers });
    expect(stream.headers.get("access-control-allow-origin")).toBe(APP);
    await stream.body?.cancel();
    const posted = await fetch(gateway.http("/feed/x"), {
      method: "POST",
      body: "hi",
      headers: { Origin: APP },
    });
    expect([posted.status, posted.headers.get("access-control-allow-origin")]).toEqual([200, APP]);
  });

  test("are told by a preflight what they may send", async () => {
    await using gateway = await startGateway(routes, listed);
    const answer = await preflight(gateway, { Origin: APP });
    expect([answer.status, corsOf(answer)]).toEqual([
      204,
      {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Authorization, Content-Type, Last-Event-ID",
        "access-control-max-age": "600",
        vary: "Origin",
      },
    ]);
  });

  test("get no preflight where nothing can be fetched", async () => {
    await using gateway = await startGateway(routes, listed);
    expect((await preflight(gateway, { Origin: APP }, "/echo")).status).toBe(405);
    expect((await preflight(gateway, { Origin: APP }, "/none")).status).toBe(404);
  });

  test("get none of the operators' API, also where a route takes every path", async () => {
    await using gateway = await startGateway({ ...routes, "/*": feed }, listed);
    const headers = { ...PLAIN, Origin: APP };
    const answer = await ask(gateway.host, { method: "POST", path: "/api/revoke", headers });
    expect([answer.status, corsOf(answer)]).toEqual([404, {}]);
    const asked = await preflight(gateway, { Origin: APP }, "/api/revoke");
    expect([asked.status, corsOf(asked)]).toEqual([404, {}]);
  });

  test("are answered with their own origin under *, never with *, and without credentials", async () => {
    await using gateway = await startGateway(routes, { origins: ["*"] });
    const answer = await get(gateway, { Origin: "https://any.example" });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://any.example");
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
  });
});

describe("pages of no listed origin", () => {
  test.each<[what: string, origin: string | null]>([
    ["foreign", "https://evil.example"],
    ["own", "own"],
    ["no", null],
  ])("get no CORS header: %s", async (_, origin) => {
    await using gateway = await startGateway(routes, { origins: [APP] });
    const Origin = origin === "own" ? `http://${gateway.host}` : origin;
    const headers = { Host: gateway.host, Origin };
    for (const path of ["/feed/x", "/metrics", "/", "/healthz"])
      expect(corsOf(await ask(gateway.host, { path, headers: { ...PLAIN, ...headers } }))).toEqual({});
    expect(corsOf(await preflight(gateway, headers))).toEqual({});
  });

  test("cannot publish with a request that needs no preflight", async () => {
    await using gateway = await startGateway({ "/feed/:topic": feed });
    const headers = {
      ...PLAIN,
      Origin: "https://evil.example",
      "Content-Type": "text/plain",
      "Content-Length": "2",
    };
    const answer = await ask(gateway.host, { method: "POST", path: "/feed/x", headers }, "hi");
    expect([answer.status, answer.body]).toEqual([
      403,
      'origin_refused: Pages of this origin may not talk to this gateway; its operator can list it in `origins`: "https://evil.example".\n',
    ]);
    expect(await gateway.metric('fairlead_handshakes_rejected_total{reason="origin_refused"}')).toBe(1);
    const { messages } = (await (await fetch(gateway.http("/feed/x"))).json()) as { messages: unknown[] };
    expect(messages).toEqual([]);
  });

  test("cannot ask the API, whatever key they show", async () => {
    await using gateway = await startGateway(routes);
    const code = async (Origin: string | null) => {
      const headers = { ...PLAIN, Origin, Authorization: "Bearer x", "Content-Length": "0" };
      const { body } = await ask(gateway.host, { method: "POST", path: "/api/revoke", headers });
      return body.split(":")[0];
    };
    expect(await code("https://evil.example")).toBe("origin_refused");
    expect(await code(null)).toBe("not_found");
  });

  test("learn nothing of which paths there are", async () => {
    await using gateway = await startGateway(routes);
    const answers = await Promise.all(
      ["/echo", "/none", "/feed/a%20b"].map((path) =>
        ask(gateway.host, { path, headers: { Origin: "https://evil.example" } }),
      ),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
  });
});

describe("origins: *", () => {
  test("is told at start, and stands in /metrics", async () => {
    const log = memoryLog();
    await using gateway = await startGateway(routes, { origins: ["*"] }, { log });
    expect(log.lines.filter(({ text }) => text === "! insecure by its config")).toMatchObject([
      { level: "warn", switch: "origins" },
    ]);
    expect(await gateway.metric('fairlead_insecure{switch="origins"}')).toBe(1);
  });

  test("is nothing that a list or no list says", async () => {
    const log = memoryLog();
    await using gateway = await startGateway(routes, { origins: [APP, "null"] }, { log });
    expect(log.lines.filter(({ level }) => level === "warn")).toEqual([]);
    expect(await gateway.metric('fairlead_insecure{switch="origins"}')).toBe(0);
  });
});

function preflight(gateway: TestGateway, headers: HeadOptions["headers"], path = "/feed/x") {
  const asks = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization" };
  return ask(gateway.host, { method: "OPTIONS", path, headers: { ...PLAIN, ...asks, ...headers } });
}
