import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRouter } from "../../src/reception/router.ts";

const router = createRouter([
  ["/echo", "echo"],
  ["/room/lobby", "lobby"],
  ["/room/:name", "room"],
  ["/room/:name/log", "log"],
  ["/files/*", "files"],
  ["/ws", "ws"],
  ["/ws/", "ws-slash"],
]);

const found = (path: string) => {
  const match = router.match(path);
  return match.kind === "found" ? [match.value, { ...match.params }] : match.kind;
};

describe("router", () => {
  test("prefers a static segment to a parameter", () => {
    expect(found("/room/lobby")).toEqual(["lobby", {}]);
    expect(found("/room/other")).toEqual(["room", { name: "other" }]);
  });

  test("goes back to the parameter if the static branch ends nowhere", () => {
    expect(found("/room/lobby/log")).toEqual(["log", { name: "lobby" }]);
  });

  test("takes the rest of the path for a star, slashes and nothing included", () => {
    expect(found("/files/a/b/c")).toEqual(["files", {}]);
    expect(found("/files/")).toEqual(["files", {}]);
    expect(found("/files")).toBe("none");
  });

  test("lets a star at the root match every path that nothing else matches", () => {
    const any = createRouter([
      ["/*", "any"],
      ["/echo", "echo"],
    ]);
    for (const path of ["/", "/x", "/x/y/"]) expect(any.match(path)).toMatchObject({ value: "any" });
    expect(any.match("/echo")).toMatchObject({ value: "echo" });
  });

  test("tells a path with a trailing slash from one without", () => {
    expect(found("/ws")).toEqual(["ws", {}]);
    expect(found("/ws/")).toEqual(["ws-slash", {}]);
    expect(found("/echo/")).toBe("none");
  });

  test("decodes a parameter exactly once", () => {
    expect(found("/room/a%2fb")).toEqual(["room", { name: "a/b" }]);
    expect(found("/room/a%252fb")).toEqual(["room", { name: "a%2fb" }]);
    expect(found("/room/%E2%98%83")).toEqual(["room", { name: "☃" }]);
  });

  test("matches a static segment that arrives percent-encoded", () => {
    expect(found("/ech%6f")).toEqual(["echo", {}]);
  });

  test.each([
    ["is broken percent-encoding", "/room/%zz"],
    ["is not UTF-8", "/room/%ff"],
    ["is empty", "/room/"],
    ["holds NUL", "/room/a%00b"],
    ["holds DEL", "/room/%7f"],
    ["holds a C1 control", "/room/%C2%85"],
    ["is 256 bytes", `/room/${"x".repeat(256)}`],
    ["is 256 bytes of two-byte characters", `/room/${"%C3%A9".repeat(128)}`],
  ])("is bad if a parameter %s", (_, path) => {
    expect(router.match(path).kind).toBe("bad");
  });

  test("takes a parameter of exactly 255 bytes", () => {
    expect(found(`/room/${"x".repeat(255)}`)).toEqual(["room", { name: "x".repeat(255) }]);
  });

  test("does not mistake names of Object.prototype for routes or parameters", () => {
    expect(found("/__proto__")).toBe("none");
    expect(found("/room/__proto__")).toEqual(["room", { name: "__proto__" }]);
    expect({}).not.toHaveProperty("name");
  });

  test("gives back every name that was encoded into the path", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }), (name) => {
        fc.pre(!/\p{Cc}/u.test(name) && name.isWellFormed() && name !== "lobby");
        fc.pre(Buffer.byteLength(name) <= 255);
        expect(found(`/room/${encodeURIComponent(name)}`)).toEqual(["room", { name }]);
      }),
    );
  });
});
