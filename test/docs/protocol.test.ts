/** PROTOCOL.md shows frames and tables; the code that reads and writes frames agrees with each of them. */
import { describe, expect, test } from "bun:test";
import { parseConfig } from "../../src/config/validate.ts";
import { MAX_UNRELEASED } from "../../src/relay/receipts.ts";
import { MAX_STREAMS } from "../../src/topics/subscriptions.ts";
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";
import { MAX_INFO_BYTES, MAX_KEY_BYTES } from "../../src/wire/command-fields.ts";
import { type Decoded, decodeCommand, MAX_IDEM_BYTES, MAX_LIMIT } from "../../src/wire/commands.ts";
import { MAX_GROUP_BYTES } from "../../src/wire/envelope.ts";
import { ERROR_CODES } from "../../src/wire/error-codes.ts";
import { entryText } from "../../src/wire/frames.ts";
import { MAX_JSON_DEPTH } from "../../src/wire/json-depth.ts";
import { MAX_TOPIC_BYTES, matcher } from "../../src/wire/topic.ts";
import type { CommandName } from "../../src/wire/v1.ts";
import { type FrameVector, readVectors } from "../vectors.ts";
import { blocksOf, headings, page, rows, section } from "./markdown.ts";
import { type Fields, fieldsOf, frameOf, messageOf, rewritten } from "./shown-frames.ts";

const protocol = page("PROTOCOL.md");
const first = (row: readonly string[]) => row[0] ?? "";

interface Line {
  readonly at: string;
  readonly isCommand: boolean;
  readonly text: string;
}

/** Lines of frames, block by block: what stands in one block happens on one connection, or on two after "=". */
const blocks = blocksOf(protocol)
  .filter(({ text }) => /^[<>=] /.test(text))
  .map(({ text, line }) =>
    text
      .trim()
      .split("\n")
      .map((whole, n) => ({ at: `${line + n + 1}`, isCommand: whole.startsWith(">"), whole }))
      .filter(({ whole }) => !whole.startsWith("= "))
      .map(({ at, isCommand, whole }): Line => ({ at, isCommand, text: whole.slice(2) })),
  );
const lines = blocks.flat();

/** Fields that an `ok` must have, and may have beside them. A pattern and a pub that gave way have others. */
const OK: Readonly<Record<CommandName, readonly (readonly [must: string, may?: string])[]>> = {
  sub: [["topic epoch offset count", "recovered"], ["topic positions"]],
  unsub: [[""]],
  pub: [["topic epoch offset"], ["topic superseded"]],
  who: [["members total complete"]],
  history: [["messages epoch offset more complete"]],
  auth: [["user expires"]],
  ping: [["time"]],
  msg: [["size time"]],
  join: [["partner queued session", "info"]],
  send: [["seq state"]],
  ack: [[""]],
  leave: [[""]],
};

function isOkOf(t: CommandName, { t: _, id: __, ...fields }: Fields): boolean {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  return OK[t].some(([must, may = ""]) => {
    const names = Object.keys(fields).filter((name) => !words(may).includes(name));
    return names.sort().join(" ") === words(must).sort().join(" ");
  });
}

/** The command with this id that stands nearest before the answer. */
function asked(block: readonly Line[], answer: Line): Decoded | undefined {
  const { id } = fieldsOf(answer.text);
  const before = block.slice(0, block.indexOf(answer)).filter(({ isCommand }) => isCommand);
  return before.map(({ text }) => decodeCommand(frameOf(text))).findLast((decoded) => idOf(decoded) === id);
}

const idOf = (decoded: Decoded) => ("err" in decoded ? decoded.id : decoded.command.id);

for (const block of blocks) {
  for (const line of block) {
    const { at, isCommand, text } = line;
    if (isCommand) {
      test(`line ${at} is a command, or is shown to be none`, () => {
        const decoded = decodeCommand(frameOf(text));
        if (!("err" in decoded)) return;
        const answers = block.filter((other) => !other.isCommand && asked(block, other) !== undefined);
        expect(answers.map((answer) => fieldsOf(answer.text))).toContainEqual({
          t: "err",
          id: decoded.id,
          ...decoded.err,
        });
      });
      continue;
    }
    const fields = fieldsOf(text);
    if (fields["t"] === "ok") {
      test(`line ${at} is the ok of a command above it`, () => {
        const decoded = asked(block, line);
        if (decoded === undefined || "err" in decoded)
          throw new Error(`no command has the id ${fields["id"]}`);
        expect([decoded.command.t, isOkOf(decoded.command.t, fields)]).toEqual([decoded.command.t, true]);
      });
      continue;
    }
    test(`line ${at} is what the server writes`, () => {
      const written = rewritten(fields);
      expect(typeof written === "string" ? JSON.parse(written) : written).toEqual(
        typeof written === "string" ? fields : frameOf(text),
      );
    });
  }
}

test("the size that an echo is shown to tell is the size of what was sent", () => {
  const sent = lines.find(({ text, isCommand }) => isCommand && text.includes('"t":"msg"'))?.text ?? "";
  const sizes = lines.map(({ text }) => fieldsOf(text)["size"]).filter((size) => size !== undefined);
  expect(sizes).toEqual([sent.length, sent.length]);
});

test("each entry of a page of history that is shown is what the server writes", () => {
  const pages = lines.map(({ text }) => fieldsOf(text)["messages"]).filter(Array.isArray);
  expect(pages).not.toBeEmpty();
  for (const entry of pages.flat()) expect(JSON.parse(entryText(messageOf(entry)))).toEqual(entry);
});

test("each command and each event is shown, and explained in its table", () => {
  const shown = (isCommand: boolean) =>
    new Set(lines.filter((line) => line.isCommand === isCommand).map(({ text }) => fieldsOf(text)["t"]));
  const listed = (title: string) => {
    const { text } = section(protocol, title);
    return rows({ path: "", text: text.split("\n### ")[0] ?? "" }).flatMap((row) => first(row).split(", "));
  };
  const commands = Object.keys(OK);
  expect(commands.filter((t) => !shown(true).has(t))).toEqual([]);
  expect(listed("Commands and answers").sort()).toEqual(commands.sort());
  const events = [
    "welcome",
    "msg",
    "gap",
    "join",
    "leave",
    "count",
    "data",
    "receipt",
    "peer",
    "expiring",
    "drain",
    "err",
  ];
  expect(events.filter((t) => !shown(false).has(t))).toEqual([]);
  expect(listed("Events").sort()).toEqual(events.sort());
});

test("the fields of a command's ok are those that the examples have", () => {
  const { text } = section(protocol, "Commands and answers");
  for (const [t = "", , carries = ""] of rows({ path: "", text: text.split("\n### ")[0] ?? "" })) {
    const [must = "", may = ""] = OK[t as CommandName][0] ?? [];
    for (const name of `${must} ${may}`.split(" ")) expect(`${t}: ${carries}`).toContain(name);
  }
});

describe("the table", () => {
  const table = (title: string) => rows(section(protocol, title));

  test("of errors has each code, and no other", () => {
    expect(table("Errors").map(first)).toEqual(Object.keys(ERROR_CODES));
  });

  test("of close codes has each code with its name and what a client does", () => {
    const expected = Object.entries(CLOSE_CODES).map(([code, { name, next }]) => [code, name, next]);
    expect(table("Close codes").map(([code, name, , next]) => [code, name, next] as string[])).toEqual(
      expected,
    );
  });

  test("of patterns says what the matcher says", () => {
    for (const [pattern = "", yes = "", no = ""] of table("Topics")) {
      expect(yes.split(", ").filter((topic) => !matcher(pattern)(topic))).toEqual([]);
      expect(no.split(", ").filter(matcher(pattern))).toEqual([]);
    }
  });

  test("of limits has the numbers that the code has", () => {
    const limits = new Map(table("Limits").map(([what = "", limit = ""]) => [what, limit]));
    expect(limits.get("nesting of JSON")).toBe(`${MAX_JSON_DEPTH} levels`);
    expect(limits.get("name of a topic, key, after")).toBe(`${MAX_TOPIC_BYTES} bytes`);
    expect(MAX_KEY_BYTES).toBe(MAX_TOPIC_BYTES);
    expect(limits.get("idem")).toBe(`${MAX_IDEM_BYTES} bytes`);
    expect(limits.get("last, limit")).toBe(`${MAX_LIMIT}`);
    expect(limits.get("name of a relay's group")).toBe(`${MAX_GROUP_BYTES} bytes`);
    expect(limits.get("info of a peer, as JSON")).toBe(`${MAX_INFO_BYTES.toLocaleString("en")} bytes`);
  });

  test("of limits has the defaults that the options have, as have the sentences", () => {
    const { limits, routes } = parseConfig({ routes: { "/room": { kind: "room" } } });
    const room = routes["/room"];
    if (room?.kind !== "room") throw new Error("a room's options are those of a room");
    const text = new Map(table("Limits").map(([what = "", limit = ""]) => [what, limit]));
    expect(text.get("subscriptions, the path's and patterns included")).toBe(
      `${limits.subscriptions} on a connection`,
    );
    expect(text.get("topics that a connection's patterns match")).toBe(MAX_STREAMS.toLocaleString("en"));
    expect(text.get("history of a topic, by default")).toBe("100 messages, 1 MiB, 5 min");
    expect(room.history).toMatchObject({ size: 100, bytes: 1024 * 1024, ttl: 5 * 60_000 });
    const relay = parseConfig({ routes: { "/r": { kind: "relay" } } }).routes["/r"];
    if (relay?.kind !== "relay") throw new Error("a relay's options are those of a relay");
    expect(text.get("messages of a peer in a relay that are not released")).toBe(
      MAX_UNRELEASED.toLocaleString("en"),
    );
    expect(text.get("queue for an absent peer of a relay, by default")).toBe("256 messages, 1 MiB, 30 s");
    expect(relay.queue).toMatchObject({ size: 256, bytes: 1024 * 1024, ttl: 30_000 });
    expect(protocol.text).toContain(
      `lives for ${relay.session.ttl / 1000} s after its connection (\`session.ttl\`)`,
    );
    expect(protocol.text).toContain(`With more than ${room.presence.max} members`);
    expect(protocol.text).toContain(`The server pings every ${room.heartbeat.ping / 1000} s`);
    expect(protocol.text).toContain(`${(room.heartbeat.ping + room.heartbeat.pong) / 1000} s by default`);
    expect([protocol.text.includes("`slow.highWater` (1 MiB)"), room.slow.highWater]).toEqual([
      true,
      2 ** 20,
    ]);
  });

  test("of test vectors has each file, each has vectors, and no two of a file have one name", () => {
    const files = [...new Bun.Glob("*.json").scanSync(`${import.meta.dir}/../vectors`)];
    expect(table("Test vectors").map(first).sort()).toEqual(files.sort());
    for (const file of files) {
      const names = readVectors<FrameVector>(file.replace(".json", "")).map(({ name }) => name);
      expect(names).not.toBeEmpty();
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

test("every heading that another one could hide is there once", () => {
  expect(new Set(headings(protocol)).size).toBe(headings(protocol).length);
});
