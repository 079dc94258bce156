import { expect, test } from "bun:test";
import { CLOSE_CODES } from "../../src/wire/close-codes.ts";

const rows = Object.entries(CLOSE_CODES).map(([code, row]) => ({ code: Number(code), ...row }));

test("every code may stand in a close frame (RFC 6455 section 7.4)", () => {
  const sendable = (code: number) =>
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  expect(rows.filter(({ code }) => !sendable(code))).toEqual([]);
});

test("our own codes say what their range says: retry below 4500, stop from there on", () => {
  const own = rows.filter(({ code }) => code >= 4000);
  expect(own.filter(({ code, next }) => next !== (code < 4500 ? "retry" : "stop"))).toEqual([]);
});

test("only a missing or worn token asks for a fresh one", () => {
  expect(rows.filter(({ next }) => next === "fresh").map(({ code }) => code)).toEqual([3000]);
});
