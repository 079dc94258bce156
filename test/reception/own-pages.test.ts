import { describe, expect, test } from "bun:test";
import type { GatewayParts } from "../../src/gateway.ts";
import { createOwnPages, type OwnPagesOptions } from "../../src/reception/own-pages.ts";
import { expectEcho } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { ask, upgrade } from "../raw-client.ts";

const PLAIN = { Upgrade: null, Connection: null };
const echo = { kind: "echo", welcome: false } as const;

/** The answer of a page to a peer with this address; undefined if there is no such page. */
function page(
  path: string,
  init: RequestInit = {},
  ip = "127.0.0.1",
  options: Partial<OwnPagesOptions> = {},
) {
  const ownPage = createOwnPages({
    routes: [
      { path: "/echo", kind: "echo" },
      { path: "/vnc/:host", kind: "bridge" },
    ],
    notReady: () => undefined,
    metrics: () => "a 1\n",
    ...options,
  });
  const answer = ownPage(new Request(`http://a${path}`, init), path, ip);
  if (answer instanceof Promise) throw new Error("it is known at once");
  return answer;
}

describe("own pages", () => {
  test("say that the process lives and may take traffic", async () => {
    expect(await page("/healthz")?.text()).toBe("ok\n");
    expect(await page("/readyz")?.text()).toBe("ready\n");
  });

  test("say why the node should get no traffic, while it is alive all the same", async () => {
    const options = { notReady: () => "draining" };
    const ready = page("/readyz", {}, "127.0.0.1", options);
    expect([ready?.status, await ready?.text()]).toEqual([503, "not ready: draining\n"]);
    expect(page("/healthz", {}, "127.0.0.1", options)?.status).toBe(200);
  });

  test("are never cached", () => {
    for (const path of ["/", "/healthz", "/readyz", "/metrics"]) {
      expect(page(path)?.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("list the routes on / as configured, one line each", async () => {
    const lines = (await page("/")?.text())?.split("\n");
    expect(lines?.slice(2)).toEqual(["echo    /echo", "bridge  /vnc/:host", ""]);
  });

  test("leave / to a route that has it, and to who asks for events or JSON there", () => {
    const routes = [{ path: "/", kind: "feed" }] as const;
    expect(page("/", {}, "127.0.0.1", { routes })).toBeUndefined();
    for (const accept of ["text/event-stream", "application/json"]) {
      expect(page("/", { headers: { accept } })).toBeUndefined();
    }
    expect(page("/", { method: "POST" })).toBeUndefined();
  });

  test.each(["/nope", "/healthz/", "/HEALTHZ", "//healthz", "/constructor", "/__proto__"])(
    "are not %s",
    (path) => {
      expect(page(path)).toBeUndefined();
    },
  );

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("answer 405 to %s and say what is allowed", (method) => {
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      const answer = page(path, { method });
      expect([answer?.status, answer?.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
  });
});

describe("/metrics", () => {
  test.each(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])("is shown to %s", (ip) => {
    expect(page("/metrics", {}, ip)?.status).toBe(200);
  });

  test.each(["10.0.0.1", "128.0.0.1", "::2", "::ffff:10.0.0.1", "fe80::1", "::1%evil", ""])(
    "is not found for %s",
    (ip) => {
      expect(page("/metrics", {}, ip)?.status).toBe(404);
    },
  );

  test.each(["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])(
    "is not found for who comes through a proxy, as %s tells",
    (name) => {
      expect(page("/metrics", { headers: { [name]: "127.0.0.1" } })?.status).toBe(404);
    },
  );
});

describe("own pages of one of several processes", () => {
  const answers = async (ownNotReady: string | undefined, metrics: string | undefined) => {
    const asked: (string | undefined)[] = [];
    const siblings: GatewayParts["siblings"] = (own) => {
      asked.push(String(own.notReady()), String(own.metrics()).split("\n")[0]);
      return { notReady: () => Promise.resolve(ownNotReady), metrics: () => Promise.resolve(metrics) };
    };
    await using gateway = await startGateway({ "/echo": echo }, {}, { siblings });
    const get = async (path: string) => {
      const answer = await fetch(gateway.http(path));
      return [answer.status, await answer.text()];
    };
    return { asked, ready: await get("/readyz"), metrics: await get("/metrics") };
  };

  test("say what all of them say, and each can be asked for its own", async () => {
    expect(await answers(undefined, "a 3\n")).toEqual({
      asked: ["undefined", "# HELP fairlead_connections Open WebSocket connections."],
      ready: [200, "ready\n"],
      metrics: [200, "a 3\n"],
    });
    expect((await answers("draining", "a 3\n")).ready).toEqual([503, "not ready: draining\n"]);
  });

  test("answer 503 if nobody knows the numbers of the others", async () => {
    expect((await answers(undefined, undefined)).metrics).toEqual([
      503,
      "the process that watches the workers does not answer\n",
    ]);
  });
});

describe("own pages of a gateway", () => {
  test("answer HEAD with the length and without the body", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    for (const path of ["/", "/healthz", "/readyz", "/metrics"]) {
      const { status, headers, body } = await ask(gateway.host, { method: "HEAD", path, headers: PLAIN });
      expect([status, body]).toEqual([200, ""]);
      expect(Number(headers.get("content-length"))).toBeGreaterThan(2);
    }
  });

  test("win over a route that takes every path, which takes all the others", async () => {
    await using gateway = await startGateway({ "/*": echo });
    expect(await (await fetch(gateway.http("/healthz"))).text()).toBe("ok\n");
    expect((await fetch(gateway.http("/metrics"))).status).toBe(200);
    expect((await fetch(gateway.http("/other"))).status).toBe(426);
    for (const path of ["/", "/any/path"]) {
      using client = await upgrade(gateway.host, { path });
      await expectEcho(client, "hello");
    }
  });

  test("answer who asks for h2c as well, as some HTTP clients do with every request", async () => {
    await using gateway = await startGateway({ "/echo": echo });
    const headers = { Upgrade: "h2c", Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABk" };
    expect((await ask(gateway.host, { path: "/healthz", headers })).body).toBe("ok\n");
  });
});
