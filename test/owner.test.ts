import { describe, expect, test } from "bun:test";
import type { ConfigInput } from "../src/config/schema.ts";
import { parseConfig } from "../src/config/validate.ts";
import { findOwner, tellUnreachable } from "../src/owner.ts";
import { fakeNodes } from "./fake-cluster.ts";
import { memoryLog } from "./gateway.ts";

describe("the owner of what a client asks for", () => {
  test("is where it says that clients reach it", async () => {
    const nodes = fakeNodes();
    const other = nodes.join("b");
    nodes.join("a", "wss://a");
    expect(await findOwner(other, "a")).toEqual({ type: "at", url: "wss://a" });
  });

  test("cannot be reached if it does not say", async () => {
    const nodes = fakeNodes();
    expect(await findOwner(nodes.join("b"), "b")).toEqual({ type: "unreachable", name: "name-of-b" });
  });

  test("is gone if nobody of that id lives", async () => {
    expect(await findOwner(fakeNodes().join("b"), "a")).toEqual({ type: "gone" });
  });

  test.each([
    ["with an error", () => Promise.reject(new Error("no way"))],
    ["with anything else", () => Promise.reject("no way")],
  ])("is not known while the registry fails %s", async (_, find) => {
    expect(await findOwner({ find }, "a")).toEqual({ type: "unknown", reason: "no way" });
  });
});

describe("a node among others is warned at its start", () => {
  const routes: ConfigInput["routes"] = {
    "/ssh": { kind: "bridge", target: "a:1" },
    "/plain": { kind: "bridge", target: "a:1", resume: { enabled: false } },
    "/pipe": { kind: "relay", mode: "pipe" },
    "/relay": { kind: "relay" },
    "/room": { kind: "room" },
  };
  const told = (config: ConfigInput) => {
    const log = memoryLog();
    tellUnreachable(parseConfig(config), log);
    return log.lines.map(({ level, routes }) => [level, routes]);
  };

  test("of streams and pipes that clients cannot be sent to, by their routes", () => {
    expect(told({ routes })).toEqual([["warn", ["/ssh", "/pipe"]]]);
  });

  test("of nothing if it says where clients reach it, or has nothing that stays with it", () => {
    expect(told({ routes, advertise: "ws://a" })).toEqual([]);
    expect(told({ routes: { "/room": { kind: "room" } } })).toEqual([]);
  });
});
