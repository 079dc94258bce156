import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type ChooserOptions, createChooser } from "../../src/bridge/targets.ts";
import { testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { memoryLog } from "../gateway.ts";
import { admitRequest } from "./admit-request.ts";

type Options = ChooserOptions["options"];

/** The label of the target that a client gets, or the code of its refusal. */
async function choice(options: Options, path: string, route = "/b/:host") {
  const chooser = createChooser({ options, route, clock: testClock(), log: memoryLog() });
  const chosen = await chooser.choose(admitRequest(path, route));
  return "target" in chosen ? chosen.target.label : chosen.refusal.code;
}

test("the one target is everybody's, whatever the path and the query say", async () => {
  expect(await choice({ target: "db:1" }, "/b?target=evil:1&host=evil&port=1&token=x", "/b")).toBe("db:1");
  expect(await choice({ target: "db:1" }, "/b/evil:1", "/b/:host")).toBe("db:1");
});

describe("named targets", () => {
  const targets = { lab: "10.0.0.7:5900", db: "unix:/run/db", top: { exec: ["top", "-b"] }, "a b/c": "x:1" };

  test("are chosen by the path's parameter, whatever it is called, and logs say both name and address", async () => {
    expect(await choice({ targets }, "/b/lab")).toBe("lab (10.0.0.7:5900)");
    expect(await choice({ targets }, "/x/db/y", "/x/:which/y")).toBe("db (unix:/run/db)");
    expect(await choice({ targets }, "/b/top")).toBe("top (exec:top)");
    expect(await choice({ targets }, "/b/a%20b%2Fc")).toBe("a b/c (x:1)");
  });

  test("are nobody's if the name is not one of them to the letter", async () => {
    for (const name of ["LAB", "lab%20", "la", "10.0.0.7:5900", "%00", "lab%2F..%2Fdb"])
      expect(await choice({ targets }, `/b/${name}`)).toBe("unknown_target");
  });

  test("are not looked for in the query", async () => {
    expect(await choice({ targets }, "/b/x?host=lab&lab")).toBe("unknown_target");
  });
});

describe("targets by token", () => {
  const source = () => join(folder({ tokens: "let-me-in: 10.0.0.7:5900\na b&c: unix:/run/db\n" }), "tokens");

  test("are chosen by ?token=, as websockify's clients write it", async () => {
    const tokens = source();
    expect(await choice({ tokens }, "/b?path=x&token=let-me-in", "/b")).toBe("10.0.0.7:5900");
    expect(await choice({ tokens }, "/b?token=a%20b%26c", "/b")).toBe("unix:/run/db");
    expect(await choice({ tokens }, "/b/x?token=let-me-in", "/b/:other")).toBe("10.0.0.7:5900");
  });

  test("are chosen by the path if it has the parameter token, and then not by the query", async () => {
    const tokens = source();
    expect(await choice({ tokens }, "/b/let-me-in", "/b/:token")).toBe("10.0.0.7:5900");
    expect(await choice({ tokens }, "/b/x?token=let-me-in", "/b/:token")).toBe("unknown_target");
  });

  test("are nobody's without a token, or with one that is not in the file", async () => {
    const tokens = source();
    for (const query of [
      "",
      "?token=",
      "?token=let-me-i",
      "?token=let-me-in%20",
      "?token=%23",
      "?Token=let-me-in",
    ])
      expect(await choice({ tokens }, `/b${query}`, "/b")).toBe("unknown_target");
  });
});

test("a config that nobody validated has no chooser", () => {
  expect(() => choice({}, "/b", "/b")).toThrow("leads nowhere");
});
