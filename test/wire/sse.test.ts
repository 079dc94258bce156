import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { comment, encodeEvent } from "../../src/wire/sse.ts";

interface Seen {
  type: string;
  data: string;
  id: string;
}

/** What a browser makes of a stream, by the rules of WHATWG HTML 9.2.6. */
function parse(stream: string): Seen[] {
  const seen: Seen[] = [];
  let [type, data, id] = ["", "", ""];
  for (const line of stream.split(/\r\n|\r|\n/)) {
    if (line === "") {
      if (data !== "") seen.push({ type: type || "message", data: data.slice(0, -1), id });
      [type, data] = ["", ""];
      continue;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") data += `${value}\n`;
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
  return seen;
}

const id = { epoch: "e-1_A", offset: 42 };

describe("an event", () => {
  test("is its id, its data and a blank line", () => {
    expect(encodeEvent({ id, data: '{"a":1}' })).toBe('id: e-1_A:42\ndata: {"a":1}\n\n');
  });

  test("leaves the reader's position where it was, if it has none", () => {
    expect(encodeEvent({ event: "end", data: "x" })).toBe("event: end\ndata: x\n\n");
    expect(parse(`${encodeEvent({ id, data: "a" })}${encodeEvent({ data: "b" })}`).at(-1)?.id).toBe(
      "e-1_A:42",
    );
  });

  test("names its kind, if it has one", () => {
    expect(encodeEvent({ id, event: "gap", data: "x" })).toBe("id: e-1_A:42\nevent: gap\ndata: x\n\n");
  });

  test.each([["\n"], ["\r\n"], ["\r"]])("splits data at %j into data lines", (lineBreak) => {
    const text = encodeEvent({ id, data: `a${lineBreak}b` });
    expect(text).toBe("id: e-1_A:42\ndata: a\ndata: b\n\n");
  });

  test("keeps data that is empty, blank, or begins with a space", () => {
    const stream = ["", " ", "  two", ": no comment"].map((data) => encodeEvent({ id, data })).join("");
    expect(parse(stream).map(({ data }) => data)).toEqual(["", " ", "  two", ": no comment"]);
  });

  test("does not let data begin a field, an event or a comment", () => {
    const data = "a\n\nid: 9:9\revent: evil\r\n\r\ndata: b\n: c";
    expect(parse(encodeEvent({ id, data }))).toEqual([
      { type: "message", id: "e-1_A:42", data: data.replace(/\r\n?/g, "\n") },
    ]);
  });

  test("is refused with a TypeError, if its name has a line break", () => {
    for (const event of ["gap\ndata: x", "gap\r", "\n"])
      expect(() => encodeEvent({ id, event, data: "" })).toThrow(TypeError);
  });
});

describe("a comment", () => {
  test("is one ignored line, with or without text", () => {
    expect(comment()).toBe(": \n\n");
    expect(parse(`${comment()}${comment("alive")}`)).toEqual([]);
  });

  test("stays a comment whatever its text is", () => {
    expect(parse(comment("a\ndata: b\r\n\r\ndata: c\rdata: d"))).toEqual([]);
  });
});

test("arrives as it was sent but for the kind of line break, whatever the data is", () => {
  const part = fc.oneof(
    fc.constantFrom("\n", "\r", "\r\n", ":", " ", "data:", "id: 1", "event: x", "\0", "\ufeff"),
    fc.string({ unit: "binary" }),
  );
  const data = fc.array(part).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.array(data), (messages) => {
      const stream = messages
        .map((data, offset) => `${encodeEvent({ id: { ...id, offset }, data })}${comment(data)}`)
        .join("");
      const sent = messages.map((data, offset) => ({
        type: "message",
        id: `e-1_A:${offset}`,
        data: data.replace(/\r\n?/g, "\n"),
      }));
      expect(parse(stream)).toEqual(sent);
    }),
  );
});
