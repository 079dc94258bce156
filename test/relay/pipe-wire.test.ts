/** Mode pipe over real sockets and a real gateway. */
import { describe, expect, test } from "bun:test";
import type { ConfigInput } from "../../src/config/schema.ts";
import { eventually, expectCalm } from "../calm.ts";
import { startGateway, type TestGateway } from "../gateway.ts";
import {
  bounded,
  closePayload,
  frame,
  OPCODE,
  type RawClient,
  type ServerFrame,
  upgrade,
} from "../raw-client.ts";
import { binary, nextData, noise, oddPieces, readBytes, readToEnd, sha256 } from "../routes/bridge-house.ts";

type Routes = NonNullable<ConfigInput["routes"]>;
type Options = Partial<Extract<Routes[string], { kind: "relay" }>>;

const MIB = 1_048_576;

const start = (options: Options = {}) =>
  startGateway({
    "/pipe": { kind: "relay", mode: "pipe", ...options },
    "/echo": { kind: "echo", welcome: false },
  });

const join = ({ host }: TestGateway, role: string, headers: Record<string, string> = {}) =>
  upgrade(host, { path: `/pipe?group=g&role=${role}`, headers });

async function pair(gateway: TestGateway) {
  return { center: await join(gateway, "center"), local: await join(gateway, "local") };
}

const plain = ({ opcode, payload }: ServerFrame) => [opcode, payload.toString("latin1")];

/** Resolves when the gateway has read so many messages. */
const received = (gateway: TestGateway, count: number) =>
  eventually(`${count} messages are read`, async () => {
    return (await gateway.metric('fairlead_messages_received_total{route="/pipe"}')) >= count;
  });

const bytesRead = (gateway: TestGateway) =>
  gateway.metric('fairlead_message_bytes_total{route="/pipe",direction="in"}');

/** Writes all of it as fast as the gateway reads. */
function pour(client: RawClient, whole: Buffer): number {
  let count = 0;
  for (const piece of oddPieces(whole)) {
    client.write(binary(piece));
    count += 1;
  }
  return count;
}

describe("a pipe on the wire", () => {
  test("carries text and binary both ways, and not a frame of its own", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    for (const [from, to] of [
      [center, local],
      [local, center],
    ] as const) {
      from.write(Buffer.concat([frame("text ✓"), binary(Buffer.of(0, 255)), frame(""), binary("")]));
      const got = [await to.next(), await to.next(), await to.next(), await to.next()].map(plain);
      expect(got).toEqual([
        [OPCODE.text, Buffer.from("text ✓").toString("latin1")],
        [OPCODE.binary, "\x00\xff"],
        [OPCODE.text, ""],
        [OPCODE.binary, ""],
      ]);
    }
    expect([center.waiting, local.waiting]).toEqual([0, 0]);
  });

  test("passes on unread what would be a message of another mode: envelopes, and commands of fairlead.v1", async () => {
    await using gateway = await start({ timeout: 100 });
    using center = await join(gateway, "center", { "Sec-WebSocket-Protocol": "fairlead.v1" });
    using local = await join(gateway, "local");
    for (const text of ['{"t":"ping","id":1}', '{"message_type":"disconnect"}']) {
      center.write(frame(text));
      expect(plain(await local.next())).toEqual([OPCODE.text, text]);
    }
  });

  test("upgrades first and then closes with 4500 and the reason if the URL is not usable", async () => {
    await using gateway = await start();
    for (const query of ["", "?group=g", "?role=center", "?group=%00&role=center", "?group=%ff%fe&role=x"]) {
      using client = await upgrade(gateway.host, { path: `/pipe${query}` });
      expect(await client.ending()).toMatchObject({
        code: 4500,
        reason: expect.stringMatching(/^(group|role) in/),
      });
    }
    await expectCalm(gateway);
  });

  test("refuses a third peer with 4409 after its 101, or lets it replace the first with 4590", async () => {
    for (const third of ["reject", "replace"] as const) {
      await using gateway = await start({ third });
      using first = await join(gateway, "center");
      using second = await join(gateway, "center");
      if (third === "reject") expect((await second.ending()).code).toBe(4409);
      else expect((await first.ending()).code).toBe(4590);
      using local = await join(gateway, "local");
      local.write(frame("hello"));
      expect(String((await (third === "reject" ? first : second).next()).payload)).toBe("hello");
    }
  });

  test("closes who waits too long with 4408, one that was paused too", async () => {
    await using gateway = await start({ waitTimeout: 200 });
    using silent = await upgrade(gateway.host, { path: "/pipe?group=a&role=local" });
    using eager = await upgrade(gateway.host, { path: "/pipe?group=b&role=local" });
    eager.write(binary(new Uint8Array(MIB)));
    for (const client of [silent, eager])
      expect(await client.ending()).toEqual({ code: 4408, reason: "no partner within 200 ms" });
    await expectCalm(gateway);
  });

  test("notices at once that one who waits has closed, so that its role is free", async () => {
    await using gateway = await start();
    using first = await join(gateway, "center");
    first.write(Buffer.concat([frame("hello"), frame(closePayload(1000), { opcode: OPCODE.close })]));
    await first.ended();
    using second = await join(gateway, "center");
    using local = await join(gateway, "local");
    second.write(frame("mine"));
    expect(String((await local.next()).payload)).toBe("mine");
  });

  test("notices by a ping that one who waits and is paused has gone, though its end stays unread", async () => {
    await using gateway = await start({ waitTimeout: 0, heartbeat: { ping: 50 } });
    const first = await join(gateway, "center");
    first.write(binary(new Uint8Array(MIB)));
    await received(gateway, 1);
    first[Symbol.dispose]();
    await expectCalm(gateway);
  });

  test("pings both ends, and tells one of the other's silence only by its close", async () => {
    await using gateway = await start({ heartbeat: { ping: 100, pong: 100 } });
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    const pong = frame("", { opcode: OPCODE.pong });
    for (;;) {
      const { opcode, payload } = await center.next();
      if (opcode === OPCODE.ping) center.write(pong);
      else {
        expect([opcode, payload.readUInt16BE(0), payload.toString("utf8", 2)]).toEqual([
          OPCODE.close,
          1000,
          "local has left with 4008",
        ]);
        break;
      }
    }
    expect((await local.ending()).code).toBe(4008);
  });

  test("tells both ends of a restart with 1012", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    const stopped = gateway.gateway.stop();
    expect([(await center.ending()).code, (await local.ending()).code]).toEqual([1012, 1012]);
    await stopped;
  });
});

describe("a stream through a pipe", () => {
  const whole = noise(8 * MIB);

  test("comes out whole, what was said before the partner came included", async () => {
    await using gateway = await start();
    using center = await join(gateway, "center");
    pour(center, whole);
    using local = await join(gateway, "local");
    expect(sha256(await readBytes(local, whole.length))).toBe(sha256(whole));
  });

  test("comes out whole both ways at once", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    const back = noise(8 * MIB, 2);
    pour(center, whole);
    pour(local, back);
    const [there, here] = await Promise.all([readBytes(local, whole.length), readBytes(center, back.length)]);
    expect([sha256(there), sha256(here)]).toEqual([sha256(whole), sha256(back)]);
  });

  test("is held back at its source while the reader stands still, and comes out whole before the close", async () => {
    await using gateway = await start({ slow: { policy: "pause", highWater: "256KiB" } });
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    const much = noise(48 * MIB);
    local.pause();
    pour(center, much);
    center.write(frame(closePayload(1000), { opcode: OPCODE.close }));
    await standsStill(() => bytesRead(gateway));
    // The mark, one read and one message, and what the kernel takes on either side of a loopback connection.
    expect(await bytesRead(gateway)).toBeLessThan(24 * MIB);
    local.resume();
    const { bytes, code } = await readToEnd(local);
    expect([sha256(bytes), code]).toEqual([sha256(much), 1000]);
  });

  test("does not stop the other direction while its reader stands still", async () => {
    await using gateway = await start({ slow: { policy: "pause", highWater: "64KiB" } });
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    local.pause();
    pour(center, noise(24 * MIB));
    await standsStill(() => bytesRead(gateway));
    local.write(frame("still here"));
    expect(String((await nextData(center)).payload)).toBe("still here");
  });

  test("gives up a reader that takes nothing, after stallTimeout, and closes its writer", async () => {
    await using gateway = await start({ stallTimeout: 300, slow: { policy: "pause", highWater: "64KiB" } });
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    local.pause();
    pour(center, noise(24 * MIB));
    expect(await center.ending()).toEqual({ code: 1000, reason: "local has left with 1013" });
    local.resume();
    await local.ended();
    await expectCalm(gateway);
  });

  test("comes out as a prefix if its writer is cut, then the reader is closed", async () => {
    await using gateway = await start();
    const { center, local } = await pair(gateway);
    using _ = center;
    using __ = local;
    const count = pour(center, whole.subarray(0, MIB));
    center.write(binary(whole.subarray(MIB)).subarray(0, 1_000));
    await received(gateway, count);
    center.reset();
    const { bytes, code } = await readToEnd(local);
    expect([bytes.equals(whole.subarray(0, MIB)), code]).toEqual([true, 1000]);
  });
});

/** Resolves when a number has not changed for a while. A slow machine can only make that true too early. */
async function standsStill(read: () => Promise<number>): Promise<void> {
  async function watch(): Promise<void> {
    for (let same = 0, last = await read(); same < 10; ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const now = await read();
      same = now === last ? same + 1 : 0;
      last = now;
    }
  }
  await bounded("an end of the reading", watch());
}
