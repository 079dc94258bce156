import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { ConfigInput } from "../../src/config/schema.ts";
import { createStaticFiles } from "../../src/reception/static-files.ts";
import { folder } from "../folder.ts";
import { connect, startGateway, type TestGateway } from "../gateway.ts";
import { ask } from "../raw-client.ts";
import { closedTarget } from "../tcp-service.ts";

const PLAIN = { Upgrade: null, Connection: null };

/** A gateway beside these files, and beside some that must never be read. */
async function serving(files: Readonly<Record<string, string>>, routes: ConfigInput["routes"] = {}) {
  const root = folder({ "secret.txt": "secret", "outside/index.html": "secret", ...inside(files) });
  const gateway = await startGateway(routes, { web: join(root, "web") });
  return Object.assign(gateway, { root });
}

const inside = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries({ "index.html": "<p>home", ...files }).map(([name, text]) => [`web/${name}`, text]),
  );

async function get(gateway: TestGateway, path: string, init: RequestInit = {}) {
  const response = await fetch(gateway.http(path), { redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The status for a path as it is written, which `fetch` would tidy up. */
const statusOf = async ({ host }: TestGateway, path: string) =>
  (await ask(host, { path, headers: PLAIN })).status;

describe("a file is served", () => {
  test("with its type, and as nothing that a browser guesses", async () => {
    await using gateway = await serving({ "app/ui.js": "let a", "caf\u00e9 1.txt": "hot", empty: "" });
    const script = await get(gateway, "/app/ui.js");
    expect([script.status, script.text]).toEqual([200, "let a"]);
    expect(script.headers.get("content-type")).toStartWith("text/javascript");
    expect(script.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await get(gateway, "/caf%C3%A9%201.txt")).text).toBe("hot");
    expect([(await get(gateway, "/empty")).status, (await get(gateway, "/empty")).text]).toEqual([200, ""]);
  });

  test("as the index of its folder, with the / that relative links need", async () => {
    await using gateway = await serving({ "vnc/index.html": "<p>vnc" });
    expect((await get(gateway, "/")).text).toBe("<p>home");
    expect((await get(gateway, "/vnc/")).text).toBe("<p>vnc");
    const { status, headers } = await get(gateway, "/vnc");
    expect([status, headers.get("location")]).toEqual([308, "./vnc/"]);
  });

  test("in part, or without its body, where that was asked for", async () => {
    await using gateway = await serving({ "a.txt": "0123456789" });
    expect(await get(gateway, "/a.txt", { headers: { Range: "bytes=2-4" } })).toMatchObject({
      status: 206,
      text: "234",
    });
    const head = await get(gateway, "/a.txt", { method: "HEAD" });
    expect([head.status, head.headers.get("content-length"), head.text]).toEqual([200, "10", ""]);
  });

  test("once: who has it is told 304, until it changes", async () => {
    await using gateway = await serving({ "a.txt": "one" });
    const etag = (await get(gateway, "/a.txt")).headers.get("etag") ?? "";
    const again = (tag: string) => get(gateway, "/a.txt", { headers: { "If-None-Match": tag } });
    expect(await again(etag)).toMatchObject({ status: 304, text: "" });
    expect((await again(`"x", W/${etag}`)).status).toBe(304);
    expect((await again("*")).status).toBe(304);
    expect((await again('"x"')).text).toBe("one");
    writeFileSync(join(gateway.root, "web/a.txt"), "two");
    utimesSync(join(gateway.root, "web/a.txt"), 1, 1);
    expect((await again(etag)).text).toBe("two");
  });

  test("from wherever the folder leads by then", async () => {
    const root = folder({ "v1/a.txt": "one", "v2/a.txt": "two" });
    symlinkSync(join(root, "v1"), join(root, "current"));
    await using gateway = await startGateway({}, { web: join(root, "current") });
    expect((await get(gateway, "/a.txt")).text).toBe("one");
  });
});

describe("nothing else is there:", () => {
  test.each([
    ["a file that is none", "/none.txt"],
    ["a file below a file", "/index.html/x"],
    ["a folder without an index, which is not listed", "/bare"],
    ["the same with its /", "/bare/"],
    ["a dotfile", "/.env"],
    ["a file in a dot folder", "/.git/config"],
    ["a dotfile that is escaped", "/%2eenv"],
    ["the folder above", "/../secret.txt"],
    ["the folder above, escaped", "/%2e%2e/secret.txt"],
    ["the folder above, behind a name", "/bare/%2e%2e/%2e%2e/secret.txt"],
    ["the folder above, with its separator escaped", "/..%2fsecret.txt"],
    ["a separator in a name", "/bare%2fx.txt"],
    ["a backslash", "/..%5csecret.txt"],
    ["a zero byte", "/index.html%00.txt"],
    ["a % that begins no byte", "/%zz"],
    ["bytes that are no UTF-8", "/%ff"],
    ["a doubled escape", "/%252e%252e/secret.txt"],
    ["an absolute path", "//etc/passwd"],
    ["an empty name in the middle", "/bare//x.txt"],
    ["a name longer than a file system takes", `/${"a".repeat(300)}`],
    ["a link that leads outside", "/link.txt"],
    ["a file behind a link that leads outside", "/elsewhere/secret.txt"],
    ["an index behind a link that leads outside", "/elsewhere/outside/"],
    ["a dotfile behind a link", "/alias"],
    ["a link to itself", "/loop"],
    ["a pipe", "/pipe"],
  ])("%s", async (_, path) => {
    await using gateway = await serving({ ".env": "secret", ".git/config": "secret", "bare/x.txt": "x" });
    const web = join(gateway.root, "web");
    symlinkSync(join(gateway.root, "secret.txt"), join(web, "link.txt"));
    symlinkSync(gateway.root, join(web, "elsewhere"));
    symlinkSync(join(web, ".env"), join(web, "alias"));
    symlinkSync(join(web, "loop"), join(web, "loop"));
    Bun.spawnSync(["mkfifo", join(web, "pipe")]);
    expect([400, 404]).toContain(await statusOf(gateway, path));
  });

  test("whatever a path is made of, it reaches no file outside and no dotfile", async () => {
    await using gateway = await serving({
      ".env": "secret",
      ".git/config": "secret",
      "sub/.x/y": "secret",
      "sub/a": "open",
    });
    symlinkSync(gateway.root, join(gateway.root, "web/elsewhere"));
    const parts = [
      "",
      "..",
      "%2e%2e",
      "..%2f",
      "%5c",
      "%00",
      "sub",
      "a",
      ".x",
      "y",
      ".env",
      "elsewhere",
      "secret.txt",
    ];
    const segments = fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 3 });
    const files = createStaticFiles(join(gateway.root, "web"));
    await fc.assert(
      fc.asyncProperty(segments, async (names) => {
        const path = `/${names.join("/")}`;
        const answer = await files(new Request("http://a/"), path);
        expect([path, await answer?.text()]).not.toEqual([path, "secret"]);
      }),
      { numRuns: 4_000 },
    );
  });

  test("a redirect never names another host", async () => {
    await using gateway = await serving({ "evil.example/index.html": "x" });
    expect((await ask(gateway.host, { path: "//evil.example", headers: PLAIN })).status).toBe(404);
    expect((await get(gateway, "/evil.example")).headers.get("location")).toBe("./evil.example/");
  });

  test("a file that may not be read", async () => {
    await using gateway = await serving({ "a.txt": "x" });
    mkdirSync(join(gateway.root, "web/sub/index.html"), { recursive: true });
    expect(await statusOf(gateway, "/sub/")).toBe(404);
    expect(await statusOf(gateway, "/sub")).toBe(404);
  });
});

describe("beside routes", () => {
  test("own pages and routes that answer plain requests come first, files before an upgrade is asked for", async () => {
    const target = await closedTarget();
    await using gateway = await serving(
      { healthz: "file", "feed/news": "file", ws: "file" },
      {
        "/": { kind: "bridge", target },
        "/ws": { kind: "echo" },
        "/feed/:topic": { kind: "feed" },
        "/bare": { kind: "echo" },
      },
    );
    expect((await get(gateway, "/healthz")).text).toBe("ok\n");
    expect((await get(gateway, "/feed/news", { headers: { Accept: "application/json" } })).text).not.toBe(
      "file",
    );
    expect((await get(gateway, "/")).text).toBe("<p>home");
    expect((await get(gateway, "/ws")).text).toBe("file");
    expect((await get(gateway, "/bare")).status).toBe(426);
    using client = await connect(gateway.ws("/ws"));
    expect(await client.next()).toBe("Welcome to the Echo Server!");
  });

  test("only GET and HEAD ask for files", async () => {
    await using gateway = await serving({}, { "/echo": { kind: "echo" } });
    expect((await get(gateway, "/index.html", { method: "POST" })).status).toBe(404);
    expect((await get(gateway, "/echo", { method: "DELETE" })).status).toBe(405);
  });
});

test.each(["none", "index.html"])("a folder that is %s is told at the start", async (name) => {
  const root = folder({ "index.html": "" });
  await expect(startGateway({}, { web: join(root, name) })).rejects.toThrow(
    expect.objectContaining({
      code: "LISTEN_FAILED",
      message: expect.stringContaining("is no folder that can be read"),
    }),
  );
});
