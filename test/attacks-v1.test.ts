/** What a client of fairlead.v1 on the open internet may try: small frames that cost much. The house must stay bounded, and serve the others. */
import { describe, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "./gateway.ts";
import { frame, type RawClient, upgrade } from "./raw-client.ts";
import { speak } from "./v1-client.ts";

const MIB = 1024 * 1024;

const start = () => startGateway({ "/feed/:name": { kind: "feed", welcome: false, publish: true } });

/** A socket that reads only what it is told to; its welcome is still to come. */
const dial = (gateway: TestGateway, path = "/feed/own") =>
  upgrade(gateway.host, { path, headers: { "Sec-WebSocket-Protocol": "fairlead.v1" } });

const said = (commands: readonly object[]) =>
  Buffer.concat(commands.map((command, nth) => frame(JSON.stringify({ ...command, id: nth + 1 }))));

async function nextJson(client: RawClient): Promise<Record<string, unknown>> {
  return JSON.parse((await client.next()).payload.toString());
}

async function fill(gateway: TestGateway, topic: string, messages: number, bytes: number): Promise<void> {
  using publisher = await speak(gateway.ws("/feed/own"));
  await publisher.ask({ t: "unsub", topic: "own" });
  const data = "x".repeat(bytes);
  for (let n = 0; n < messages; n += 1) await publisher.ask({ t: "pub", topic, data });
}

describe("commands whose answers nobody reads", () => {
  test("wait, also those that were read with them, and are answered in order later", async () => {
    await using gateway = await start();
    await fill(gateway, "big", 20, 50_000);
    using client = await dial(gateway);
    await nextJson(client);
    client.pause();
    client.write(said(Array.from({ length: 300 }, () => ({ t: "history", topic: "big", limit: 1000 }))));
    using other = await speak(gateway.ws("/feed/own"));
    for (let n = 0; n < 20; n += 1) await other.ask({ t: "ping" });
    expect(
      await gateway.metric('fairlead_message_bytes_total{route="/feed/:name",direction="out"}'),
    ).toBeLessThan(32 * MIB);
    client.resume();
    for (let id = 1; id <= 300; id += 1) expect(await nextJson(client)).toMatchObject({ t: "ok", id });
  });
});

describe("patterns that match thousands of topics", () => {
  /** Publishes once to each. */
  async function create(gateway: TestGateway, names: readonly string[]): Promise<void> {
    using publisher = await speak(gateway.ws("/feed/own"));
    for (const topic of names) publisher.say({ t: "pub", topic, data: 1 });
    await publisher.ask({ t: "ping" });
  }
  const numbered = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${prefix}.${n}`);

  test("hold up nobody when their connection ends, however many of them there are", async () => {
    await using gateway = await start();
    const deep = Array.from({ length: 120 }, () => "a").join(".");
    await create(gateway, numbered(deep, 2_000));
    const stars = Array.from({ length: 120 }, () => "*").join(".");
    const client = await speak(gateway.ws("/feed/own"));
    for (const topic of [...numbered(stars, 120), ">"])
      expect(await client.ask({ t: "sub", topic, presence: topic !== ">" })).toMatchObject({ t: "ok" });
    using other = await speak(gateway.ws("/feed/own"));
    const began = performance.now();
    client.close();
    await client.closed();
    await other.ask({ t: "ping" });
    expect(performance.now() - began).toBeLessThan(400);
  });

  test("are refused where together they would be more than 10,000", async () => {
    await using gateway = await start();
    await create(gateway, [...numbered("a", 5_001), ...numbered("b", 5_000)]);
    using client = await speak(gateway.ws("/feed/own"));
    expect(await client.ask({ t: "sub", topic: "a.*" })).toMatchObject({ t: "ok" });
    const refused = { t: "err", code: "too_many", message: expect.stringContaining('"b.*"') };
    expect(await client.ask({ t: "sub", topic: "b.*" })).toMatchObject(refused);
    expect(await client.ask({ t: "sub", topic: "b.1" })).toMatchObject({ t: "ok" });
    await client.ask({ t: "pub", topic: "b.2", data: 2 });
    await client.ask({ t: "pub", topic: "b.1", data: 2 });
    expect(await client.told()).toMatchObject([{ t: "msg", topic: "b.1", data: 2 }]);
  });
});
