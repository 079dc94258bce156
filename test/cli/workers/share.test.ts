import { describe, expect, test } from "bun:test";
import type { Share } from "../../../src/cli/workers/messages.ts";
import { shareOf } from "../../../src/cli/workers/share.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { parseConfig } from "../../../src/config/validate.ts";

const SHARE: Share = {
  worker: 2,
  of: 4,
  node: "n",
  port: 9_000,
  plainPort: undefined,
  workerPort: undefined,
  memory: undefined,
};
const partOf = (config: ConfigInput, share: Partial<Share> = {}) =>
  shareOf(parseConfig(config), { ...SHARE, ...share });

describe("a worker's part of a config", () => {
  test("is one process with a name of its own, on the ports that were found", () => {
    const { workers, node, listen } = partOf({ listen: { port: 0 } }, { plainPort: 9_001 });
    expect([workers, node, listen.port, listen.plainPort, listen.reusePort]).toEqual([
      1,
      "n.2",
      9_000,
      9_001,
      true,
    ]);
  });

  test("is reached where its own port is, and nowhere if it has none", () => {
    const config = { advertise: "wss://node-1.example.com" };
    const own = partOf(config, { workerPort: 9_003 });
    expect([own.listen.workerPort, own.advertise]).toEqual([9_003, "wss://node-1.example.com:9003"]);
    expect(partOf({ advertise: "ws://[::1]:8080" }, { workerPort: 9_003 }).advertise).toBe("ws://[::1]:9003");
    expect(partOf(config).advertise).toBeUndefined();
    expect(partOf({}, { workerPort: 9_003 }).advertise).toBeUndefined();
  });

  test("has its part of what bounds all, and no less than one", () => {
    const { limits, memory } = partOf(
      { limits: { connections: 1_001, perSecond: 3 } },
      { memory: 1_000_000 },
    );
    expect([limits.connections, limits.perSecond, memory.max]).toEqual([251, 1, 250_000]);
  });

  test("has no bound where the whole has none", () => {
    const { limits, memory } = partOf({
      limits: { connections: 0, perSecond: 0, perAddress: 0, perUser: 0 },
    });
    expect(limits).toMatchObject({ connections: 0, perSecond: 0, perAddress: 0, perUser: 0 });
    expect(memory.max).toBeUndefined();
    expect(partOf({}).limits.connections).toBeUndefined();
  });

  test.each([
    [256, 4, 88],
    [256, 256, 4],
    [16, 2, 16],
    [5, 4, 5],
    [1, 8, 1],
  ])("lets one address that may have %i in %i workers have %i in one", (perAddress, of, here) => {
    const { limits } = partOf({ limits: { perAddress, perUser: perAddress } }, { of });
    expect([limits.perAddress, limits.perUser]).toEqual([here, here]);
  });

  test("has a folder of its own for recordings", () => {
    const { routes } = partOf({
      routes: {
        "/a": { kind: "bridge", target: "127.0.0.1:9", record: "rec" },
        "/b": { kind: "relay", mode: "pipe", record: { dir: "/var/rec", files: 7 } },
        "/c": { kind: "bridge", target: "127.0.0.1:9" },
      },
    });
    expect(routes["/a"]).toMatchObject({ record: { dir: "rec/worker-2", files: 100 } });
    expect(routes["/b"]).toMatchObject({ record: { dir: "/var/rec/worker-2", files: 7 } });
    expect(routes["/c"]).not.toHaveProperty("record");
  });
});
