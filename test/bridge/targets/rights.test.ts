/** Who may be led where: asked by the very name that is looked up and dialled, and refused before anything is looked up. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import type { z } from "zod";
import { createAccess } from "../../../src/access.ts";
import { createChooser } from "../../../src/bridge/targets.ts";
import { bridgeOptions } from "../../../src/config/kinds/bridge.ts";
import type { Identity, May, Names } from "../../../src/identity.ts";
import { testClock } from "../../clock.ts";
import { folder } from "../../folder.ts";
import { memoryLog } from "../../gateway.ts";
import { admitRequest } from "../admit-request.ts";

type Options = Omit<z.input<typeof bridgeOptions>, "kind">;

const alice: Identity = { user: "alice", by: "token" };
const mayOf = (connect: Names): May => createAccess({ route: "/b", byDefault: { connect } }).of(alice);

/** A bridge in words: the label of the target that somebody gets, or the code of the refusal. `resolved`: names that were looked up. */
function rightsHouse(input: Options, route = "/b") {
  const resolved: string[] = [];
  const options = bridgeOptions.parse({ kind: "bridge", ...input });
  const resolve = async (name: string) => {
    resolved.push(name);
    return ["8.8.8.8"];
  };
  const chooser = createChooser({ options, route, clock: testClock(), log: memoryLog(), resolve });
  return {
    chooser,
    resolved,
    async ask(url: string, connect: Names | May, target?: string) {
      const may = typeof connect === "function" ? connect : mayOf(connect);
      const chosen = await chooser.choose(admitRequest(url, route, { may, identity: { ...alice, target } }));
      return "target" in chosen ? chosen.target.label : chosen.refusal.code;
    },
  };
}

const ALLOW = { allow: ["db.internal:5432", "10.0.0.0/24:22", "[fd00::]/8:*"] };
const TARGETS = { targets: { lab: "10.0.0.7:1", "lab.two": "10.0.0.8:1" } };
const tokens = () => join(folder({ tokens: "let-me-in: 10.0.0.7:1\n" }), "tokens");

describe("the right to connect", () => {
  test("to the one target is asked for the name target", async () => {
    const { ask } = rightsHouse({ target: "db:1" });
    expect(await ask("/b?host=x", ["target"])).toBe("db:1");
    for (const other of ["db:1", "db", "Target", "*.*"]) expect(await ask("/b", [other])).toBe("forbidden");
  });

  test.each([
    [{ target: "db:1" }, "/b", "/b?host=x", "target"],
    [TARGETS, "/b/:host", "/b/lab.two", "lab.two"],
    [TARGETS, "/b/:host", "/b/none", "none"],
    [ALLOW, "/b", "/b?host=FD00:0::1&port=22", "[fd00::1]:22"],
    [ALLOW, "/b", "/b?sid=x", undefined],
  ])(
    "has the name of what is asked for before anything is looked up: %p at %s, %s",
    (input, route, url, name) => {
      const { chooser, resolved } = rightsHouse(input, route);
      expect(chooser.named(admitRequest(url, route, { may: mayOf([]), identity: alice }))).toBe(name);
      expect(resolved).toEqual([]);
    },
  );

  test("to named targets is asked for their name, the same answer for those that do not exist", async () => {
    const { ask } = rightsHouse(TARGETS, "/b/:host");
    expect(await ask("/b/lab.two", ["lab.*"])).toBe("lab.two (10.0.0.8:1)");
    expect(await ask("/b/lab", ["lab.*"])).toBe("forbidden");
    expect(await ask("/b/none", ["lab"])).toBe("forbidden");
    expect(await ask("/b/none", ["none"])).toBe("unknown_target");
  });

  test("by a token of the file is asked for the name token, whatever the token", async () => {
    const { ask } = rightsHouse({ tokens: tokens() });
    expect(await ask("/b?token=let-me-in", ["token"])).toBe("10.0.0.7:1");
    expect(await ask("/b?token=wrong", ["token"])).toBe("unknown_target");
    for (const token of ["let-me-in", "wrong", ""])
      expect(await ask(`/b?token=${token}`, ["let-me-in", "10.0.0.7:1"])).toBe("forbidden");
  });

  test("to what is asked for is asked for host:port, before any name is looked up", async () => {
    const { ask, resolved } = rightsHouse(ALLOW);
    expect(await ask("/b?host=10.0.0.7&port=22", ["10.0.0.7:22"])).toBe("10.0.0.7:22");
    expect(await ask("/b?host=FD00:0::1&port=9", ["[fd00::1]:9"])).toBe("[fd00::1]:9");
    expect(await ask("/b?host=10.0.0.7&port=22", ["10.0.0.*"])).toBe("10.0.0.7:22");
    for (const query of ["host=db.internal&port=5432", "host=10.0.0.8&port=22", "host=none&port=1"])
      expect(await ask(`/b?${query}`, ["10.0.0.7:22"])).toBe("forbidden");
    expect(resolved).toEqual([]);
    expect(await ask("/b?host=DB.Internal&port=5432", ["db.internal:5432"])).toBe(
      "db.internal:5432 (8.8.8.8)",
    );
    expect(resolved).toEqual(["db.internal"]);
  });

  test.each([
    "::ffff:10.0.0.7",
    "10.0.0.07",
    "0x0a000007",
    "167772167",
    "10.0.0.7.",
    "10.0.0.7%2f",
    "10.0.0.7%00",
  ])("to 10.0.0.7:22 is none to %s", async (host) => {
    const { ask } = rightsHouse({ allow: ["0.0.0.0/0:*", "10.0.0.0/8:*", "[::ffff:0:0]/96:*"] });
    expect(["forbidden", "target_forbidden"]).toContain(
      await ask(`/b?host=${host}&port=22`, ["10.0.0.7:22"]),
    );
  });
});

describe("a token for one target", () => {
  test("leads there without being asked, as far as the bridge does", async () => {
    const { ask } = rightsHouse(ALLOW);
    expect(await ask("/b", true, "10.0.0.7:22")).toBe("10.0.0.7:22");
    expect(await ask("/b", true, "DB.internal:5432")).toBe("db.internal:5432 (8.8.8.8)");
    expect(await ask("/b", true, "10.0.9.9:22")).toBe("target_forbidden");
    expect(await ask("/b", ["other"], "10.0.0.7:22")).toBe("forbidden");
    for (const unreadable of ["10.0.0.7", "", "db.internal:x"])
      expect(await ask("/b", true, unreadable)).toBe("bad_request");
  });

  test("leads nowhere else, whatever is asked", async () => {
    const { ask, resolved } = rightsHouse(ALLOW);
    expect(await ask("/b?host=10.0.0.7&port=22", true, "10.0.0.7:22")).toBe("10.0.0.7:22");
    for (const query of ["host=10.0.0.8&port=22", "host=db.internal&port=5432", "host=10.0.0.7&port=23"])
      expect(await ask(`/b?${query}`, true, "10.0.0.7:22")).toBe("forbidden");
    expect(await ask("/b?port=22", true, "10.0.0.7:22")).toBe("bad_request");
    expect(await ask("/b?host=10.0.0.7&port=22", true, "lab")).toBe("forbidden");
    expect(resolved).toEqual([]);
    const names = rightsHouse(TARGETS, "/b/:host");
    expect(await names.ask("/b/lab", true, "lab")).toBe("lab (10.0.0.7:1)");
    for (const other of ["lab.two", "LAB", "10.0.0.7:1", ""])
      expect(await names.ask("/b/lab", true, other)).toBe("forbidden");
  });

  test("leads nowhere where the bridge has another name for what it has", async () => {
    expect(await rightsHouse({ target: "db:1" }).ask("/b", true, "db:1")).toBe("forbidden");
    expect(await rightsHouse({ target: "db:1" }).ask("/b", true, "target")).toBe("db:1");
    expect(await rightsHouse({ tokens: tokens() }).ask("/b?token=let-me-in", true, "10.0.0.7:1")).toBe(
      "forbidden",
    );
  });
});

test("whatever a path or a query says, the right is asked for the very name that is led to", async () => {
  const texts = fc.oneof(
    fc.constantFrom(
      "lab",
      "LAB",
      "lab%2e",
      "%6cab",
      "lab%2F..",
      "l%c3%a4b",
      "lab%00",
      "__proto__",
      "db.internal",
      "%2e%2e",
    ),
    fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const byName = rightsHouse(TARGETS, "/b/:host");
  const byAddress = rightsHouse(ALLOW);
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const names: string[] = [];
      const may: May = (_, name) => names.push(name) > 0;
      const label = await byName.ask(`/b/${text}`, may);
      if (label.includes(" ("))
        expect([`${names} (`, names.length]).toEqual([label.slice(0, label.indexOf("(") + 1), 1]);
      names.length = 0;
      const led = await byAddress.ask(`/b?host=${text}&port=5432`, may);
      if (led.includes(":5432")) expect(led.split(" ")[0]).toBe(String(names));
    }),
  );
});
