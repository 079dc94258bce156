import { describe, expect, test } from "bun:test";
import { readAddress, type Unreadable } from "../../../src/bridge/targets/address.ts";
import {
  type Allowed,
  type AllowedOptions,
  type Asked,
  createAllowed,
} from "../../../src/bridge/targets/allowed.ts";
import { testClock } from "../../clock.ts";

const signal = new AbortController().signal;
const NOT_FOUND = Object.assign(new Error("no such name"), { code: "ENOTFOUND" });

/** Rules and the answers of their DNS, in order; the last one is given again. `asked` are the names that were looked up. */
function allowedHouse(
  rules: string[],
  answers: (string[] | Error)[] = [],
  options: Partial<AllowedOptions> = {},
) {
  const asked: string[] = [];
  const clock = testClock();
  const allowed = createAllowed({
    rules,
    timeout: 5_000,
    maxPending: 64,
    clock,
    async resolve(name) {
      asked.push(name);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error("nobody should ask");
      return answer;
    },
    ...options,
  });
  const ask = async (host: string, port = "22") => outcome(await askOf(allowed, host, port));
  return { allowed, ask, asked, clock };
}

async function askOf(
  allowed: Allowed,
  host: string,
  port: string,
  gone = signal,
  remoteAddress = "192.0.2.7",
) {
  const address = readAddress(host, port);
  return "failure" in address
    ? address
    : await allowed.ask(address, { user: null, remoteAddress, signal: gone });
}

const outcome = (asked: Asked | Unreadable) =>
  "target" in asked ? asked.target.label : `${asked.failure}: ${asked.reason}`;

describe("an address", () => {
  test("is dialled if a rule has it with its port", async () => {
    const { ask, asked } = allowedHouse(["10.0.0.0/24:22", "[fd00::]/8:*", "8.8.8.8:53"]);
    expect(await ask("10.0.0.7")).toBe("10.0.0.7:22");
    expect(await ask("fd00::1", "9")).toBe("[fd00::1]:9");
    expect(await ask("[fd00::1]", "9")).toBe("[fd00::1]:9");
    expect(await ask("8.8.8.8", "53")).toBe("8.8.8.8:53");
    expect(asked).toEqual([]);
  });

  test("is forbidden if no rule has it, or only with another port", async () => {
    const { ask } = allowedHouse(["10.0.0.0/24:22", "8.8.8.8:53", "db.internal:22"]);
    for (const [host, port] of [
      ["10.0.1.7", "22"],
      ["10.0.0.7", "23"],
      ["8.8.8.8", "22"],
      ["1.1.1.1", "22"],
    ])
      expect(await ask(host ?? "", port)).toBe("forbidden: no rule allows this address and port");
  });

  test("that leads inside needs a rule that means just that", async () => {
    const wide = allowedHouse(["0.0.0.0/0:22", "[::]/0:22"]);
    expect(await wide.ask("8.8.8.8")).toBe("8.8.8.8:22");
    expect(await wide.ask("2606:4700::1")).toBe("[2606:4700::1]:22");
    for (const host of ["127.0.0.1", "10.0.0.7", "169.254.169.254", "0.0.0.0", "::1", "fd00::1", "224.0.0.1"])
      expect(await wide.ask(host)).toStartWith("forbidden");
    const meant = allowedHouse(["127.0.0.1:22", "169.254.169.254:*"]);
    expect(await meant.ask("127.0.0.1")).toBe("127.0.0.1:22");
    expect(await meant.ask("127.0.0.2")).toStartWith("forbidden");
  });

  test("in a form that hides another is one of its own, and needs a rule of its own", async () => {
    const { ask } = allowedHouse(["10.0.0.0/8:22", "127.0.0.0/8:22", "0.0.0.0/0:22", "[::]/0:22"]);
    for (const host of [
      "::ffff:10.0.0.7",
      "::ffff:a00:7",
      "[::ffff:127.0.0.1]",
      "::7f00:1",
      "64:ff9b::7f00:1",
    ])
      expect(await ask(host)).toStartWith("forbidden");
    expect(await allowedHouse(["[::ffff:0:0]/96:22"]).ask("::ffff:10.0.0.7")).toBe("[::ffff:a00:7]:22");
  });

  test.each([
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "010.0.0.7",
    "10.0.0",
    "10.0.0.7.",
  ])("in the notation %p is none, and no name either: nobody is asked for it", async (host) => {
    const { ask, asked } = allowedHouse(["127.0.0.0/8:22", "10.0.0.0/8:22"]);
    expect(await ask(host)).toBe("forbidden: neither a name nor an address in its usual form");
    expect(asked).toEqual([]);
  });

  test("with a zone is none", async () => {
    expect(await allowedHouse(["[fe80::]/10:22"]).ask("fe80::1%lo")).toStartWith("forbidden: neither");
  });
});

describe("a name", () => {
  test("is resolved once, and the address that was checked is the one that is dialled", async () => {
    const { allowed, asked } = allowedHouse(["db.internal:5432"], [["8.8.8.8", "8.8.4.4"], ["127.0.0.1"]]);
    expect(await askOf(allowed, "DB.internal", "5432")).toEqual({
      target: { kind: "tcp", label: "db.internal:5432 (8.8.8.8)", hostname: "8.8.8.8", port: 5432 },
    });
    expect(asked).toEqual(["db.internal"]);
  });

  test("is forbidden if one of its addresses is, wherever it stands", async () => {
    for (const answer of [
      ["8.8.8.8", "127.0.0.1"],
      ["10.0.0.7", "8.8.8.8"],
      ["8.8.8.8", "::ffff:10.0.0.7"],
      ["8.8.8.8", "not an address"],
      ["8.8.8.8", "fe80::1%eth0"],
    ]) {
      const refused = await allowedHouse(["db.internal:22"], [answer]).ask("db.internal");
      expect(refused).toMatch(/^forbidden: it leads to .+, which no rule allows$/);
    }
  });

  test("that leads inside needs a rule for that network too, with that port", async () => {
    const at = (rules: string[]) =>
      allowedHouse(["db.internal:22", ...rules], [["10.0.0.7"]]).ask("db.internal");
    expect(await at([])).toStartWith("forbidden");
    expect(await at(["10.0.0.0/8:23"])).toStartWith("forbidden");
    expect(await at(["0.0.0.0/0:22"])).toStartWith("forbidden");
    expect(await at(["10.0.0.0/8:22"])).toBe("db.internal:22 (10.0.0.7)");
  });

  test("that no rule lists is resolved only if a network is allowed with that port", async () => {
    const { ask, asked } = allowedHouse(["10.0.0.0/8:22", "db.internal:23"], [["10.0.0.7"]]);
    expect(await ask("any.name")).toBe("any.name:22 (10.0.0.7)");
    expect(await ask("any.name", "23")).toBe("forbidden: no rule has this name and port");
    expect(await ask("db.internal.evil", "23")).toStartWith("forbidden");
    expect(asked).toEqual(["any.name"]);
  });

  test("that no rule lists does not become public by a network that is", async () => {
    const { ask } = allowedHouse(["8.8.8.8:22", "10.0.0.0/8:22"], [["8.8.4.4"]]);
    expect(await ask("any.name")).toStartWith("forbidden: it leads to 8.8.4.4");
  });

  test("that leads nowhere is refused if a rule lists it, and else forbidden like any other", async () => {
    expect(await allowedHouse(["db.internal:22"], [NOT_FOUND]).ask("db.internal")).toBe("refused: ENOTFOUND");
    expect(await allowedHouse(["10.0.0.0/8:22"], [NOT_FOUND]).ask("any.name")).toBe("forbidden: ENOTFOUND");
    expect(await allowedHouse(["db.internal:22"], [[]]).ask("db.internal")).toBe(
      "forbidden: it leads nowhere",
    );
  });

  test.each([
    "a\r\nb",
    "a\0",
    "a b",
    "ü.example",
    "../x",
    "a%2eb",
    "a/b",
    "user@a",
    "a:22",
    "[a]",
    "x".repeat(254),
  ])("is not %p, and nobody is asked for it", async (host) => {
    const { ask, asked } = allowedHouse(["10.0.0.0/8:22"], [["10.0.0.7"]]);
    expect(await ask(host)).toStartWith("forbidden: neither a name");
    expect(asked).toEqual([]);
  });

  test.each(["localhost", "LocalHost"])(
    "is found in the file of hosts, however it is written: %s",
    async (name) => {
      const allowed = createAllowed({
        rules: ["127.0.0.0/8:22", "[::1]:22"],
        timeout: 0,
        maxPending: 0,
        clock: testClock(),
      });
      expect(outcome(await askOf(allowed, name, "22"))).toMatch(/^localhost:22 \((127\.0\.0\.1|::1)\)$/i);
    },
  );
});

test("a question without a host, or without a port from 1 to 65535, is none", async () => {
  const { ask } = allowedHouse(["10.0.0.0/8:*"]);
  for (const [host, port] of [
    ["", "22"],
    ["10.0.0.7", ""],
    ["10.0.0.7", "0"],
    ["10.0.0.7", "65536"],
    ["10.0.0.7", "22x"],
    ["10.0.0.7", "-1"],
  ])
    expect(await ask(host ?? "", port ?? "")).toStartWith("bad: ");
});

describe("a name that takes long to resolve", () => {
  const slow = (options: Partial<AllowedOptions> = {}) => {
    const answer = Promise.withResolvers<string[]>();
    return { answer, ...allowedHouse(["db.internal:22"], [], { resolve: () => answer.promise, ...options }) };
  };

  test("times out, and counts until its answer comes", async () => {
    const { ask, clock, answer } = slow({ maxPending: 1 });
    const first = ask("db.internal");
    clock.advance(5_000);
    expect(await first).toBe("timeout: its name: no answer in 5000 ms");
    expect(await ask("db.internal")).toBe("busy: names under way: 1");
    answer.resolve(["8.8.8.8"]);
    await answer.promise;
    expect(await ask("db.internal")).toBe("db.internal:22 (8.8.8.8)");
    expect(clock.pending).toBe(0);
  });

  test("leaves room for the names of other callers", async () => {
    const { allowed, answer } = slow({ timeout: 0, maxPending: 4 });
    const asked = [1, 1, 1, 1, 2].map((n) => askOf(allowed, "db.internal", "22", signal, `192.0.2.${n}`));
    answer.resolve(["8.8.8.8"]);
    const outcomes = (await Promise.all(asked)).map((each) => outcome(each).split(":")[0]);
    expect(outcomes).toEqual(["db.internal", "db.internal", "busy", "busy", "db.internal"]);
  });

  test("is waited for if there is no limit", async () => {
    const { ask, clock, answer } = slow({ timeout: 0, maxPending: 0 });
    const both = [ask("db.internal"), ask("db.internal")];
    clock.advance(1_000_000);
    answer.resolve(["8.8.8.8"]);
    expect(await Promise.all(both)).toEqual(Array(2).fill("db.internal:22 (8.8.8.8)"));
  });

  test("is given up if the client goes away, before or meanwhile", async () => {
    const { allowed, clock } = slow();
    const controller = new AbortController();
    const asked = askOf(allowed, "db.internal", "22", controller.signal);
    controller.abort();
    expect(outcome(await asked)).toStartWith("aborted");
    expect(outcome(await askOf(allowed, "db.internal", "22", controller.signal))).toStartWith("aborted");
    expect(clock.pending).toBe(0);
  });
});
