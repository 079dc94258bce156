/** What makes an input fail is what is left of it. */
import { expect, test } from "bun:test";
import { shrink } from "./shrink.ts";
import type { Input } from "./target.ts";

const pieces = (...texts: string[]): Input => texts.map((text) => Buffer.from(text));
const texts = (input: Input) => input.map((piece) => `${piece}`);

test("leaves only the pieces and bytes that are needed to fail", async () => {
  const fails = async (input: Input) => /x.*y/s.test(texts(input).join(""));
  const shrunk = await shrink(pieces("head", "aaaxaaa", "between", "bbbybb", "tail"), fails);
  expect(texts(shrunk)).toEqual(["x", "y"]);
});

test("keeps the input as it is, if nothing of it can go", async () => {
  const whole = pieces("ab", "c");
  const fails = async (input: Input) => texts(input).join("|") === "ab|c";
  expect(texts(await shrink(whole, fails))).toEqual(["ab", "c"]);
});

test("drops two pieces that are only right together", async () => {
  const fails = async (input: Input) => {
    const all = texts(input);
    return (
      all.includes("x") &&
      all.filter((each) => each === "open").length === all.filter((each) => each === "end").length
    );
  };
  const shrunk = await shrink(pieces("open", "end", "x", "open", "end", "open", "end"), fails);
  expect(texts(shrunk)).toEqual(["x"]);
});
