import { describe, expect, test } from "bun:test";
import { type Lifetime, withLifetime } from "../../src/cli/lifetime.ts";
import type { HookConnection } from "../../src/config/kinds/every.ts";
import { parseConfig } from "../../src/config/validate.ts";
import { testClock } from "../clock.ts";

const peer: HookConnection = { id: "1", route: "/a", params: {}, remoteAddress: "", user: null };
const info = { code: 1000, reason: "", local: false };
const ENDLESS: Lifetime = { once: false, timeout: 0, idle: 0 };

/** A server of two routes, by its hooks. */
function watched(lifetime: Partial<Lifetime>) {
  const clock = testClock();
  const heard: string[] = [];
  const config = parseConfig({
    routes: {
      "/a": { kind: "echo", onOpen: () => void heard.push("open"), onClose: () => void heard.push("close") },
      "/b": { kind: "echo" },
    },
  });
  const { config: own, over } = withLifetime(config, { ...ENDLESS, ...lifetime }, clock);
  let reason: string | undefined;
  void over.then((text) => {
    reason = text;
  });
  return {
    clock,
    heard,
    comes: (path: string) => own.routes[path]?.onOpen?.(peer),
    goes: (path: string) => own.routes[path]?.onClose?.(peer, info),
    /** Undefined while it goes on. */
    async reason() {
      await Promise.resolve();
      return reason;
    },
  };
}

test("a server without an end goes on", async () => {
  const server = watched({});
  server.comes("/a");
  server.goes("/a");
  server.clock.advance(10 ** 9);
  expect(await server.reason()).toBeUndefined();
  expect(server.clock.pending).toBe(0);
});

test("the config's own hooks still run", () => {
  const server = watched({ once: true });
  server.comes("/a");
  server.goes("/a");
  server.comes("/b");
  expect(server.heard).toEqual(["open", "close"]);
});

test("a server for one connection ends with it", async () => {
  const server = watched({ once: true });
  server.comes("/b");
  expect(await server.reason()).toBeUndefined();
  server.goes("/b");
  expect(await server.reason()).toBe("its one connection has ended");
});

describe("an idle server", () => {
  test("ends when nobody came", async () => {
    const server = watched({ idle: 5_000 });
    server.clock.advance(4_999);
    expect(await server.reason()).toBeUndefined();
    server.clock.advance(1);
    expect(await server.reason()).toBe("nobody was connected for 5 s");
  });

  test("waits from when the last one left, whichever route that was on", async () => {
    const server = watched({ idle: 5_000 });
    server.clock.advance(4_000);
    server.comes("/a");
    server.comes("/b");
    server.goes("/a");
    server.clock.advance(60_000);
    expect(await server.reason()).toBeUndefined();
    server.goes("/b");
    server.clock.advance(4_999);
    expect(await server.reason()).toBeUndefined();
    server.clock.advance(1);
    expect(await server.reason()).toBeDefined();
  });

  test("does not count the quiet before somebody who came", async () => {
    const server = watched({ idle: 5_000 });
    server.clock.advance(4_000);
    server.comes("/a");
    server.goes("/a");
    server.clock.advance(4_000);
    expect(await server.reason()).toBeUndefined();
  });
});

describe("a server for a while", () => {
  test("ends after it when nobody is there", async () => {
    const server = watched({ timeout: 5_000 });
    server.comes("/a");
    server.goes("/a");
    server.clock.advance(4_999);
    expect(await server.reason()).toBeUndefined();
    server.clock.advance(1);
    expect(await server.reason()).toBe("5 s are over");
  });

  test("ends after it as soon as nobody is there", async () => {
    const server = watched({ timeout: 5_000 });
    server.comes("/a");
    server.comes("/b");
    server.clock.advance(60_000);
    server.goes("/a");
    expect(await server.reason()).toBeUndefined();
    server.goes("/b");
    expect(await server.reason()).toBe("5 s are over");
  });
});
