import { describe, expect, test } from "bun:test";
import { readPipeQuery } from "../../src/relay/pipe-query.ts";

const read = (query: string) => readPipeQuery(new URLSearchParams(query));

describe("the URL of a pipe", () => {
  test("names a group and a role, and what else stands there is passed over", () => {
    expect(read("?group=lab%201&role=local&token=x")).toEqual({ group: "lab 1", role: "local" });
    expect(read("role=center&group=%E7%BB%84")).toEqual({ group: "组", role: "center" });
  });

  const BAD = {
    "": "role in the URL is center or local",
    "group=g": "role in the URL is center or local, received nothing",
    "group=g&role=server": 'received "server"',
    "group=g&role=Center": 'received "Center"',
    "group=g&role=__proto__": 'received "__proto__"',
    "role=center": "group in the URL is 1 to 255 bytes without control characters, received nothing",
    "role=center&group=": 'received ""',
    "role=center&group=%00": "<U+0000>",
    "role=center&group=a%0Ab": "<U+000A>",
    [`role=center&group=${"x".repeat(256)}`]: "xxx...",
    [`role=center&group=${"%E7%BB%84".repeat(86)}`]: "组...",
    "group=a&group=b&role=center": "group and role stand once in the URL",
    "group=a&role=center&role=local": "group and role stand once in the URL",
  };
  for (const [query, problem] of Object.entries(BAD)) {
    test(`is refused with its reason: ${query.slice(0, 50)}`, () => {
      expect(read(query)).toEqual({ problem: expect.stringContaining(problem) });
    });
  }

  test("is refused with a reason that is bounded and has no control characters, whatever it says", () => {
    for (const text of [
      `role=${"x".repeat(9_999)}`,
      `role=${"\u001b".repeat(50)}`,
      `role=${"组".repeat(99)}`,
    ]) {
      for (const answer of [
        read(`group=g&role=${text}`),
        read(`role=local&group=${encodeURIComponent(text.repeat(6))}`),
      ]) {
        const problem = "problem" in answer ? answer.problem : "";
        expect(problem.length).toBeWithin(1, 600);
        expect(problem).not.toMatch(/\p{Cc}/u);
      }
    }
  });

  test("may name a group of 255 bytes", () => {
    expect(read(`role=center&group=${"x".repeat(255)}`)).toEqual({ group: "x".repeat(255), role: "center" });
  });
});
