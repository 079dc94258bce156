import { expect, test } from "bun:test";
import { isHttpToken } from "../../src/wire/http-token.ts";

test.each(["mqtt", "fairlead.v1", "X-Forwarded-For", "!#$%&'*+-.^_`|~09AZaz"])("%j is a token", (text) => {
  expect(isHttpToken(text)).toBe(true);
});

test.each(["", " ", "a b", "a,b", "a:b", "a/b", "(a)", "é", "a\n", '"a"'])("%j is none", (text) => {
  expect(isHttpToken(text)).toBe(false);
});
