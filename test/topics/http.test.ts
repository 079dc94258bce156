import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FairleadError } from "../../src/errors.ts";
import { lastMessages } from "../../src/topics/http.ts";
import { connect, memoryLog, startGateway, type TestGateway } from "../gateway.ts";
import { NOBODY_ASKS } from "./fake-topics.ts";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    "/feed/:topic": { kind: "feed", publish: true, welcome: false, maxMessage: 1_000 },
    "/free/:topic": { kind: "feed", publish: true, maxMessage: 0 },
    "/read/:topic": { kind: "feed", welcome: false },
  });
});
afterAll(() => gateway.gateway.stop());

let topics = 0;
/** A topic of the test's own, so that its history is too. */
const freshTopic = () => `t${++topics}`;

async function post(topic: string, body: string | Uint8Array<ArrayBuffer>, type?: string) {
  const headers = type === undefined ? {} : { "Content-Type": type };
  const response = await fetch(gateway.http(`/feed/${topic}`), { method: "POST", body, headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function get(topic: string, query = "", headers: Record<string, string> = {}) {
  const response = await fetch(gateway.http(`/feed/${topic}${query}`), { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The messages of a topic as GET answers them. */
async function messages(topic: string, query = ""): Promise<Record<string, unknown>[]> {
  return JSON.parse((await get(topic, query)).text).messages;
}

describe("POST", () => {
  test("publishes, and answers the topic and the message's position", async () => {
    const topic = freshTopic();
    using reader = await connect(gateway.ws(`/feed/${topic}`));
    const first = await post(topic, '{"a":1}', "application/json");
    expect(first.status).toBe(200);
    expect(JSON.parse(first.text)).toEqual({
      topic,
      epoch: expect.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
      offset: 1,
    });
    const second = JSON.parse((await post(topic, "2", "application/json")).text);
    expect(second).toEqual({ ...JSON.parse(first.text), offset: 2 });
    expect([await reader.next(), await reader.next()]).toEqual(['{"a":1}', "2"]);
  });

  test("publishes JSON as it was written, down to its white space and the order of its keys", async () => {
    const topic = freshTopic();
    using reader = await connect(gateway.ws(`/feed/${topic}`));
    const body = '{ "b" : 1.0 ,\n "a" : [ ] }';
    await post(topic, body, "application/json; charset=utf-8");
    expect(await reader.next()).toBe(body);
  });

  test.each([
    ["application/json", "1"],
    ["Application/JSON ; charset=utf-8", "1"],
    ["application/vnd.api+json", "1"],
    ["text/plain", '"1"'],
    ["TEXT/csv;charset=utf-8", '"1"'],
    ["application/octet-stream", undefined],
    ["application/x-www-form-urlencoded", undefined],
    [undefined, undefined],
  ])("takes %p as JSON, text or binary", async (type, data) => {
    const topic = freshTopic();
    expect((await post(topic, new Uint8Array([0x31]), type)).status).toBe(200);
    const { text } = await get(topic);
    expect(text).toContain(data === undefined ? '"base64":"MQ=="' : `"data":${data}}`);
  });

  test("publishes text as text and binary as binary, empty ones too", async () => {
    const topic = freshTopic();
    using reader = await connect(gateway.ws(`/feed/${topic}`));
    await post(topic, "hi \u2603", "text/plain");
    await post(topic, new Uint8Array([0, 255]), "application/octet-stream");
    await post(topic, "", "text/plain");
    await post(topic, new Uint8Array(0), "application/octet-stream");
    expect(await reader.next()).toBe("hi \u2603");
    expect(await reader.next()).toEqual(new Uint8Array([0, 255]));
    expect(await reader.next()).toBe("");
    expect(await reader.next()).toEqual(new Uint8Array(0));
  });

  test("keeps a byte order mark in a text, and drops it before JSON", async () => {
    const topic = freshTopic();
    using reader = await connect(gateway.ws(`/feed/${topic}`));
    const mark = [0xef, 0xbb, 0xbf];
    await post(topic, new Uint8Array([...mark, 0x31]), "text/plain");
    await post(topic, new Uint8Array([...mark, 0x31]), "application/json");
    expect([await reader.next(), await reader.next()]).toEqual(["\uFEFF1", "1"]);
  });

  test.each([
    ["is not JSON", '{"a":', "application/json", "the body is not JSON"],
    ["is an empty JSON body", "", "application/json", "the body is not JSON"],
    [
      "is JSON nested deeper than 32",
      `${"[".repeat(33)}${"]".repeat(33)}`,
      "application/json",
      "the JSON nests too deep",
    ],
    ["is text that is not UTF-8", new Uint8Array([0xff]), "text/plain", "the body is not UTF-8"],
    ["is JSON that is not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), "application/json", "not UTF-8"],
  ])("is refused with 400 when the body %s, and nothing is published", async (_, body, type, problem) => {
    const topic = freshTopic();
    const { status, text } = await post(topic, body, type);
    expect([status, text]).toEqual([400, expect.stringContaining(problem)]);
    expect(text).toStartWith("bad_request: ");
    expect(await messages(topic)).toEqual([]);
  });

  test("takes JSON nested 32 deep", async () => {
    const { status } = await post(freshTopic(), `${"[".repeat(32)}${"]".repeat(32)}`, "application/json");
    expect(status).toBe(200);
  });

  test("is refused with 413 past maxMessage, in bytes, and past what the server reads at all", async () => {
    const topic = freshTopic();
    expect((await post(topic, "x".repeat(1_000), "text/plain")).status).toBe(200);
    const over = await post(topic, "\u2603".repeat(334), "text/plain");
    expect([over.status, over.text]).toEqual([413, expect.stringContaining("more than 1000 bytes")]);
    expect(over.text).toStartWith("too_large: ");
    expect((await post(topic, new Uint8Array(3 * 1024 * 1024))).status).toBe(413);
    expect((await messages(topic)).length).toBe(1);
  });

  test("has no limit of the route's with maxMessage 0", async () => {
    const body = "x".repeat(500_000);
    expect((await fetch(gateway.http("/free/x"), { method: "POST", body })).status).toBe(200);
  });

  test("is refused with 403 where clients may not publish", async () => {
    const response = await fetch(gateway.http("/read/x"), { method: "POST", body: "x" });
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining("forbidden: ")]);
  });

  test.each(["a..b", ".a", "*", "a.%3E", "a%20b"])("is refused with 400 on topic %p", async (topic) => {
    expect((await post(topic, "1", "text/plain")).text).toStartWith("bad_topic: ");
    expect((await get(topic)).status).toBe(400);
    expect((await get(topic, "", { Accept: "text/event-stream" })).status).toBe(400);
  });
});

describe("GET", () => {
  test("is the last messages, oldest first, with the topic's position", async () => {
    const topic = freshTopic();
    const before = Date.now();
    await post(topic, '{"a":1}', "application/json");
    await post(topic, "text", "text/plain");
    const { headers, text } = await get(topic, "", { Accept: "application/json" });
    expect([headers.get("content-type"), headers.get("cache-control")]).toEqual([
      "application/json",
      "no-store",
    ]);
    const page = JSON.parse(text);
    expect(page).toEqual({
      topic,
      epoch: expect.any(String),
      offset: 2,
      messages: [
        { offset: 1, time: expect.any(Number), data: { a: 1 } },
        { offset: 2, time: expect.any(Number), data: "text" },
      ],
    });
    expect(page.messages[0].time).toBeWithin(before - 1_000, Date.now() + 1_000);
  });

  test("is an empty page for a topic that nobody published to", async () => {
    const topic = freshTopic();
    const page = JSON.parse((await get(topic)).text);
    expect(page).toEqual({ topic, epoch: expect.any(String), offset: 0, messages: [] });
  });

  test("has as many messages as limit says, none with 0, and at most 100 without it", async () => {
    const topic = freshTopic();
    for (let i = 1; i <= 102; i += 1) await post(topic, String(i), "application/json");
    const offsets = async (query: string) => (await messages(topic, query)).map(({ offset }) => offset);
    expect(await offsets("?limit=3")).toEqual([100, 101, 102]);
    expect(await offsets("?limit=0")).toEqual([]);
    expect((await offsets("")).length).toBe(100);
    expect((await offsets("?limit=1000")).at(-1)).toBe(102);
  });

  test.each(["1001", "-1", "1.5", "x", "", "1e3", "99999"])(
    "is refused with 400 on limit=%s",
    async (limit) => {
      const { status, text } = await get(freshTopic(), `?limit=${limit}`);
      expect([status, text]).toEqual([
        400,
        "bad_request: The request cannot be used: limit must be a whole number from 0 to 1000.\n",
      ]);
    },
  );

  test("is an event stream only for who asks for one", async () => {
    for (const accept of ["*/*", "application/json", "text/html, text/event-streams"])
      expect((await get(freshTopic(), "", { Accept: accept })).headers.get("content-type")).toBe(
        "application/json",
      );
    const controller = new AbortController();
    const response = await fetch(gateway.http(`/feed/${freshTopic()}`), {
      headers: { Accept: "application/json;q=0.5, Text/Event-Stream" },
      signal: controller.signal,
    });
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    controller.abort();
  });
});

describe("a refusal over HTTP", () => {
  test.each([
    ["a limit that is no number", "bad_request", "/feed/x?limit=many", {}],
    ["a topic that is no name", "bad_topic", "/feed/a..b", {}],
    [
      "a body that is not JSON",
      "bad_request",
      "/free/x",
      { method: "POST", body: "{", headers: { "Content-Type": "application/json" } },
    ],
  ])("is counted and logged like one of a handshake: %s", async (_, code, path, init) => {
    const log = memoryLog(true);
    await using own = await startGateway(
      { "/feed/:topic": { kind: "feed" }, "/free/:topic": { kind: "feed", publish: true } },
      {},
      { log },
    );
    await (await fetch(own.http(path), init)).text();
    expect(await own.metric(`fairlead_handshakes_rejected_total{reason="${code}"}`)).toBe(1);
    expect(log.lines).toContainEqual(expect.objectContaining({ code, text: "! refused" }));
  });
});

describe("an engine that is down", () => {
  const asked = (error: Error) =>
    lastMessages(
      {
        ...NOBODY_ASKS,
        publish() {},
        subscribe: () => ({ close() {} }),
        history: () => Promise.reject(error),
      },
      "t",
      { query: new URLSearchParams(), may: () => true },
    );

  test("is answered with 503 and when to try again", async () => {
    const answer = await asked(new FairleadError("ENGINE_DOWN", "closed"));
    expect(answer).toMatchObject({ status: 503, code: "engine_down", headers: { "Retry-After": "5" } });
  });

  test("is not what a bug is taken for", async () => {
    await expect(asked(new TypeError("a bug"))).rejects.toThrow("a bug");
  });
});
