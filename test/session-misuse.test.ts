/**
 * Misuse of fairlead.v1 gets a clear error, on real sockets: what is wrong, what was received, how to do it. The connection goes on
 * and knows nothing of it, until ten such commands have come in a row.
 */
import { describe, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "./gateway.ts";
import { ask } from "./raw-client.ts";
import { type Frame, speak, type V1Client } from "./v1-client.ts";

const start = () =>
  startGateway({
    "/feed/:topic": { kind: "feed", publish: true },
    "/news/:topic": { kind: "feed" },
    "/room/:room": { kind: "room" },
    "/echo": { kind: "echo" },
  });

/** Runs with a client of `/feed/own`, and looks afterwards whether it is as well as before. */
async function withClient(
  act: (client: V1Client, gateway: TestGateway) => Promise<void>,
  path = "/feed/own",
): Promise<void> {
  await using gateway = await start();
  using client = await speak(gateway.ws(path));
  await act(client, gateway);
  expect(await client.ask({ t: "ping" })).toMatchObject({ t: "ok" });
  expect(await client.told()).toEqual([]);
}

const bad = (message: RegExp): Frame => ({
  t: "err",
  code: "bad_request",
  message: expect.stringMatching(message),
});

/** As many bytes of UTF-8 as that, in fewer characters. */
const long = (bytes: number) => "é".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2);

describe("a frame that is no command is answered without an `id`", () => {
  test.each<[string, string | Uint8Array<ArrayBuffer>, RegExp]>([
    ["text that is no JSON", "hello", /^not JSON: expected an object like /],
    ["JSON that is no object", "[1]", /^expected a JSON object like .*, received an array$/],
    ["an object without `t`", "{}", /^t: expected the name of a command, received nothing$/],
    ["an `id` of 0", '{"t":"ping","id":0}', /^id: expected a positive integer up to 2\^53 - 1, received 0$/],
    ["an `id` that is no integer", '{"t":"ping","id":1.5}', /^id: .*, received 1.5$/],
    ["an `id` that is text", '{"t":"ping","id":"7"}', /^id: .*, received "7"$/],
    [
      "JSON of 33 levels",
      "[".repeat(33) + "]".repeat(33),
      /^JSON nested too deep: expected at most 32 levels$/,
    ],
    ["a binary frame without a header", Uint8Array.of(1), /^a binary frame of 1 bytes has no room /],
    ["a binary frame that is cut", Uint8Array.of(0, 9, 123), /^a binary frame announces a header of 9 bytes/],
  ])("%s", (_, frame, message) =>
    withClient(async (client) => {
      client.say(frame);
      expect(await client.next()).toEqual(bad(message));
    }),
  );
});

test("an unknown command is named in its answer, beside those that there are", () =>
  withClient(async (client) => {
    expect(await client.ask({ t: "subscribe", topic: "a" })).toMatchObject({
      t: "err",
      code: "unknown_command",
      message: expect.stringMatching(/^unknown command "subscribe"; there are sub, unsub, pub, /),
    });
    client.say({ t: "subscribe" });
    expect(await client.next()).toMatchObject({ t: "err", code: "unknown_command" });
  }));

test("a command that another kind of route has is unknown here", async () => {
  await withClient(async (client) => {
    expect(await client.ask({ t: "msg", data: 1 })).toMatchObject({ code: "unknown_command" });
  });
  await withClient(async (client) => {
    expect(await client.ask({ t: "sub", topic: "a" })).toMatchObject({ code: "unknown_command" });
  }, "/echo");
});

test.each([5, 4])(
  "an `id` that does not grow is answered without it, and nothing is done: %d after 5",
  (id) =>
    withClient(async (client) => {
      client.say({ t: "ping", id: 5 });
      expect(await client.next()).toMatchObject({ t: "ok", id: 5 });
      client.say({ t: "pub", data: "x", id });
      expect(await client.next()).toEqual(
        bad(new RegExp(`^id: expected more than 5, received ${id}; count up with every command$`)),
      );
      expect(await client.ask({ t: "history", topic: "own" })).toMatchObject({ id: 6, messages: [] });
    }),
);

describe("a subscription", () => {
  test("that is not there cannot be ended", () =>
    withClient(async (client) => {
      for (const topic of ["a", "a.*", "ow", "own.>"])
        expect(await client.ask({ t: "unsub", topic })).toMatchObject({
          code: "not_subscribed",
          message: expect.stringContaining(JSON.stringify(topic)),
        });
    }));

  test.each(["own", "a", "a.*", ">"])("cannot be made twice, and lives on: %s", (topic) =>
    withClient(async (client) => {
      if (topic !== "own") expect(await client.ask({ t: "sub", topic })).toMatchObject({ t: "ok" });
      expect(await client.ask({ t: "sub", topic })).toMatchObject(bad(/already; `unsub` it first$/));
      const [name] = topic.split(".");
      const published = name === "a" && topic !== "a" ? "a.b" : topic === ">" ? "own" : topic;
      await client.ask({ t: "pub", topic: published, data: "x" });
      expect(await client.told()).toMatchObject([{ t: "msg", topic: published, data: "x" }]);
      expect(await client.ask({ t: "unsub", topic })).toMatchObject({ t: "ok" });
      expect(await client.ask({ t: "unsub", topic })).toMatchObject({ code: "not_subscribed" });
    }),
  );

  test("is refused as the 129th, the path's own counted, until one has ended", () =>
    withClient(async (client) => {
      for (let i = 2; i <= 128; i += 1) {
        const topic = i % 2 === 0 ? `t.${i}` : `t.${i}.*`;
        expect(await client.ask({ t: "sub", topic })).toMatchObject({ t: "ok" });
      }
      for (const topic of ["t.129", "t.*"]) {
        expect(await client.ask({ t: "sub", topic })).toMatchObject({
          code: "too_many",
          message: expect.stringMatching(/128 subscriptions.*`unsub` one first$/),
        });
      }
      await client.ask({ t: "unsub", topic: "t.3.*" });
      expect(await client.ask({ t: "sub", topic: "t.129" })).toMatchObject({ t: "ok" });
      expect(await client.ask({ t: "sub", topic: "t.130" })).toMatchObject({ code: "too_many" });
    }));

  test("in a room is for the room of the path only", () =>
    withClient(async (client) => {
      for (const topic of ["b", "*"])
        expect(await client.ask({ t: "sub", topic })).toMatchObject({
          code: "forbidden",
          message: expect.stringContaining('"a"'),
        });
    }, "/room/a"));
});

describe("a pattern is no topic", () => {
  test.each(["*", ">", "a.*", "a.>", "a.*.b"])("to publish to, nor to ask of: %s", (topic) =>
    withClient(async (client) => {
      for (const command of [{ t: "pub", data: 1 }, { t: "who" }, { t: "history" }])
        expect(await client.ask({ ...command, topic })).toMatchObject(
          bad(/^(pub|who|history): topic ".*" has \* or >.*; name one topic$/),
        );
    }),
  );

  test.each(["*", "a.%2A", "%3E"])("in a path: /feed/%s", async (name) => {
    await using gateway = await start();
    const headers = { "Sec-WebSocket-Protocol": "fairlead.v1" };
    for (const route of ["feed", "room"]) {
      const answer = await ask(gateway.host, { path: `/${route}/${name}`, headers });
      expect([answer.status, answer.body]).toEqual([400, expect.stringContaining("name one topic")]);
    }
  });

  test.each(["a*", "a.b*", ">.a", "a.>.b", "a.*b"])("nor one, if the wildcard is misplaced: %s", (topic) =>
    withClient(async (client) => {
      expect(await client.ask({ t: "sub", topic })).toMatchObject(bad(/^sub: topic ".*" has (\*|>)/));
    }),
  );
});

describe("a topic's name", () => {
  test("is 255 bytes at most, in every command", () =>
    withClient(async (client) => {
      for (const command of [
        { t: "sub" },
        { t: "unsub" },
        { t: "pub", data: 1 },
        { t: "who" },
        { t: "history" },
      ]) {
        const { code, message } = await client.ask({ ...command, topic: long(256) });
        expect([code, message]).toEqual([
          "bad_request",
          expect.stringMatching(/longer than 255 bytes.*shorten it$/),
        ]);
      }
      expect(await client.ask({ t: "sub", topic: long(255) })).toMatchObject({ t: "ok", topic: long(255) });
    }));

  test("is 255 bytes at most in a path", async () => {
    await using gateway = await start();
    for (const [bytes, status] of [
      [255, 101],
      [256, 400],
    ] as const) {
      const path = `/feed/${encodeURIComponent(long(bytes))}`;
      expect((await ask(gateway.host, { path })).status).toBe(status);
    }
  });

  test.each([
    ["", /is empty/],
    ["a b", /U\+0020/],
    ["a\u0000", /U\+0000/],
    ["a..b", /empty segment/],
    [".a", /empty segment/],
    [7, /received 7/],
    [undefined, /received nothing/],
  ] as const)("cannot be %j", (topic, message) =>
    withClient(async (client) => {
      expect(await client.ask({ t: "sub", topic })).toMatchObject(bad(message));
    }),
  );
});

test("publishing needs a route that takes it", () =>
  withClient(async (client) => {
    expect(await client.ask({ t: "pub", data: 1 })).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("publish"),
    });
  }, "/news/own"));

test("a `pub` without data, and an `age` without `idem`, publish nothing", () =>
  withClient(async (client) => {
    expect(await client.ask({ t: "pub" })).toMatchObject(
      bad(/^pub: data: expected any JSON, received nothing/),
    );
    expect(await client.ask({ t: "pub", data: 1, age: 5 })).toMatchObject(bad(/^pub: age: without idem/));
    expect(await client.ask({ t: "pub", data: 1, idem: "" })).toMatchObject(
      bad(/^pub: idem: expected a string/),
    );
    expect(await client.ask({ t: "history", topic: "own" })).toMatchObject({ offset: 0, messages: [] });
  }));

describe("commands that nobody understands", () => {
  const nonsense: readonly (string | Frame)[] = ["nonsense", { t: "nonsense" }, { t: "sub", topic: "*a" }];

  test("end the connection with 1008 if ten come in a row, each answered before", async () => {
    await using gateway = await start();
    using client = await speak(gateway.ws("/feed/own"));
    for (let i = 0; i < 10; i += 1) client.say(nonsense[i % 3] ?? "");
    for (let i = 0; i < 10; i += 1) {
      const code = i % 3 === 1 ? "unknown_command" : "bad_request";
      expect(await client.next()).toMatchObject({ t: "err", code });
    }
    expect(await client.closed()).toMatchObject({ code: 1008 });
  });

  test.each(["ping", "unsub"])("are forgiven with one in between that somebody understands: %s", (t) =>
    withClient(async (client) => {
      for (let round = 0; round < 3; round += 1) {
        for (let i = 0; i < 9; i += 1) client.say("nonsense");
        for (let i = 0; i < 9; i += 1) expect(await client.next()).toMatchObject({ code: "bad_request" });
        // `unsub` is refused as well, but it was understood.
        await client.ask({ t, topic: "nowhere" });
      }
    }),
  );

  test("do not count where they were understood and refused", () =>
    withClient(async (client) => {
      for (let i = 0; i < 20; i += 1)
        expect(await client.ask({ t: "pub", data: 1 })).toMatchObject({ code: "forbidden" });
    }, "/news/own"));

  test("harm nobody else", async () => {
    await using gateway = await start();
    using good = await speak(gateway.ws("/feed/own"));
    using wicked = await speak(gateway.ws("/feed/own"));
    for (let i = 0; i < 10; i += 1) wicked.say("nonsense");
    await wicked.closed();
    await good.ask({ t: "pub", data: "still here" });
    expect(await good.told()).toMatchObject([{ t: "msg", data: "still here" }]);
  });
});
