import { describe, expect, test } from "bun:test";
import { bridgeProblems } from "../../src/config/bridge-checks.ts";
import { formatPath } from "../../src/config/key-path.ts";

const problems = (options: object, path = "/b") =>
  bridgeProblems(path, { kind: "bridge", ...options }).map(
    ({ path: where, text, hint }) => `${formatPath(where.slice(2))}: ${text}.${hint ?? ""}`,
  );
const named = (targets: unknown, path = "/b/:host") => problems({ targets }, path);

describe("a bridge", () => {
  test("leads to exactly one of what there is to lead to", () => {
    expect(problems({})).toEqual(["(root): leads nowhere. Add one of target, targets, tokens, allow."]);
    expect(problems({ target: "a:1", targets: { a: "a:1" } }, "/b/:host")).toEqual([
      "targets: stands beside target. Keep one of the two.",
    ]);
  });

  test.each(["localhost:1", "[::1]:80", "unix:/run/x", "tls://a:1", "exec:cat", { exec: ["cat", "a b"] }])(
    "takes the target %p",
    (target) => {
      expect(problems({ target })).toEqual([]);
      expect(named({ lab: target })).toEqual([]);
    },
  );

  test.each(["", "localhost", "http://a:80", "unix:", "exec:"])("refuses the target %p", (target) => {
    expect(problems({ target })[0]).toStartWith("target: expected ");
    expect(named({ lab: target })[0]).toStartWith("targets.lab: expected ");
  });

  test("refuses a list that names no program, where it stands", () => {
    expect(problems({ target: { exec: [""] } })[0]).toStartWith("target.exec: expected a program");
  });

  test.each(["", "a b", "a,b", "ü", "a/b", 'a"'])("refuses the subprotocol %p", (name) => {
    expect(problems({ target: "a:1", subprotocols: ["mqtt", name] })).toEqual([
      "subprotocols[1]: expected an HTTP token like mqtt.",
    ]);
  });

  test.each(["fairlead.bridge.v1", "fairlead.v1", "fairlead.x"])(
    "refuses the gateway's own subprotocol %p",
    (name) => {
      expect(problems({ target: "a:1", subprotocols: [name] })[0]).toContain("the gateway's own");
    },
  );

  test("refuses the SSH form of streams where streams are turned off", () => {
    const resume = (resume: unknown) => problems({ target: "a:1", resume });
    expect(resume({ enabled: false, ssh: true })).toEqual([
      "resume.ssh: is a form of what enabled turns off. Remove enabled: false, or ssh.",
    ]);
    for (const fine of [{ ssh: true }, { enabled: false }, { enabled: "no", ssh: true }, 5])
      expect(resume(fine)).toEqual([]);
  });

  test("refuses a bound for lines when it has none", () => {
    expect(problems({ target: "a:1", maxLine: "1KiB" })[0]).toContain('framing "lines"');
    expect(problems({ target: "a:1", maxLine: "1KiB", framing: "lines" })).toEqual([]);
  });
});

describe("tls", () => {
  test("is refused where no target speaks it", () => {
    const tls = { serverName: "db" };
    const refused = ["tls: is for tls:// targets. Write the target so, or remove tls."];
    expect(problems({ target: "a:1", tls })).toEqual(refused);
    expect(problems({ target: { exec: ["cat"] }, tls })).toEqual(refused);
    expect(problems({ allow: ["a:1"], tls })).toEqual(refused);
  });

  test("is taken where one does, or could", () => {
    const tls = { caFile: "ca.pem" };
    expect(problems({ target: "tls://a:1", tls })).toEqual([]);
    expect(problems({ tokens: "tokens", tls })).toEqual([]);
    expect(named({ lab: "tls://a:1" })).toEqual([]);
    expect(problems({ target: "a:1", tls: {} })).toEqual([]);
  });
});

test("the PROXY protocol is refused for a program, which has its client in its environment", () => {
  const refused = [
    "proxyProtocol: is for services, and the target is a program. It has REMOTE_ADDR and REMOTE_PORT in its environment.",
  ];
  expect(problems({ target: "exec:cat", proxyProtocol: "v1" })).toEqual(refused);
  expect(problems({ target: { exec: ["cat"] }, proxyProtocol: "v2" })).toEqual(refused);
  expect(problems({ target: "unix:/run/db", proxyProtocol: "v2" })).toEqual([]);
  expect(problems({ tokens: "tokens", proxyProtocol: "v2" })).toEqual([]);
});

describe("rules for what clients may ask for", () => {
  test("are refused one by one, where they stand", () => {
    expect(problems({ allow: ["db.internal:5432", "127.1:22", "10.0.0.0/24:*", "x"] })).toEqual(
      [1, 3].map(
        (index) =>
          `allow[${index}]: expected a name, an address or a network, and a port. Like db.internal:5432, 10.0.0.0/24:22 or [fd00::]/8:*, where * is every port.`,
      ),
    );
  });
});

describe("named targets", () => {
  test.each(["/b", "/b/*", "/:site/:host"])("are refused on %s, which does not say one name", (path) => {
    expect(named({ lab: "a:1" }, path)).toEqual([
      "targets: needs a path with one parameter, which is the name. Write it like /vnc/:host.",
    ]);
  });

  test.each(["", "a\nb", "__proto__", "ü".repeat(128)])("have no name %p", (name) => {
    const targets = JSON.parse(`{${JSON.stringify(name)}: "a:1"}`);
    expect(named(targets)[0]).toContain("is no name that a path could have");
  });

  test.each(["constructor", "a/b", "..", "ü".repeat(127)])("may have the name %p", (name) => {
    expect(named({ [name]: "a:1" })).toEqual([]);
  });

  test("are refused if there are none", () => {
    expect(named({})[0]).toStartWith("targets: has no name.");
  });
});

test("passes over what has the wrong type, which the schema tells", () => {
  const wrong = { target: 1, subprotocols: "mqtt", targets: undefined, maxLine: undefined };
  expect(problems(wrong)).toEqual([]);
  expect(problems({ targets: 5 })).toEqual([]);
  expect(problems({ target: { exec: [1] } })).toEqual([]);
});
