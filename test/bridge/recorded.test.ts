import { describe, expect, test } from "bun:test";
import { recorded } from "../../src/bridge/recorded.ts";
import type { Recordings } from "../../src/recording/recorder.ts";
import { BRIDGE_PROTOCOL } from "../../src/wire/bridge-frames.ts";
import { eventually } from "../calm.ts";
import { bareConnection } from "../fake-connection.ts";
import { folder } from "../folder.ts";
import { closePayload, frame, OPCODE } from "../raw-client.ts";
import { bytesOf, framesOf, recordingsIn } from "../recording/read-folder.ts";
import { binary, bridgeHouse, noise, readBytes, sha256 } from "../routes/bridge-house.ts";
import { startProxy } from "../tcp-proxy.ts";
import { fakeUpstream } from "./fake-upstream.ts";
import { resumeClient } from "./resume/client.ts";

const MIB = 1_048_576;

describe("a recorded upstream", () => {
  function house(room?: number) {
    const log: string[] = [];
    const recordings: Recordings = {
      start(about) {
        log.push(`start ${JSON.stringify(about)}`);
        return {
          frame: (dir, data) => void log.push(`${dir} ${Buffer.from(data as Uint8Array)}`),
          end: () => void log.push("end"),
        };
      },
      dispose: async () => {},
    };
    const inner = fakeUpstream(room);
    const { upstream, before } = recorded(inner, recordings);
    const connection = bareConnection("c1", {});
    const open = () =>
      before({
        target: "db:1",
        open: ({ state }) => void log.push(`open ${state === undefined}`),
        receive() {},
        drainClient() {},
        closeClient() {},
        finish() {},
      }).open(connection);
    return { log, inner, upstream, open, connection };
  }

  test("begins with the connection, which has its own end from then on", () => {
    const { log, open, connection } = house();
    open();
    expect(log).toEqual(['start {"conn":"c1","target":"db:1"}', "open false"]);
    expect(connection.state).toMatchObject({ target: "db:1" });
  });

  test("has of a write what the target took", () => {
    const { log, upstream, open, inner } = house(3);
    open();
    log.length = 0;
    upstream.data.handler = {
      data() {},
      drain: () => void upstream.write(Buffer.from("lo")),
      end() {},
      close() {},
    };
    expect([upstream.write(Buffer.from("hello")), upstream.write(Buffer.from("lo"))]).toEqual([3, 0]);
    inner.makeRoom(9);
    expect([log, inner.written]).toEqual([["in hel", "in lo"], "hello"]);
  });

  test("passes on all that happens, after it is recorded, and ends with the upstream", () => {
    const { log, upstream, open, inner } = house();
    open();
    log.length = 0;
    upstream.data.handler = {
      data: (chunk) => void log.push(`data ${chunk.fill(0x2d)}`),
      drain: () => void log.push("drain"),
      end: () => void log.push("fin"),
      close: (error) => void log.push(`close ${error?.message}`),
    };
    upstream.resume();
    inner.say("abc");
    inner.drain();
    inner.sayEnd();
    inner.breakOff(new Error("gone"));
    expect(log).toEqual(["out abc", "data ---", "drain", "fin", "end", "close gone"]);
  });

  test("is the same upstream in all else", () => {
    const { upstream, inner } = house();
    upstream.data.handler = { data() {}, drain() {}, end() {}, close() {} };
    upstream.resume();
    upstream.pause();
    expect(inner.isPaused).toBe(true);
    upstream.shutdown();
    upstream.end();
    expect([inner.calls, upstream.data.target]).toEqual([["shutdown", "end"], inner.data.target]);
  });

  test("records nothing before a connection is there", () => {
    const { log, upstream, inner } = house();
    upstream.write(Buffer.from("early"));
    upstream.data.handler = { data() {}, drain() {}, end() {}, close() {} };
    inner.breakOff();
    expect(log).toEqual([]);
  });

  test("of a target that went during the handshake ends where it begins: nothing else would end it", () => {
    const { log, open, inner } = house();
    inner.breakOff();
    open();
    expect(log).toEqual(['start {"conn":"c1","target":"db:1"}', "end", "open false"]);
  });
});

describe("a bridge that is recorded", () => {
  const close = frame(closePayload(1000), { opcode: OPCODE.close });

  test("has what was said both ways, and to whom", async () => {
    const dir = folder();
    let id = "";
    {
      await using house = await bridgeHouse({ record: dir });
      const { client, peer } = await house.join();
      client.write(binary("question"));
      await peer.has(8);
      await peer.write("answer");
      await readBytes(client, 6);
      client.write(close);
      await peer.ended();
      id = house.service.target;
      await eventually("it is counted", async () => {
        return (
          (await house.gateway.metric('fairlead_recordings_total{route="/bridge",result="whole"}')) === 1
        );
      });
    }
    const [lines] = recordingsIn(dir);
    expect(lines?.[0]).toMatchObject({ header: { route: "/bridge", about: { target: id } } });
    expect(framesOf(lines)).toEqual([
      ["in", Uint8Array.from(Buffer.from("question"))],
      ["out", Uint8Array.from(Buffer.from("answer"))],
    ]);
    expect(lines?.at(-1)).toMatchObject({ type: "end", end: "closed" });
  });

  test("has the bytes of the target, whatever the framing is", async () => {
    const dir = folder();
    {
      await using house = await bridgeHouse({ record: dir, framing: "lines" });
      const { client, peer } = await house.join();
      client.write(frame("one"));
      await peer.has(4);
      await peer.write("two\n");
      expect(String((await client.next()).payload)).toBe("two");
    }
    const [lines] = recordingsIn(dir);
    expect([String(bytesOf(lines, "in")), String(bytesOf(lines, "out"))]).toEqual(["one\n", "two\n"]);
  });

  test("has each byte once, and stays one recording, when its stream is resumed again and again", async () => {
    const dir = folder();
    const block = noise(4 * MIB);
    {
      await using house = await bridgeHouse(
        { record: { dir, bytes: 0, files: 5 } },
        { serve: (peer) => peer.echo() },
      );
      using proxy = await startProxy(Number(house.gateway.host.split(":")[1]));
      const client = resumeClient({ url: `ws://${proxy.host}/bridge`, block });
      for (let cut = 1; cut <= 5; cut += 1) {
        const mark = (cut * block.length) / 8;
        client.allow(mark);
        await eventually(`${mark} bytes came back`, () => client.taken >= mark);
        proxy.reset();
        await eventually("it came back", () => client.connections > cut);
      }
      client.allow(block.length + 1);
      expect([await client.ended, client.hash()]).toEqual([1000, sha256(block)]);
    }
    const all = recordingsIn(dir);
    expect(all).toHaveLength(1);
    expect([sha256(bytesOf(all[0], "in")), sha256(bytesOf(all[0], "out"))]).toEqual([
      sha256(block),
      sha256(block),
    ]);
  });

  test("speaks its streams as ever", async () => {
    await using house = await bridgeHouse({ record: folder() });
    const socket = new WebSocket(`${house.gateway.ws("/bridge")}`, [BRIDGE_PROTOCOL]);
    await new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
    expect(socket.protocol).toBe(BRIDGE_PROTOCOL);
    socket.close();
  });

  test("carries on if nothing can be recorded", async () => {
    await using house = await bridgeHouse({ record: "/dev/null/nowhere" }, { serve: (peer) => peer.echo() });
    const { client } = await house.join();
    client.write(binary("hello"));
    expect(String(await readBytes(client, 5))).toBe("hello");
    const failed = () => house.gateway.metric('fairlead_recordings_total{route="/bridge",result="failed"}');
    await eventually("it is counted", async () => (await failed()) === 1);
  });
});
