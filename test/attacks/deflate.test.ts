/** The rows of the advisories that are about compression, over raw sockets against a real gateway. After each of them: calm. */
import { describe, expect, test } from "bun:test";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { expectCalm } from "../calm.ts";
import { deflated, EXTENSIONS, inflated, OFFER, RSV1 } from "../deflate.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import { ask, frame, OPCODE, type RawClient, upgrade } from "../raw-client.ts";

const MIB = 1024 ** 2;
const echo = { kind: "echo", welcome: false } as const;

const start = () =>
  startGateway({
    "/echo": { ...echo, compression: { threshold: 0 } },
    "/off": echo,
    "/room/:name": { kind: "room", compression: {} },
  });

const enter = (gateway: TestGateway, path = "/echo") => upgrade(gateway.host, { path, headers: OFFER });
const packed = (payload: Uint8Array) => frame(payload, { rsv: RSV1, opcode: OPCODE.binary });

describe("an offer that no browser makes gets 101 without the extension, or 400:", () => {
  test.each([
    ["ws GHSA-5v72-xg48-5rpm: `constructor`", "constructor"],
    ["`__proto__`", "__proto__"],
    ["`toString`", "toString"],
    ["`hasOwnProperty` as a parameter", "permessage-deflate; hasOwnProperty"],
    ["`__proto__` as a parameter", "permessage-deflate; __proto__=1"],
    [
      "the same parameter twice",
      "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ],
    ["empty parameters", "permessage-deflate;;;"],
    ["a parameter without a name", "permessage-deflate; =15"],
    ["an empty offer", ""],
    ["commas", ",,,,"],
    ["an open quote", 'permessage-deflate; client_max_window_bits="10'],
    ["bytes beyond ASCII", "permessage-deflate\u00e9"],
    ["two thousand offers that are none", "x,".repeat(2_000)],
  ])("%s", async (_, offer) => {
    await using gateway = await start();
    for (const path of ["/echo", "/off"]) {
      const { status, headers } = await ask(gateway.host, { path, headers: { [EXTENSIONS]: offer } });
      expect([101, 400]).toContain(status);
      expect(headers.get(EXTENSIONS)).toBeNull();
    }
    await expectCalm(gateway);
  });
});

/** ws CVE-2021-32640, websocket-extensions CVE-2020-7662 and -7663: what makes a regular expression with two ways to match look for minutes. */
describe("a header that is made to be slow costs less than 50 ms of CPU:", () => {
  const MANY = 10;
  const values = [
    ["blanks between two names", `b${" ".repeat(15_000)}x`],
    ["a quote that never ends", `a; b="${"\\a".repeat(7_500)}`],
    ["blanks and no end", `permessage-deflate; a=${" ".repeat(15_000)}"`],
    ["commas", ",".repeat(15_000)],
    ["semicolons", `permessage-deflate${";".repeat(15_000)}`],
  ] as const;
  for (const name of [EXTENSIONS, "Sec-WebSocket-Protocol", "Upgrade", "Connection", "Origin", "Host"]) {
    test.each(values)(`%s in ${name}`, async (_, value) => {
      await using gateway = await start();
      const before = process.cpuUsage();
      for (let n = 0; n < MANY; n += 1) {
        const { status } = await ask(gateway.host, { headers: { [name]: value } });
        expect([101, 400, 403, 421, 426, 431]).toContain(status);
      }
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1_000 / MANY).toBeLessThan(50);
    });
  }
});

/** python CVE-2018-1000518, undici CVE-2026-1526, NATS CVE-2026-27571 and -33219, websocket-driver CVE-2026-54464. */
describe("a deflate bomb ends its connection with 1009:", () => {
  const bomb = deflated(Buffer.alloc(50 * MIB));

  test("48 KiB that inflate to 50 MiB", async () => {
    await using gateway = await start();
    expect(bomb.length).toBeLessThan(51_000);
    using client = await enter(gateway);
    client.write(packed(bomb));
    expect((await client.ending()).code).toBe(1009);
    await expectCalm(gateway);
  });

  test("505 bytes that inflate to 500 KiB, where 64 KiB are allowed", async () => {
    await using gateway = await start();
    using client = await enter(gateway, "/room/a");
    client.write(packed(deflated(Buffer.alloc(500 * 1024))));
    expect((await client.ending()).code).toBe(1009);
    await expectCalm(gateway);
  });

  test("in a thousand fragments", async () => {
    await using gateway = await start();
    using client = await enter(gateway);
    const size = Math.ceil(bomb.length / 1000);
    const fragments = Array.from({ length: 1000 }, (_, n) => {
      const opcode = n === 0 ? OPCODE.binary : OPCODE.continuation;
      return frame(bomb.subarray(n * size, (n + 1) * size), {
        opcode,
        fin: n === 999,
        rsv: n === 0 ? RSV1 : 0,
      });
    });
    client.write(Buffer.concat(fragments));
    expect((await client.ending()).code).toBe(1009);
    await expectCalm(gateway);
  });

  test("of a client that has not said who it is", async () => {
    await using gateway = await startGateway(
      { "/room/:name": { kind: "room", compression: {} }, "/echo": { ...echo, auth: "none" } },
      { auth: { jwt: { secret: "s".repeat(32) } } },
    );
    const headers = { ...OFFER, "Sec-WebSocket-Protocol": PROTOCOL };
    using client = await upgrade(gateway.host, { path: "/room/a", headers });
    client.write(packed(bomb));
    expect((await client.ending()).code).toBe(1009);
    await expectCalm(gateway);
  });

  test("and a hundred of them leave the memory as it was", async () => {
    await using gateway = await start();
    const explode = async (count: number) => {
      for (let n = 0; n < count; n += 1) {
        using client = await enter(gateway);
        client.write(packed(bomb));
        expect((await client.ending()).code).toBe(1009);
      }
      Bun.gc(true);
      return process.memoryUsage.rss();
    };
    const before = await explode(20);
    expect((await explode(100)) - before).toBeLessThan(50 * MIB);
    await expectCalm(gateway);
  });
});

describe("a compressed message that is spoilt", () => {
  const spoil: readonly (readonly [string, (client: RawClient) => void])[] = [
    [
      "is cut by a reset in its middle",
      (client) => client.write(packed(deflated("x".repeat(999))).subarray(0, 9)),
    ],
    ["is bytes of chance", (client) => client.write(packed(Buffer.from("c0ffee".repeat(50), "hex")))],
    [
      "inflates to half a character",
      (client) => client.write(frame(deflated(Buffer.of(0xe2, 0x98)), { rsv: RSV1 })),
    ],
    ["has a block of no type", (client) => client.write(packed(Buffer.of(0x07)))],
    [
      "is endless empty blocks",
      (client) => client.write(packed(Buffer.from("000000ffff".repeat(10_000), "hex"))),
    ],
  ];
  test.each(spoil)("costs its own connection only, if it %s", async (_, attack) => {
    await using gateway = await start();
    using other = await enter(gateway);
    const client = await enter(gateway);
    attack(client);
    await expectEcho(other);
    client.reset();
    other.reset();
    await expectCalm(gateway);
  });
});

test("what the runtime closed is counted by the code that the client was told", async () => {
  await using gateway = await start();
  const closed = (code: number) =>
    gateway.metric(`fairlead_connections_closed_total{route="/echo",code="${code}"}`);
  for (const [payload, code] of [
    [Buffer.alloc(8, 0xff), 1007],
    [deflated(Buffer.alloc(50 * MIB)), 1009],
  ] as const) {
    using client = await enter(gateway);
    client.write(packed(payload));
    expect((await client.ending()).code).toBe(code);
    await expectCalm(gateway);
    expect(await closed(code)).toBe(1);
  }
});

async function expectEcho(client: RawClient): Promise<void> {
  client.write(frame("still here"));
  expect(inflated((await client.next()).payload).toString()).toBe("still here");
}
