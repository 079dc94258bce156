import { describe, expect, test } from "bun:test";
import { isSid, newSid, nodeOf } from "../../../src/bridge/resume/sid.ts";

const NODE = "node_-A1";

describe("a sid", () => {
  test("is 22 characters where there is one node, and says no node", () => {
    const sid = newSid();
    expect(sid).toMatch(/^[\w-]{22}$/);
    expect([isSid(sid), nodeOf(sid)]).toEqual([true, undefined]);
  });

  test("begins with the node that has given it where there are several", () => {
    const sid = newSid(NODE);
    expect(sid).toMatch(/^node_-A1[\w-]{22}$/);
    expect([isSid(sid), nodeOf(sid)]).toEqual([true, NODE]);
  });

  test("has 128 random bits behind the node, so no two are the same", () => {
    const random = Array.from({ length: 1000 }, () => newSid(NODE).slice(8));
    expect(new Set(random).size).toBe(1000);
    expect(random.every((text) => Buffer.from(text, "base64url").length === 16)).toBe(true);
  });

  test.each([
    ["", 21],
    ["", 23],
    ["", 29],
    ["", 31],
    ["", 0],
    ["=", 21],
    ["\n", 22],
    [" ", 21],
  ])("is not %p and %d characters more", (before, length) =>
    expect(isSid(before + "a".repeat(length))).toBe(false),
  );
});
