import { describe, expect, test } from "bun:test";
import { frame, OPCODE } from "../raw-client.ts";
import { binary, bridgeHouse, nextData, readBytes } from "./bridge-house.ts";

describe("framing bytes", () => {
  test("delivers what the target said before the handshake was answered", async () => {
    await using house = await bridgeHouse({}, { serve: (peer) => void peer.write("banner") });
    const { client } = await house.join();
    expect((await readBytes(client, 6)).toString()).toBe("banner");
  });

  test("carries binary and text messages to the target as their bytes, in order", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.write(Buffer.concat([binary(Buffer.of(0, 255, 10)), frame("häß漢😀"), binary(""), frame("\n")]));
    const expected = Buffer.concat([Buffer.of(0, 255, 10), Buffer.from("häß漢😀\n")]);
    await peer.has(expected.length);
    expect(peer.received).toBe(expected.length);
    expect(peer.text()).toBe(expected.toString());
  });

  test("carries the target's bytes as binary messages, also those that are text", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    await peer.write("text");
    expect(await nextData(client)).toMatchObject({ opcode: OPCODE.binary, payload: Buffer.from("text") });
  });

  test("joins fragments, and lets a ping between them through", async () => {
    await using house = await bridgeHouse();
    const { client, peer } = await house.join();
    client.write(frame("frag", { opcode: OPCODE.binary, fin: false }));
    client.write(frame("hello?", { opcode: OPCODE.ping }));
    client.write(frame("ment", { opcode: OPCODE.continuation }));
    await peer.has(8);
    expect(peer.text()).toBe("fragment");
    expect(await client.next()).toMatchObject({ opcode: OPCODE.pong, payload: Buffer.from("hello?") });
  });

  test("closes a message over maxMessage with 1009, after what came before it has reached the target", async () => {
    await using house = await bridgeHouse({ maxMessage: 10 });
    const { client, peer } = await house.join();
    client.write(Buffer.concat([binary("0123456789"), binary("0123456789a")]));
    expect((await client.ending()).code).toBe(1009);
    expect(await peer.ended()).toBe("end");
    expect(peer.text()).toBe("0123456789");
  });
});

describe("framing text", () => {
  test("carries the target's bytes as text, with a character whole that came in two reads", async () => {
    await using house = await bridgeHouse({ framing: "text" });
    const { client, peer } = await house.join();
    await peer.write(Buffer.concat([Buffer.from("漢"), Buffer.of(0xe6, 0xbc)]));
    expect(await nextData(client)).toMatchObject({ opcode: OPCODE.text, payload: Buffer.from("漢") });
    await peer.write(Buffer.of(0xa2, 0xff));
    expect((await nextData(client)).payload.toString()).toBe("漢\uFFFD");
  });

  test("delivers a character that the end cuts off as U+FFFD, then 1000", async () => {
    await using house = await bridgeHouse({ framing: "text", halfCloseTimeout: "20ms" });
    const { client, peer } = await house.join();
    await peer.write(Buffer.of(0x61, 0xe6));
    peer.end();
    expect((await nextData(client)).payload.toString()).toBe("a");
    expect((await nextData(client)).payload.toString()).toBe("\uFFFD");
    expect((await client.ending()).code).toBe(1000);
  });

  test("carries messages to the target without a line feed of its own", async () => {
    await using house = await bridgeHouse({ framing: "text" });
    const { client, peer } = await house.join();
    client.write(Buffer.concat([frame("é"), frame("b\n"), binary(Buffer.of(0x63))]));
    await peer.has(5);
    expect(peer.text()).toBe("éb\nc");
  });
});

describe("framing lines", () => {
  test("makes each line of the target a text message, however it came", async () => {
    await using house = await bridgeHouse({ framing: "lines" });
    const { client, peer } = await house.join();
    await peer.write("one\n\nthr");
    await peer.write("ee\r\nfo");
    const lines: string[] = [];
    for (let i = 0; i < 3; i += 1) lines.push((await nextData(client)).payload.toString());
    expect(lines).toEqual(["one", "", "three\r"]);
  });

  test("delivers an unfinished last line when the target ends, then 1000", async () => {
    await using house = await bridgeHouse({ framing: "lines", halfCloseTimeout: "20ms" });
    const { client, peer } = await house.join();
    await peer.write("one\ntw");
    peer.end();
    expect((await nextData(client)).payload.toString()).toBe("one");
    expect((await nextData(client)).payload.toString()).toBe("tw");
    expect((await client.ending()).code).toBe(1000);
  });

  test("makes each message of the client a line, text or binary", async () => {
    await using house = await bridgeHouse({ framing: "lines" });
    const { client, peer } = await house.join();
    client.write(Buffer.concat([frame("é"), frame(""), binary("b")]));
    await peer.has(6);
    expect(peer.text()).toBe("é\n\nb\n");
  });

  test("closes a message that contains a line feed with 1007, after what came before it has reached the target", async () => {
    await using house = await bridgeHouse({ framing: "lines" });
    const { client, peer } = await house.join();
    client.write(Buffer.concat([frame("one"), frame("two\nthree"), frame("four")]));
    expect((await client.ending()).code).toBe(1007);
    expect(await peer.ended()).toBe("end");
    expect(peer.text()).toBe("one\n");
    await house.expectCalm();
  });

  test("closes a line of the target over maxLine with 1009, after the lines before it", async () => {
    await using house = await bridgeHouse({ framing: "lines", maxLine: 5 });
    const { client, peer } = await house.join();
    await peer.write("12345\n123456\nnever\n");
    expect((await nextData(client)).payload.toString()).toBe("12345");
    expect(await client.ending()).toEqual({
      code: 1009,
      reason: "a line of the target is longer than maxLine",
    });
    peer.end();
    await house.expectCalm();
  });
});
