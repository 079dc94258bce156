import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { z } from "zod";
import { type ChooserOptions, createChooser } from "../../src/bridge/targets.ts";
import { bridgeOptions } from "../../src/config/kinds/bridge.ts";
import { testClock } from "../clock.ts";
import { folder } from "../folder.ts";
import { memoryLog } from "../gateway.ts";
import { admitRequest } from "./admit-request.ts";

type Options = Omit<z.input<typeof bridgeOptions>, "kind">;

/** The label of the target that a client gets, or the code of its refusal. */
async function choice(input: Options, path: string, route = "/b/:host", house: Partial<ChooserOptions> = {}) {
  const options = bridgeOptions.parse({ kind: "bridge", ...input });
  const chooser = createChooser({ options, route, clock: testClock(), log: memoryLog(), ...house });
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

test("tokens that are guessed are told in a line a minute, without one of them", async () => {
  const tokens = join(folder({ tokens: "let-me-in: 10.0.0.7:5900" }), "tokens");
  const [clock, log] = [testClock(), memoryLog()];
  const options = bridgeOptions.parse({ kind: "bridge", tokens });
  const chooser = createChooser({ options, route: "/b", clock, log });
  for (let n = 0; n < 100; n += 1) await chooser.choose(admitRequest(`/b?token=guess${n}`, "/b"));
  for (let n = 0; n < 100; n += 1) await chooser.choose(admitRequest("/b?token=let-me-in", "/b"));
  expect(log.lines).toEqual([]);
  clock.advance(60_000);
  const told = { level: "warn", text: "! tokens are guessed", route: "/b" };
  expect(log.lines).toEqual([{ ...told, count: 100, ip: "192.0.2.7", ofThese: 100 }]);
  await chooser.choose(admitRequest("/b?token=guess", "/b"));
  chooser.dispose();
  expect(clock.pending).toBe(0);
});

describe("targets by address", () => {
  const allow = ["db.internal:5432", "10.0.0.0/24:22"];
  const resolve = async () => ["10.0.0.9"];

  test("are chosen by ?host= and ?port=, and only by those", async () => {
    expect(await choice({ allow }, "/b?host=10.0.0.7&port=22", "/b")).toBe("10.0.0.7:22");
    expect(await choice({ allow }, "/b?host=ssh.lab&port=22", "/b", { resolve })).toBe(
      "ssh.lab:22 (10.0.0.9)",
    );
    expect(await choice({ allow }, "/b/10.0.0.7?port=22")).toBe("bad_request");
  });

  test("have a refusal for each way that they are not to be had", async () => {
    const asking = (query: string, house?: Partial<ChooserOptions>) =>
      choice({ allow, dialPending: 1 }, `/b?${query}`, "/b", house);
    const notFound = Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
    expect(await asking("host=10.0.0.7")).toBe("bad_request");
    expect(await asking("host=10.0.1.7&port=22")).toBe("target_forbidden");
    expect(await asking("host=db.internal&port=5432", { resolve: () => Promise.reject(notFound) })).toBe(
      "upstream_refused",
    );
    const clock = testClock();
    const late = asking("host=db.internal&port=5432", { clock, resolve: () => new Promise(() => {}) });
    clock.advance(5_000);
    expect(await late).toBe("upstream_timeout");
  });

  test("are told in the log with what was asked for, cut and made harmless, when they are not to be had", async () => {
    const log = memoryLog();
    await choice({ allow }, `/b?host=%1b[31m${"x".repeat(100)}&port=22`, "/b", { log });
    expect(log.lines).toEqual([
      {
        level: "info",
        text: "! target: not to be had",
        route: "/b",
        host: `"<U+001B>[31m${"x".repeat(59)}..."`,
        port: '"22"',
        reason: "neither a name nor an address in its usual form",
        ip: "192.0.2.7",
      },
    ]);
  });
});

test("a config that nobody validated has no chooser", () => {
  expect(() => choice({}, "/b", "/b")).toThrow("leads nowhere");
});
