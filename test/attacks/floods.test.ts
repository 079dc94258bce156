/** What costs a client next to nothing and could cost the gateway much, against one in a process of its own. */
import { describe, expect, test } from "bun:test";
import { frame, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { survives } from "./aftermath.ts";

const KIB = 1024;
const PATHS = ["/echo", "/room/a", "/feed/a", "/relay", "/pipe?group=g&role=center", "/bridge"];

/** As many at once as `many` says. */
async function together<T>(many: number, run: (nth: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: many }, (_, nth) => run(nth)));
}

describe("a length that is only announced (CVE-2016-10542, CVE-2022-35922, CVE-2020-27813, CVE-2026-1528, CVE-2026-27889)", () => {
  test("of 2^31 to 2^64-1 bytes closes with 1009 on every kind of route, and nothing is allocated for it", async () => {
    const lengths = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
    await survives(async ({ host }) => {
      for (const path of PATHS) {
        for (const announce of lengths) {
          using client = await upgrade(host, { path });
          client.write(frame("x", { announce }));
          expect((await client.ending()).code).toBe(1009);
        }
      }
    });
  });

  test("of most of a message each holds no memory, on a hundred connections that send nothing of it", async () => {
    await survives(async ({ host, state }) => {
      const before = (await state()).resident;
      const clients = await together(100, async () => {
        const client = await upgrade(host);
        client.write(frame("x", { announce: 1_000n * 1_000n }));
        return client;
      });
      expect((await state()).resident - before).toBeLessThan(32 * KIB * KIB);
      for (const client of clients) client[Symbol.dispose]();
    });
  });
});

describe("tiny fragments (CVE-2026-48779, CVE-2026-12151)", () => {
  const begun = frame("", { fin: false });
  const rest = { opcode: OPCODE.continuation, fin: false } as const;
  const few = Buffer.concat(Array.from({ length: 500 }, (_, nth) => frame(nth % 2 ? "x" : "", rest)));

  test("without an end, on twenty connections, hold no more than their bytes, and others are served", async () => {
    await survives(async ({ host, serveNext, state }) => {
      const before = (await state()).resident;
      const clients = await together(20, () => upgrade(host, { path: "/room/a" }));
      for (const client of clients) client.write(begun);
      for (let round = 0; round < 20; round += 1) {
        for (const client of clients) client.write(few);
        await serveNext();
      }
      expect((await state()).resident - before).toBeLessThan(32 * KIB * KIB);
      for (const client of clients) client[Symbol.dispose]();
    });
  });

  // Of a message that has not ended, the runtime knows the largest limit of all routes only.
  test.each([
    [
      "its route's limit close with 1009 when the message ends",
      64,
      frame("", { opcode: OPCODE.continuation }),
    ],
    ["the largest limit of all routes close with 1009 at once", 1_024, Buffer.alloc(0)],
  ])("whose sum passes %s", async (_, limit, last) => {
    await survives(async ({ host }) => {
      using client = await upgrade(host, { path: "/room/a" });
      client.write(begun);
      const kib = frame("x".repeat(KIB), rest);
      for (let sent = 0; sent <= limit; sent += 1) client.write(kib);
      client.write(last);
      expect((await client.ending()).code).toBe(1009);
    });
  });
});

describe("pings (ws 8.23.0)", () => {
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame("", { opcode: OPCODE.ping })));

  test("400,000 of a client that reads none of the pongs end its connection, and weigh less than 8 MiB", async () => {
    await survives(async ({ host, state, serveNext }) => {
      const before = (await state()).resident;
      using client = await upgrade(host);
      client.pause();
      for (let sent = 0; sent < 400; sent += 1) client.write(pings);
      await serveNext();
      expect((await state()).resident - before).toBeLessThan(8 * KIB * KIB);
      client.resume();
      expect([1008, 1006]).toContain((await client.ending()).code);
    });
  });
});

describe("a connection that breaks off (CVE-2022-21676, CVE-2022-41940, CVE-2023-31125, CVE-2024-38355)", () => {
  const spoilt: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ["RSV2", frame("x", { rsv: 2 })],
    ["RSV3", frame("x", { rsv: 1 })],
    ["an event called error", frame(JSON.stringify({ t: "error", id: 1, type: "error", event: "error" }))],
    ["half a frame", frame("x".repeat(100)).subarray(0, 50)],
    ["nothing", Buffer.alloc(0)],
  ];

  test("by a reset between its 101 and its first frame, or behind a bad one, costs nobody else anything", async () => {
    await survives(async ({ host }) => {
      for (const path of PATHS) {
        for (const [, bytes] of spoilt) {
          const client = await upgrade(host, { path });
          client.write(bytes);
          client.reset();
        }
      }
    });
  });

  test("by an event called error under fairlead.v1 is an unknown command, and nothing breaks off", async () => {
    await survives(async ({ host }) => {
      using client = await upgrade(host, { headers: { "Sec-WebSocket-Protocol": "fairlead.v1" } });
      expect(await said(client)).toMatchObject({ t: "welcome" });
      client.write(frame(JSON.stringify({ t: "error", id: 1 })));
      expect(await said(client)).toMatchObject({ t: "err", id: 1, code: "unknown_command" });
    });
  });
});

async function said(client: RawClient): Promise<unknown> {
  return JSON.parse(`${(await client.next()).payload}`);
}
