import { describe, expect, test } from "bun:test";
import { paramsOf, pathFault, samePaths } from "../../src/config/route-path.ts";

test.each([
  "/",
  "/*",
  "/echo",
  "/ws/",
  "/room/:name",
  "/a/:x/b/:y_2",
  "/files/*",
  "/apis",
  "/api-docs",
  "/höhe",
  "/:any",
  "/a-b.c~d",
])("takes %s", (path) => {
  expect(pathFault(path)).toBeUndefined();
});

describe("refuses, with what to do,", () => {
  test.each([
    ["", "does not start with /"],
    ["echo", "does not start with /"],
    ["*", "does not start with /"],
    [`/${"x".repeat(1_100)}`, "longer than 1024"],
    ["/a b", "has a space"],
    ["/a\u0000", "a control character"],
    ["/a?b=1", "?"],
    ["/a#b", "#"],
    ["/a%20b", "%"],
    ["/a\\b", "\\"],
    ["/a//b", "empty segment"],
    ["//", "empty segment"],
    ["/a/./b", "segment . or .."],
    ["/..", "segment . or .."],
    ["/room/:", "which is no name"],
    ["/room/:1st", "which is no name"],
    ["/room/:na-me", "which is no name"],
    ["/room:name", "a : inside a segment"],
    ["/a/*/b", "a * that is not its whole last segment"],
    ["/a*", "a * that is not its whole last segment"],
    ["/**", "a * that is not its whole last segment"],
    ["/:a/:a", "the parameter :a twice"],
  ])("%p", (path, text) => {
    expect(pathFault(path)?.text).toContain(text);
  });

  test.each(["/healthz", "/readyz", "/metrics", "/api", "/api/", "/api/routes", "/console", "/console/x/:y"])(
    "%s, which is the gateway's own",
    (path) => {
      expect(pathFault(path)?.text).toContain("the gateway's own");
    },
  );
});

test("names the parameters in order", () => {
  expect(paramsOf("/a/:x/b/:y")).toEqual(["x", "y"]);
  expect(paramsOf("/a/*")).toEqual([]);
});

test("pairs paths that match the same requests, whatever their parameters are called", () => {
  expect(samePaths(["/a/:x", "/a/:y", "/a/b", "/a/:z", "/:x/a", "/a/*"])).toEqual([
    ["/a/:x", "/a/:y"],
    ["/a/:x", "/a/:z"],
  ]);
});
