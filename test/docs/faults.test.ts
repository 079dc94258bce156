/** The catalogue of faults, the tests and docs/faults.md say the same. The tests themselves are run by `npm run faults`. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeFault, withFaultTable } from "../../scripts/faults/document.ts";
import { namePattern, ownFiles } from "../../scripts/faults/plan.ts";
import { BORROWED } from "../faults/borrowed.ts";
import { FAULTS, INVARIANTS } from "../faults/catalogue.ts";
import { page, root, rows, section } from "./markdown.ts";

const own = ownFiles(root);
const ownNumbers = [...own.values()].flat();

describe("the catalogue of faults", () => {
  test("has each number once, in order", () => {
    expect(FAULTS.map(({ number }) => number)).toEqual(Array.from({ length: 51 }, (_, n) => n + 1));
  });

  test("says of each fault what must hold", () => {
    const letters = Object.keys(INVARIANTS);
    const wrong = FAULTS.filter(({ holds }) => !holds.split(" ").every((each) => letters.includes(each)));
    expect(wrong).toEqual([]);
  });

  test("is the only place that numbers faults", () => {
    const known = FAULTS.map(({ number }) => number);
    expect([...ownNumbers, ...Object.keys(BORROWED).map(Number)].filter((n) => !known.includes(n))).toEqual(
      [],
    );
  });

  for (const { number, fault, how, notBuilt } of FAULTS) {
    test(`has ${notBuilt === undefined ? "tests" : "no test"} for ${number}, ${fault}`, () => {
      const hasTests = ownNumbers.includes(number) || BORROWED[number] !== undefined;
      expect(hasTests).toBe(notBuilt === undefined);
      expect(how !== "").toBe(hasTests);
    });
  }

  for (const [number, files] of Object.entries(BORROWED)) {
    test(`borrows tests for ${number} that there are`, () => {
      for (const [file, names] of Object.entries(files)) {
        expect([file, existsSync(join(root, file))]).toEqual([file, true]);
        // A call that a formatter broke into lines has its name in one of them all the same.
        const text = readFileSync(join(root, file), "utf8").replaceAll(/\$\{[^}]*\}/g, "%s");
        for (const name of names) {
          const parts = name.split("%s").filter((part) => part.trim() !== "");
          expect([name, parts.every((part) => text.includes(part.trim()))]).toEqual([name, true]);
          expect(() => new RegExp(namePattern(name))).not.toThrow();
        }
      }
    });
  }
});

describe("docs/faults.md", () => {
  const document = page("docs/faults.md");
  const listed = rows(section(document, "Results"));

  test("describes each fault as the catalogue does, in its order", () => {
    const described = FAULTS.map((fault) => describeFault(fault).map((cell) => cell.replaceAll("`", "")));
    expect(listed.map((row) => row.slice(0, -1))).toEqual(described);
  });

  test("has a result for each, and none that is broken", () => {
    for (const [at, { notBuilt }] of FAULTS.entries()) {
      const result = listed[at]?.at(-1) ?? "";
      expect(result).toMatch(notBuilt === undefined ? /^(holds|skipped: .+)$/ : /^not built: .+$/);
    }
  });

  test("has a place where the table is written", () => {
    const text = withFaultTable(document.text, new Map([[1, { kind: "skipped", reason: "a | b" }]]));
    expect(text).toContain("skipped: a \\| b |\n");
    expect(() => withFaultTable("no table", new Map())).toThrow("there is no <!-- table faults -->");
  });

  test("has the record of a soak of ten minutes or more, in which nothing broke", () => {
    const soak = new Map(rows(section(document, "Soak")).map(([what = "", result = ""]) => [what, result]));
    expect(Number(soak.get("minutes"))).toBeGreaterThanOrEqual(10);
    expect(Number(soak.get("clients, all five kinds"))).toBeGreaterThanOrEqual(2_000);
    expect([...soak.values()].filter((result) => result.startsWith("BROKEN"))).toEqual([]);
  });

  test("explains each letter", () => {
    const explained = rows(section(document, "What must hold")).map(([letter]) => letter ?? "");
    expect(explained).toEqual(Object.keys(INVARIANTS));
  });
});
