/** Who was denied and why: counted, logged, and told in one line when there are many. */
import { expect, test } from "bun:test";
import { createDenialCounts, createDenials, DENIALS } from "../../src/auth/denials.ts";
import { testClock } from "../clock.ts";
import { memoryLog } from "../gateway.ts";
import { shown } from "./tokens.ts";

function setUp() {
  const [clock, log, counts] = [testClock(), memoryLog(true), createDenialCounts()];
  const denials = createDenials({ clock, log, counts });
  const warnings = () => log.lines.filter(({ level }) => level === "warn");
  const many = (count: number, remoteAddress: string) => {
    for (let n = 0; n < count; n += 1) denials.deny("signature", { ...shown(), remoteAddress });
  };
  return { clock, log, counts, denials, warnings, many };
}

test("each is counted by its word and logged with route and address, and nothing that was shown", () => {
  const { denials, counts, log } = setUp();
  const credentials = shown({ Authorization: "Bearer very-secret" }, "access_token=very-secret");
  for (const word of DENIALS) denials.deny(word, credentials);
  expect(Object.values(counts)).toEqual(DENIALS.map(() => 1));
  expect(log.lines[0]).toEqual({
    level: "debug",
    text: "! denied",
    reason: "malformed",
    route: "/feed/:topic",
    ip: "192.0.2.7",
  });
  expect(JSON.stringify(log.lines)).not.toContain("very-secret");
});

test("the client is told a sentence for each, and what could not be checked is marked so", () => {
  const { denials } = setUp();
  for (const word of DENIALS) {
    const verdict = denials.deny(word, shown());
    expect("denied" in verdict ? verdict.denied : "").toMatch(/^[a-z].{10,}$/);
    expect("unavailable" in verdict).toBe(word === "unavailable");
  }
});

test("sixty in a minute are told in one line, with who tried most", () => {
  const { clock, warnings, many } = setUp();
  many(20, "192.0.2.1");
  many(39, "192.0.2.2");
  many(1, "192.0.2.3");
  expect(warnings()).toEqual([]);
  clock.advance(60_000);
  expect(warnings()).toEqual([
    { level: "warn", text: "! many clients are denied", count: 60, ip: "192.0.2.2", ofThese: 39 },
  ]);
  many(59, "192.0.2.1");
  clock.advance(60_000);
  expect(warnings()).toHaveLength(1);
});

test("a quiet gateway has no timer, and one that ends leaves none", () => {
  const { clock, denials, many } = setUp();
  expect(clock.pending).toBe(0);
  many(2, "192.0.2.1");
  expect(clock.pending).toBe(1);
  clock.advance(60_000);
  expect(clock.pending).toBe(0);
  many(1, "192.0.2.1");
  denials.dispose();
  expect(clock.pending).toBe(0);
});

test("addresses without end are counted as others past a thousand", () => {
  const { clock, warnings, many } = setUp();
  for (let n = 0; n < 1_500; n += 1) many(1, `2001:db8::${n.toString(16)}`);
  clock.advance(60_000);
  expect(warnings()[0]).toMatchObject({ count: 1_500, ip: "others", ofThese: 500 });
});
