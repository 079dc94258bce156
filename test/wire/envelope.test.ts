import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  endEnvelope,
  type Language,
  PHRASES,
  parseEnvelope,
  parseRegistration,
  startEnvelope,
} from "../../src/wire/envelope.ts";

const GOOD = { group_id: "g", sender_type: "center", receiver_type: "local", content: "hi" };

function problemWith(text: string, language: Language = "en"): string {
  const parsed = parseEnvelope(text);
  return "problem" in parsed ? PHRASES[language].problem(parsed.problem) : "no problem";
}

function registration(fields: Partial<typeof GOOD>, language: Language = "en") {
  const parsed = parseRegistration({ ...GOOD, ...fields });
  return "problem" in parsed ? PHRASES[language].problem(parsed.problem) : parsed;
}

describe("an envelope that is read", () => {
  test("may have message_type as a string, as null, or not at all", () => {
    for (const extra of [{}, { message_type: null }, { message_type: "x" }]) {
      expect(problemWith(JSON.stringify({ ...GOOD, ...extra }))).toBe("no problem");
    }
  });

  test("may have fields that nobody knows", () => {
    expect(problemWith(JSON.stringify({ ...GOOD, more: [{ a: 1 }] }))).toBe("no problem");
  });

  test.each(["group_id", "sender_type", "receiver_type", "content"] as const)(
    "needs the text %s",
    (field) => {
      const { [field]: _, ...others } = GOOD;
      expect(problemWith(JSON.stringify(others))).toBe(`${field}: expected string, received nothing`);
      for (const [value, type] of [
        [1, "number"],
        [true, "boolean"],
        [null, "null"],
        [[], "array"],
        [{}, "object"],
      ] as const) {
        const text = JSON.stringify({ ...GOOD, [field]: value });
        expect(problemWith(text)).toBe(`${field}: expected string, received ${type}`);
      }
    },
  );

  test("names message_type when that is the wrong one", () => {
    const text = JSON.stringify({ ...GOOD, message_type: 7 });
    expect(problemWith(text)).toBe("message_type: expected string or null, received number");
    expect(problemWith(text, "zh")).toBe("message_type：应为 string 或 null，收到 number");
  });

  test("says what it is instead when it is other JSON or no JSON", () => {
    const fields = "{group_id, sender_type, receiver_type, content, message_type}";
    expect(problemWith("hello")).toBe(`not JSON: expected an object ${fields}`);
    expect(problemWith("")).toBe(`not JSON: expected an object ${fields}`);
    expect(problemWith("[]")).toBe(`not an envelope: expected an object ${fields}, received array`);
    expect(problemWith("null")).toBe(`not an envelope: expected an object ${fields}, received null`);
    expect(problemWith('"x"', "zh")).toBe(`消息格式错误：应为对象 ${fields}，收到 string`);
    expect(problemWith("hello", "zh")).toBe(`不是JSON：应为对象 ${fields}`);
  });

  test("is refused past 32 levels, also in a field that nobody reads", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const text = (levels: number) => `${JSON.stringify(GOOD).slice(0, -1)},"more":${nested(levels)}}`;
    expect(problemWith(text(31))).toBe("no problem");
    expect(problemWith(text(32))).toBe("JSON nested too deep: expected at most 32 levels");
    expect(problemWith(text(32), "zh")).toBe("JSON嵌套过深：最多32层");
  });

  test("cannot put its fields in through __proto__, and touches no other object", () => {
    expect(problemWith(`{"__proto__":${JSON.stringify(GOOD)}}`)).toBe(
      "group_id: expected string, received nothing",
    );
    expect(problemWith(`{"__proto__":{"content":1},${JSON.stringify(GOOD).slice(1)}`)).toBe("no problem");
    expect("group_id" in {}).toBe(false);
  });

  test("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof problemWith(text)).toBe("string");
      }),
    );
  });
});

describe("a registration", () => {
  test("is a group and one of the two roles", () => {
    expect(registration({})).toEqual({ group: "g", role: "center" });
    expect(registration({ sender_type: "local" })).toEqual({ group: "g", role: "local" });
  });

  test("is refused with any other role, shown short and escaped", () => {
    expect(registration({ sender_type: "server" })).toBe(
      'sender_type: expected center or local, received "server"',
    );
    expect(registration({ sender_type: "\u0000\n" })).toBe(
      'sender_type: expected center or local, received "<U+0000><U+000A>"',
    );
    expect(registration({ sender_type: "x".repeat(1_000_000) }, "zh")).toBe(
      `sender_type：应为 center 或 local，收到 "${"x".repeat(64)}..."`,
    );
  });

  test("takes a group of 1 to 255 bytes, counted in UTF-8", () => {
    for (const group of ["a", "组".repeat(85), "x".repeat(255)]) {
      expect(registration({ group_id: group })).toEqual({ group, role: "center" });
    }
    const wrong = (bytes: number) =>
      `group_id: expected 1 to 255 bytes of text without control characters, received ${bytes} bytes`;
    expect(registration({ group_id: "" })).toBe(wrong(0));
    expect(registration({ group_id: "组".repeat(86) })).toBe(wrong(258));
    expect(registration({ group_id: "x".repeat(256) })).toBe(wrong(256));
    expect(registration({ group_id: "" }, "zh")).toBe(
      "group_id：应为1到255字节且不含控制字符的文本，收到 0 字节",
    );
  });

  test("refuses control characters and halves of surrogate pairs, which other encodings would mix up", () => {
    for (const group_id of ["a\u0000b", "\n", "\u007f", "\u0085", "\ud800"]) {
      expect(registration({ group_id })).toStartWith("group_id: expected 1 to 255 bytes");
    }
  });
});

describe("an envelope that is written", () => {
  test("has the five fields in order and comes back as it was, whatever is in them", () => {
    const text = fc.string({
      unit: fc.constantFrom('"', "\\", "\u0000", "\u2028", "\ud800", "组", "😀", "a"),
    });
    fc.assert(
      fc.property(text, text, fc.option(text), (group, content, type) => {
        const written = startEnvelope(group, "center", "local") + endEnvelope(content, type);
        expect(written).toBe(
          JSON.stringify({
            group_id: group,
            sender_type: "center",
            receiver_type: "local",
            content,
            message_type: type,
          }),
        );
      }),
    );
  });

  test("has message_type null when there is none", () => {
    expect(startEnvelope("g", "server", "") + endEnvelope("c", undefined)).toBe(
      '{"group_id":"g","sender_type":"server","receiver_type":"","content":"c","message_type":null}',
    );
  });
});

describe("what the server says", () => {
  const all = (language: Language) => {
    const say = PHRASES[language];
    return [
      say.connected("ID"),
      say.rejected,
      say.online("center"),
      say.offline("local"),
      say.heartbeat,
      say.sent,
    ];
  };

  test("is the seed's Chinese, byte for byte", () => {
    expect(all("zh")).toEqual([
      "连接成功，您的ID是: ID",
      "连接被拒绝：同组内已存在相同类型的客户端",
      "center已上线连接",
      "local已断开连接",
      "心跳确认",
      "消息已发送",
    ]);
  });

  test("is there in English too", () => {
    expect(all("en")).toEqual([
      "Connected, your ID is: ID",
      "Connection refused: the group already has a client of this type",
      "center is online",
      "local has disconnected",
      "Heartbeat confirmed",
      "Message sent",
    ]);
  });
});
