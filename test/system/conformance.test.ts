/** All cases of conformance but the large ones, against a real gateway; and the page says of all of them what came out. */
import { describe, expect, test } from "bun:test";
import { GROUPS } from "../conformance/groups.ts";
import { groupCells, notOk } from "../conformance/report.ts";
import { run, surprises } from "../conformance/run.ts";
import { page, rows, section } from "../docs/markdown.ts";

const DOCUMENT = page("docs/conformance.md");
const quick = GROUPS.filter(({ isLong }) => isLong !== true);
const long = GROUPS.filter(({ isLong }) => isLong === true);

/** Cells as the page shows them: without the marks of code. */
const shown = (cells: readonly string[]) => cells.map((cell) => cell.replaceAll("`", ""));

describe("conformance", async () => {
  const results = await run(quick);

  test("is in every case what the case's file says", () => {
    expect(surprises(results)).toEqual([]);
  });

  test("stands in docs/conformance.md, group by group; those that take seconds with their number of cases", () => {
    const listed = rows(section(DOCUMENT, "Results"));
    for (const group of quick) expect(listed).toContainEqual(shown(groupCells(group, results)));
    for (const { id, title, cases } of long)
      expect(listed.map((row) => row.slice(0, 3))).toContainEqual([id, title, String(cases.length)]);
    expect(listed).toHaveLength(GROUPS.length + 1);
  });

  test("stands there case by case where it is not OK, with the reason", () => {
    const part = section(DOCUMENT, "Cases that are not OK");
    const { cells, reasons } = notOk(results);
    expect(rows(part)).toEqual(cells.map(shown));
    for (const reason of reasons) expect(part.text).toContain(reason);
  });
});
