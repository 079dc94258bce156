/** Keys called like members of every object, and nesting without end, at each door that takes JSON (CVE-2026-44291, CVE-2026-44292, CVE-2023-36665, CVE-2022-25878). */
import { afterEach, describe, expect, test } from "bun:test";
import { createGateway } from "../../src/gateway.ts";
import { expectCalm } from "../calm.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { ask, frame, type RawClient, upgrade } from "../raw-client.ts";

const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"] as const;
const DEEP = 10_000;

/** JSON text with this key, own and above all. */
const holding = (name: string) => `{"${name}":{"x":1,"polluted":true,"prototype":{"polluted":true}}}`;

const start = () =>
  startGateway({
    "/echo": { kind: "echo", welcome: false },
    "/feed/:topic": { kind: "feed", welcome: false, publish: true, keyField: "k" },
    "/relay": { kind: "relay", language: "en" },
    "/to/:name": { kind: "bridge", targets: { a: "127.0.0.1:1" } },
  });

afterEach(() => {
  expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(((() => {}) as { polluted?: unknown }).polluted).toBeUndefined();
});

const speak = (gateway: TestGateway, path: string) =>
  upgrade(gateway.host, { path, headers: { "Sec-WebSocket-Protocol": "fairlead.v1" } });

async function said(client: RawClient): Promise<Record<string, unknown>> {
  return JSON.parse(`${(await client.next()).payload}`);
}

describe.each(NAMES)("%s", (name) => {
  test("as data of a publish is data: it comes back as it was, as an own key", async () => {
    await using gateway = await start();
    using client = await speak(gateway, "/feed/a");
    await said(client);
    client.write(frame(`{"t":"pub","id":1,"data":${holding(name)}}`));
    const frames = [await said(client), await said(client)];
    const { data } = frames.find(({ t }) => t === "msg") ?? {};
    expect(JSON.stringify(data)).toBe(holding(name));
  });

  test("as a field, a topic, a key or a command changes nothing", async () => {
    await using gateway = await start();
    using client = await speak(gateway, "/feed/a");
    await said(client);
    client.write(frame(`{"t":"ping","id":1,${holding(name).slice(1)}`));
    expect(await said(client)).toMatchObject({ t: "ok", id: 1 });
    client.write(frame(`{"t":"${name}","id":2}`));
    expect(await said(client)).toMatchObject({ t: "err", id: 2, code: "unknown_command" });
    client.write(frame(`{"t":"sub","id":3,"topic":"${name}","since":{"epoch":"e","offset":1,"${name}":1}}`));
    expect(await said(client)).toMatchObject({ t: "ok", id: 3, topic: name, recovered: false });
    client.write(frame(`{"t":"sub","id":4,"topic":"x.*","since":{"${name}":{"epoch":"e","offset":1}}}`));
    expect(await said(client)).toMatchObject({ t: "ok", id: 4, positions: {} });
    client.write(frame(`{"t":"pub","id":5,"topic":"${name}","key":"${name}","idem":"${name}","data":1}`));
    const told = [await said(client), await said(client)];
    expect(told.map(({ t }) => t).sort()).toEqual(["msg", "ok"]);
  });

  test("in a relay's envelope, or as a group, is text like any other", async () => {
    await using gateway = await start();
    using client = await upgrade(gateway.host, { path: "/relay" });
    const envelope = `{"group_id":"${name}","sender_type":"center","receiver_type":"${name}","content":"x",${holding(name).slice(1)}`;
    client.write(frame(envelope));
    expect(await said(client)).toMatchObject({ content: expect.stringContaining("Connected") });
    client.write(frame(`{"group_id":"a","sender_type":"${name}","receiver_type":"local","content":"y"}`));
    client.write(frame(`{"t":"x"}`));
    expect(await said(client)).toMatchObject({ message_type: "error" });
  });

  test("in a path, a query or a header reaches nothing that was not configured", async () => {
    await using gateway = await start();
    const headers = { [name]: "1", Cookie: `${name}=1` };
    for (const path of [`/${name}`, `/to/${name}`])
      expect((await ask(gateway.host, { path, headers })).status).toBe(404);
    const path = `/feed/a?${name}=1&since=${name}&last=1`;
    expect([101, 400]).toContain((await ask(gateway.host, { path, headers })).status);
  });

  test("in a config is an error of the config", () => {
    const routes = { "/a": JSON.parse(`{"kind":"echo",${holding(name).slice(1)}`) };
    expect(() => createGateway({ routes })).toThrow("routes");
    expect(() => createGateway(JSON.parse(`{"routes":{},${holding(name).slice(1)}`))).toThrow(name);
  });
});

describe("10,000 levels of nesting", () => {
  const brackets = "[".repeat(DEEP);
  const braces = '{"a":'.repeat(DEEP);

  test.each([
    ["brackets", brackets],
    ["brackets that close", `${brackets}${"]".repeat(DEEP)}`],
    ["braces", braces],
    ["braces that close", `${braces}1${"}".repeat(DEEP)}`],
    ["data", `{"t":"pub","id":1,"data":${brackets}${"]".repeat(DEEP)}}`],
  ])("of %s are an error, and 1008 the tenth time", async (_, text) => {
    await using gateway = await start();
    using client = await speak(gateway, "/feed/a");
    await said(client);
    for (let time = 1; time <= 10; time += 1) {
      client.write(frame(text));
      expect(await said(client)).toMatchObject({ t: "err", code: "bad_request" });
    }
    expect((await client.ending()).code).toBe(1008);
    await expectCalm(gateway);
  });

  test("in an envelope are an error for a plain peer", async () => {
    await using gateway = await start();
    using client = await upgrade(gateway.host, { path: "/relay" });
    client.write(frame(`${braces}1${"}".repeat(DEEP)}`));
    expect(await said(client)).toMatchObject({ message_type: "error" });
  });

  test("in what is posted are refused or kept as text, and the gateway serves on", async () => {
    await using gateway = await start();
    const body = `${brackets}${"]".repeat(DEEP)}`;
    const headers = { "Content-Type": "application/json" };
    const { status } = await fetch(gateway.http("/feed/a"), { method: "POST", headers, body });
    expect(status).toBe(400);
    await expectCalm(gateway);
  });
});
