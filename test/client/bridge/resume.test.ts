/** What a bridge does when its connection is lost, and when the stream is. */
import { describe, expect, test } from "bun:test";
import { bridgeHouse, bytesOf, failure, later, settle } from "./house.ts";

const MIB = 1024 * 1024;
const filled = (size: number, value = 7) => new Uint8Array(size).fill(value);

describe("a connection that is lost", () => {
  test("is resumed with the stream's name, and what was read", async () => {
    const { begin, data, read, lose, asked, resume, bridge, statuses } = bridgeHouse({
      url: "ws://host/ssh?a=b",
    });
    await begin("the-name");
    data("abc");
    await read();
    await lose();
    expect([asked("a"), asked("sid"), asked("ack")]).toEqual(["b", "the-name", "3"]);
    await resume(0);
    data("def");
    expect([await read(), bridge.status.type]).toEqual(["def", "open"]);
    expect(statuses.map(({ type }) => type)).toEqual(["open", "away", "connecting", "open"]);
  });

  test("brings again what was not read: what had come before is thrown away", async () => {
    const { begin, data, read, lose, asked, resume } = bridgeHouse();
    await begin();
    data("abc");
    await lose();
    expect(asked("ack")).toBe("0");
    await resume(0);
    data("ABCDEF");
    expect(await read()).toBe("ABCDEF");
  });

  test("leaves readable what has come, until the address with the count is written", async () => {
    const { begin, data, read, net, clock, asked, resume } = bridgeHouse();
    await begin();
    data(filled(65_536, 97));
    data("bb");
    net.last.end();
    expect((await read()).length).toBe(65_536);
    clock.advance(5_000);
    await settle();
    expect(asked("ack")).toBe("65536");
    const next = read();
    await resume(0);
    data("BB");
    expect(await next).toBe("BB");
  });

  test("hears no more from the older connection", async () => {
    const { begin, data, lose, net, resume, read } = bridgeHouse();
    await begin();
    const [older] = net.sockets;
    await lose();
    older?.say(new Uint8Array([0, 4, 0, 0, 0, 1, 65]).buffer);
    await resume(0);
    data("B");
    expect(await read()).toBe("B");
  });

  test("sends again exactly what the gateway has not passed on", async () => {
    const { begin, writer, lose, resume, said, ack } = bridgeHouse();
    await begin();
    for (const text of ["ab", "cd", "ef"]) await writer.write(bytesOf(text));
    ack(1);
    await lose(1012);
    await resume(3);
    expect(said()).toEqual(["data def"]);
    await lose();
    await resume(6);
    expect(said()).toEqual([]);
  });

  test("is given up when nothing was heard for 15 s", async () => {
    const { begin, ack, clock, net, bridge, resume } = bridgeHouse();
    await begin();
    clock.advance(14_000);
    ack(0);
    clock.advance(14_999);
    expect(bridge.status.type).toBe("open");
    clock.advance(1);
    expect(bridge.status).toMatchObject({ type: "away", reason: "nothing was heard for 15000 ms" });
    clock.advance(5_000);
    await resume(0);
    expect([bridge.status.type, net.sockets.length]).toEqual(["open", 2]);
  });

  test("may be silent a moment longer when the machine slept", async () => {
    const { begin, clock, bridge, ack } = bridgeHouse();
    const { wall } = clock;
    await begin();
    clock.wall = () => wall() + 60_000;
    clock.advance(15_000);
    expect(bridge.status.type).toBe("open");
    clock.advance(6_999);
    ack(0);
    clock.advance(10_000);
    expect(bridge.status.type).toBe("open");
    clock.advance(5_000);
    expect(bridge.status.type).toBe("away");
  });

  test("must give a sign of life within 7 s when the network may be another one", async () => {
    const { begin, clock, bridge } = bridgeHouse();
    await begin();
    (globalThis as unknown as EventTarget).dispatchEvent(new Event("online"));
    clock.advance(6_999);
    expect(bridge.status.type).toBe("open");
    clock.advance(1);
    expect(bridge.status.type).toBe("away");
  });

  test("is resumed after any code that does not end the stream", async () => {
    const { begin, lose, resume, bridge } = bridgeHouse();
    await begin();
    for (const code of [1001, 1002, 1006, 1008, 1009, 1011, 1012, 1013, 3008, 4008, 4029, 4499]) {
      await lose(code);
      await resume(0);
      expect([code, bridge.status.type]).toEqual([code, "open"]);
    }
  });

  test("asks for its address and its token anew", async () => {
    let asked = 0;
    const { begin, lose, net } = bridgeHouse({
      url: () => `ws://host/${++asked}`,
      token: () => `t${asked}`,
    });
    await begin();
    await lose();
    expect([net.last.url, net.last.protocols[1]]).toEqual(["ws://host/2?sid=s1&ack=0", "fairlead.token.dDI"]);
  });
});

describe("a stream is lost", () => {
  for (const code of [1014, 3003, 4500, 4510, 4590, 4999]) {
    test(`after ${code}, without another attempt, and with the bytes before it`, async () => {
      const { begin, data, net, bridge, read, reader, writer, clock } = bridgeHouse();
      await begin();
      data("last words");
      net.last.end(code, "the reason");
      expect(await read()).toBe("last words");
      for (const each of [reader.read(), writer.write(filled(1)), bridge.closed]) {
        const { code: word, message } = await failure(each);
        expect([word, message]).toEqual(["lost", `the stream is lost: closed with ${code} the reason`]);
      }
      expect([net.sockets.length, clock.pending]).toEqual([1, 0]);
    });
  }

  test("when no attempt helped for as long as it is patient; what had come is still read", async () => {
    const { begin, data, net, bridge, clock, read, reader } = bridgeHouse({ patience: 30_000 });
    await begin();
    data("abc");
    await settle();
    net.last.end();
    for (let second = 0; second < 60 && bridge.status.type !== "closed"; second++) {
      clock.advance(1_000);
      await settle();
      if (net.last.readyState === 0) net.last.end();
    }
    expect((await failure(bridge.closed)).message).toContain("no attempt to resume it helped");
    expect(clock.now() - 1_000_000).toBeWithin(30_000, 36_000);
    expect([await read(), (await failure(reader.read())).code]).toEqual(["abc", "lost"]);
  });

  test("at the first loss when it has no patience", async () => {
    const { begin, lose, net, bridge } = bridgeHouse({ patience: 0 });
    await begin();
    await lose();
    expect([(await failure(bridge.closed)).code, net.sockets.length]).toEqual(["lost", 1]);
  });

  test("not while each attempt carries it, though it rests and is lost again at once", async () => {
    const { begin, lose, resume, bridge, clock } = bridgeHouse({ patience: 20_000 });
    await begin();
    for (let n = 0; n < 20; n++) {
      await lose();
      await resume(0);
    }
    expect([bridge.status.type, clock.now() - 1_000_000 > 60_000]).toEqual(["open", true]);
  });

  test("though each attempt carries it, when the gateway complains each time and it does not move", async () => {
    const { begin, net, bridge, clock } = bridgeHouse({ patience: 20_000 });
    await begin();
    net.last.end(1008);
    for (let second = 0; second < 40 && bridge.status.type !== "closed"; second++) {
      clock.advance(1_000);
      await settle();
      if (net.last.readyState !== 0) continue;
      net.last.accept();
      net.last.say(new Uint8Array([0, 2, 0, 0, 0, 0, 0, 0, 0, 0]).buffer);
      net.last.end(1008);
    }
    expect((await failure(bridge.closed)).code).toBe("lost");
  });

  test("after 3000 with a token that is always the same", async () => {
    const { begin, lose, bridge } = bridgeHouse({ token: "t" });
    await begin();
    await lose(3000);
    expect((await failure(bridge.closed)).message).toContain("3000");
  });

  test("with a write that waits for room, and one that waits for its end", async () => {
    const { begin, writer, net } = bridgeHouse();
    await begin();
    await writer.write(filled(MIB));
    const waits = later(writer.write(filled(1)));
    const end = later(writer.close());
    await settle();
    net.last.end(4510);
    expect([(await failure(waits)).code, (await failure(end)).code]).toEqual(["lost", "lost"]);
  });
});
