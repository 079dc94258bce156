import { expect, test } from "bun:test";
import { resultsOf } from "../../../scripts/faults/run-file.ts";

const CASES = `
  <testcase name="7: stays &quot;up&quot;" classname="links" time="0" assertions="2" />
  <testcase name="8: breaks" classname="links" time="0" assertions="2">
    <failure type="AssertionError" />
  </testcase>
  <testcase name="9: needs a tool" classname="" time="0" assertions="0">
    <skipped />
  </testcase>
  <testcase name="10: was not asked for" classname="" time="0" assertions="0">
    <skipped />
  </testcase>`;

test("tells of each test that was asked for what became of it, and why one was skipped", () => {
  const said = "noise\nskipped: 9: needs a tool: this machine has no tool\nskipped: 10: was: no";
  expect(resultsOf("f.ts", /(^| )[789]: /, CASES, said)).toEqual([
    { file: "f.ts", name: 'links 7: stays "up"', outcome: "passed" },
    { file: "f.ts", name: "links 8: breaks", outcome: "failed" },
    { file: "f.ts", name: "9: needs a tool", outcome: "skipped", reason: "this machine has no tool" },
  ]);
});

test("says that nobody knows why, if a skipped test gave no reason", () => {
  expect(resultsOf("f.ts", /10: /, CASES, "").map(({ reason }) => reason)).toEqual(["it does not say why"]);
});
