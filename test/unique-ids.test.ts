import { expect, test } from "bun:test";
import { createUniqueIds } from "../src/unique-ids.ts";

test("gives ids that fit the wire as epochs, none of them twice, whoever else gives some", () => {
  const [one, other] = [createUniqueIds(), createUniqueIds()];
  const ids = Array.from({ length: 2_000 }, (_, n) => (n % 2 === 0 ? one() : other()));
  expect(new Set(ids).size).toBe(2_000);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
});
