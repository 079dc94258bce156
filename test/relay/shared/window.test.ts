import { expect, test } from "bun:test";
import { Window } from "../../../src/relay/shared/window.ts";

test("is full at its count, and has eased at half of it", () => {
  const window = new Window({ count: 4, bytes: 0 });
  for (let seq = 1; seq <= 4; seq += 1) {
    expect(window.isFull).toBe(false);
    window.begin(10);
    window.accepted(seq, 10);
  }
  expect(window.isFull).toBe(true);
  window.settled(1);
  expect([window.isFull, window.hasEased]).toEqual([false, false]);
  window.settled(2);
  expect(window.hasEased).toBe(true);
});

test("is full at its bytes, also of what has no answer yet, and forgets what was refused", () => {
  const window = new Window({ count: 100, bytes: 50 });
  window.begin(30);
  window.begin(30);
  expect(window.isFull).toBe(true);
  window.ended(30);
  expect([window.isFull, window.hasEased]).toEqual([false, false]);
  window.ended(30);
  expect(window.hasEased).toBe(true);
});

test("releases what lies before the first one without a receipt, in whatever order receipts come", () => {
  const window = new Window({ count: 100, bytes: 0 });
  expect(window.released).toBe(0);
  for (const seq of [3, 5, 9]) {
    window.begin(1);
    window.accepted(seq, 1);
  }
  window.settled(5);
  expect(window.released).toBe(2);
  window.settled(3);
  expect(window.released).toBe(8);
  window.settled(9);
  window.settled(9);
  expect(window.released).toBe(9);
  expect(window.hasEased).toBe(true);
});
