/**
 * What a client may try to be let into a topic that its rights do not name: other spellings of the name and of the path, by every door.
 * Anything may be answered, but the topic is neither heard nor written.
 */
import { expect, test } from "bun:test";
import { connect as dialTcp } from "node:net";
import type { Source } from "../../src/config/kinds/feed.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { bounded, frame, type HeadOptions, head, OPCODE, upgrade } from "../raw-client.ts";
import { speak, type V1Client } from "../v1-client.ts";

const NFC = "caf\u00e9";
const NFD = "cafe\u0301";
const CLOSED: readonly string[] = ["secret", "open.deep.secret", NFC];
/** One of them is the other form of a closed one. */
const OPEN = ["own", "open", "open.*", NFD, "Secret"];

/** As they stand in a path, or in a command. */
const spellings = (name: string): string[] => [
  ...[name, encodeURIComponent(name), encodeURIComponent(encodeURIComponent(name)), name.replace("s", "%73")],
  ...[
    `${name}/`,
    `${name}//`,
    `/${name}`,
    `//${name}`,
    `./${name}`,
    `open/../${name}`,
    `open%2f..%2f${name}`,
  ],
  ...[
    `open/${name}`,
    `open%2F${name}`,
    `open\\..\\${name}`,
    `open%5c${name}`,
    `%2e%2e/${name}`,
    `x/../${name}`,
  ],
  ...[
    `${name}%00`,
    `${name}%00.open`,
    `open%00${name}`,
    `${name}\0`,
    `${name}%20`,
    `%20${name}`,
    `${name}%0d%0a`,
  ],
  ...[
    `${name};open`,
    `${name}?open`,
    `${name}#open`,
    `${name}.`,
    `.${name}`,
    `${name}.open`,
    `${name}%ef%bb%bf`,
  ],
  ...[
    name.toUpperCase(),
    name.normalize("NFD"),
    name.normalize("NFKD"),
    `open.%2e%2e.${name}`,
    `${name}%u0000`,
  ],
  ...[`${name}\u200b`, `\u202e${name}`, name.replace("e", "\u0435"), name.replace("s", "\uff53"), `${name}*`],
  ...["*", ">", "open.>", "*.*.*", "open.*.*", "%2a", "%3e", '["secret"]', "__proto__", "constructor"],
];
const ATTACKS = [...new Set(CLOSED.flatMap((name) => spellings(name)))];
const SAID = "what nobody may hear";
const V1 = { "Sec-WebSocket-Protocol": "fairlead.v1" };

interface Telling {
  readonly gateway: TestGateway;
  /** Says it in every closed topic. */
  tell(): Promise<void>;
}

async function withSource(
  access: Partial<Record<"subscribe" | "history" | "presence", true | string[]>>,
): Promise<Telling> {
  let wake = Promise.withResolvers<() => void>();
  const source: Source = async function* (signal) {
    signal.addEventListener("abort", () => wake.resolve(() => {}));
    while (!signal.aborted) {
      const said = await wake.promise;
      wake = Promise.withResolvers();
      for (const topic of CLOSED) yield { topic, data: SAID };
      said();
    }
  };
  const gateway = await startGateway({ "/feed/:topic": { kind: "feed", welcome: false, access, source } });
  return { gateway, tell: () => new Promise((said) => wake.resolve(said)) };
}

const pathTo = (spelling: string, query: string) =>
  `/feed/${spelling}${spelling.includes("?") ? "&" : "?"}${query}`;

/** All that a WebSocket at this path is sent, up to the answer to a ping after one more message. */
async function socketHears(
  { gateway, tell }: Telling,
  path: string,
  headers: Record<string, string>,
): Promise<string> {
  using client = await upgrade(gateway.host, { path, headers }).catch(() => ({ [Symbol.dispose]() {} }));
  if (!("next" in client)) return "";
  await tell();
  client.write(frame("", { opcode: OPCODE.ping }));
  let text = "";
  for (;;) {
    const { opcode, payload } = await client.next();
    if (opcode === OPCODE.pong || opcode === OPCODE.close) return text;
    text += payload.toString();
  }
}

/** All that is answered until the connection ends. */
function answered(host: string, options: HeadOptions, body = ""): Promise<string> {
  const plain = {
    Connection: "close",
    Upgrade: null,
    "Sec-WebSocket-Key": null,
    "Sec-WebSocket-Version": null,
  };
  const socket = dialTcp(Number(host.split(":")[1]), "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(text));
  socket.write(head({ ...options, headers: { ...plain, ...options.headers } }) + body);
  return bounded("the end of an answer", promise);
}

/** What each door gives of the old and the next message. A stream's `answer` comes when the gateway stops. */
async function doors(telling: Telling, spelling: string) {
  const { host } = telling.gateway;
  const events = { Accept: "text/event-stream" };
  const stream = answered(host, { path: pathTo(spelling, "last=5"), headers: events });
  return {
    plain: await socketHears(telling, pathTo(spelling, "last=5"), {}),
    v1: await socketHears(telling, pathTo(spelling, "last=5"), V1),
    page: await answered(host, { path: pathTo(spelling, "limit=5") }),
    stream: { answer: stream },
  };
}

async function hears(telling: Telling, list: readonly string[]): Promise<string[]> {
  await telling.tell();
  const got: [string, Awaited<ReturnType<typeof doors>>][] = [];
  for (const spelling of list) got.push([spelling, await doors(telling, spelling)]);
  await telling.gateway.gateway.stop();
  const heard: string[] = [];
  for (const [spelling, { stream, ...rest }] of got)
    for (const [door, text] of Object.entries({ ...rest, stream: await stream.answer }))
      if (text.includes(SAID)) heard.push(`${door} ${spelling}`);
  return heard;
}

test("a closed topic is heard by no spelling of its path: not by WebSocket, event stream or page", async () => {
  const telling = await withSource({ subscribe: OPEN, history: OPEN, presence: OPEN });
  expect(await hears(telling, ATTACKS)).toEqual([]);
});

test("the same doors do hear it where it is open", async () => {
  const telling = await withSource({ subscribe: true, history: true });
  expect(await hears(telling, ["secret"])).toEqual([
    "plain secret",
    "v1 secret",
    "page secret",
    "stream secret",
  ]);
});

test("a closed topic is heard by no spelling of its name in a command, nor told of", async () => {
  const telling = await withSource({ subscribe: OPEN, history: OPEN, presence: OPEN });
  await using gateway = telling.gateway;
  using client = await speak(gateway.ws("/feed/own"));
  await telling.tell();
  for (const topic of [...ATTACKS, ["secret"], { secret: 1 }, null]) {
    // The last is for the count of bad commands in a row, which would end it.
    const commands = [{ t: "sub", last: 5, presence: true }, { t: "history" }, { t: "who" }, { t: "ping" }];
    const answers = await Promise.all(commands.map((command) => client.ask({ ...command, topic })));
    expect(JSON.stringify([topic, answers])).not.toContain(SAID);
  }
  await telling.tell();
  expect(JSON.stringify(await client.told())).not.toContain(SAID);
});

/** What the house is heard to say in a closed topic, or of one. */
async function written(watcher: V1Client): Promise<unknown[]> {
  const told = await watcher.told();
  return told.filter(({ topic, t }) => CLOSED.includes(String(topic)) && t === "msg");
}

test("a closed topic is written by no spelling: not by path, command or POST", async () => {
  const access = { subscribe: true, publish: OPEN } as const;
  await using gateway = await startGateway({ "/feed/:topic": { kind: "feed", welcome: false, access } });
  using watcher = await speak(gateway.ws("/feed/own"));
  for (const topic of CLOSED) await watcher.ask({ t: "sub", topic });
  using writer = await speak(gateway.ws("/feed/own"));
  const pub = JSON.stringify({ t: "pub", data: 1 });
  for (const spelling of ATTACKS) {
    const path = `/feed/${spelling}`;
    await Promise.all([writer.ask({ t: "pub", topic: spelling, data: 1 }), writer.ask({ t: "ping" })]);
    for (const headers of [{}, V1]) {
      using client = await upgrade(gateway.host, { path, headers }).catch(() => undefined);
      client?.write(Buffer.concat([frame(pub), frame("", { opcode: OPCODE.ping })]));
      while (client !== undefined && (await client.next()).opcode !== OPCODE.pong);
    }
    await answered(gateway.host, { method: "POST", path, headers: { "Content-Length": "1" } }, "1");
  }
  expect(await written(watcher)).toEqual([]);
  await writer.ask({ t: "pub", topic: "open.a", data: 1 });
  expect(await watcher.ask({ t: "history", topic: "open.a" })).toMatchObject({ code: "forbidden" });
});
