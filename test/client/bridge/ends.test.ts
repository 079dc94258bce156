/** How a bridge ends: in order, by its own side, or because the gateway breaks the rules. */
import { describe, expect, test } from "bun:test";
import { ackFrame, connectFrame, dataFrame, reconnectFrame } from "../../../src/wire/bridge-frames.ts";
import { bridgeHouse, bytesOf, failure, later, settle } from "./house.ts";

const MIB = 1024 * 1024;

describe("the end in order", () => {
  test("comes when both directions have ended: the client closes with 1000", async () => {
    const { begin, data, end, ack, read, writer, said, net, bridge } = bridgeHouse();
    await begin();
    await writer.write(bytesOf("abc"));
    const closing = later(writer.close());
    await settle();
    expect(said()).toEqual(["data abc", "end"]);
    data("xyz");
    end();
    expect([await read(), await read()]).toEqual(["xyz", "(end)"]);
    expect([said(), net.last.closedWith]).toEqual([["ack 4"], undefined]);
    ack(3);
    await settle();
    expect(net.last.closedWith).toBeUndefined();
    ack(4);
    await closing;
    expect(net.last.closedWith).toEqual([1000, undefined]);
    net.last.end(1000);
    await bridge.closed;
    expect(bridge.status).toEqual({ type: "closed", code: 1000, reason: "" });
  });

  test("waits for a reader that has not read the service's end", async () => {
    const { begin, data, end, ack, read, writer, net } = bridgeHouse();
    await begin();
    const closing = later(writer.close());
    await settle();
    ack(1);
    await closing;
    data("x");
    end();
    expect(net.last.closedWith).toBeUndefined();
    await read();
    expect(net.last.closedWith).toEqual([1000, undefined]);
  });

  test("leaves the other direction open", async () => {
    const { begin, end, read, writer, said, data, ack } = bridgeHouse();
    await begin();
    end();
    expect(await read()).toBe("(end)");
    await writer.write(bytesOf("still here"));
    expect(said()).toEqual(["ack 1", "data still here"]);
    ack(10);
    const other = bridgeHouse();
    await other.begin();
    later(other.writer.close());
    await settle();
    other.data("still there");
    expect(await other.read()).toBe("still there");
    void data;
  });

  test("sends the half-close again when it was lost on the way, and not when it was not", async () => {
    const { begin, lose, resume, said, writer } = bridgeHouse();
    await begin();
    await writer.write(bytesOf("ab"));
    const closing = later(writer.close());
    await lose();
    await resume(1);
    expect(said()).toEqual(["data b", "end"]);
    await lose();
    await resume(3);
    await closing;
    expect(said()).toEqual([]);
  });

  test("takes the service's end again where it was not read before the loss", async () => {
    const { begin, lose, resume, data, end, read, asked } = bridgeHouse();
    await begin();
    data("ab");
    end();
    await lose();
    expect(asked("ack")).toBe("0");
    await resume(0);
    data("ab");
    end();
    expect([await read(), await read()]).toEqual(["ab", "(end)"]);
  });

  test("counts the service's end in what it resumes from", async () => {
    const { begin, lose, resume, end, read, asked, bridge, ack, writer, net } = bridgeHouse();
    await begin();
    end();
    await read();
    await lose();
    expect(asked("ack")).toBe("1");
    await resume(0);
    const closing = later(writer.close());
    await settle();
    ack(1);
    await closing;
    net.last.end(1000);
    await bridge.closed;
  });

  test("comes while there is no connection, when all was said before", async () => {
    const { begin, net, end, read, ack, writer, bridge, clock } = bridgeHouse();
    await begin();
    const closing = later(writer.close());
    await settle();
    ack(1);
    await closing;
    end();
    net.last.end();
    expect(await read()).toBe("(end)");
    clock.advance(5_000);
    await bridge.closed;
    expect([net.sockets.length, clock.pending]).toEqual([1, 0]);
  });

  test("waits for room before the half-close, when a whole window is on its way", async () => {
    const { begin, writer, ack, said } = bridgeHouse();
    await begin();
    await writer.write(new Uint8Array(MIB));
    later(writer.close());
    await settle();
    expect(said().at(-1)).not.toBe("end");
    ack(1);
    await settle();
    expect(said()).toEqual(["end"]);
  });
});

describe("a gateway that closes with 1000", () => {
  test("has ended the stream: what came is read, and the end", async () => {
    const { begin, data, net, read, bridge, writer } = bridgeHouse();
    await begin();
    data("all");
    net.last.end(1000);
    expect([await read(), await read()]).toEqual(["all", "(end)"]);
    await bridge.closed;
    expect((await failure(writer.write(bytesOf("x")))).code).toBe("closed");
  });

  test("is told as a loss where something written was not passed on", async () => {
    const { begin, net, bridge, writer } = bridgeHouse();
    await begin();
    await writer.write(bytesOf("x"));
    net.last.end(1000);
    expect((await failure(bridge.closed)).message).toContain("before all that was written");
  });
});

describe("this side ends the bridge", () => {
  const ways = {
    "with its signal": ({ over }: { over: AbortController }) => over.abort("enough"),
    "by cancelling what it reads": ({ house }: { house: ReturnType<typeof bridgeHouse> }) =>
      house.reader.cancel("enough"),
    "by aborting what it writes": ({ house }: { house: ReturnType<typeof bridgeHouse> }) =>
      house.writer.abort("enough"),
  };
  for (const [way, run] of Object.entries(ways)) {
    test(`${way}: closed with 1000, no error of the bridge, and none takes it for the stream's end`, async () => {
      const over = new AbortController();
      const house = bridgeHouse({ signal: over.signal });
      const { begin, writer, reader, net, bridge, clock } = house;
      await begin();
      await writer.write(new Uint8Array(MIB));
      const waits = later(writer.write(bytesOf("x")));
      later(Promise.resolve(run({ over, house })));
      await settle();
      expect((await failure(waits)).code).toBe("aborted");
      if (way !== "by cancelling what it reads") {
        expect(await failure(reader.read())).toMatchObject({ code: "aborted", cause: "enough" });
      }
      expect(net.last.closedWith).toEqual([1000, undefined]);
      net.last.end(1000);
      await bridge.closed;
      expect([bridge.status, clock.pending]).toEqual([{ type: "closed", code: 1000, reason: "" }, 0]);
    });
  }

  test("before there is a connection: none is made", async () => {
    const { net, bridge, reader, clock } = bridgeHouse({ signal: AbortSignal.abort("never") });
    await settle();
    clock.advance(0);
    await bridge.closed;
    expect([net.sockets.length, (await failure(reader.read())).cause]).toEqual([0, "never"]);
  });

  test("and what had come is not read any more", async () => {
    const over = new AbortController();
    const { begin, data, reader } = bridgeHouse({ signal: over.signal });
    await begin();
    data("too late");
    over.abort();
    expect((await failure(reader.read())).code).toBe("aborted");
  });

  test("while the connection is away: no attempt follows", async () => {
    const over = new AbortController();
    const { begin, net, clock, bridge } = bridgeHouse({ signal: over.signal });
    await begin();
    net.last.end();
    over.abort();
    clock.advance(60_000);
    await settle();
    await bridge.closed;
    expect(net.sockets.length).toBe(1);
  });
});

describe("a gateway that breaks the rules", () => {
  const broken: Record<string, (house: ReturnType<typeof bridgeHouse>) => void> = {
    "a text frame": ({ net }) => net.last.say("hello"),
    "a length that lies": ({ say }) => say(new Uint8Array([0, 4, 0, 0, 0, 9, 1])),
    "DATA over the limit": ({ data }) => data(new Uint8Array(65_537)),
    "a second beginning": ({ say }) => say(connectFrame("s2")),
    "a resume that nobody asked for": ({ say }) => say(reconnectFrame(0)),
    "an ACK of what was not sent": ({ ack }) => ack(4),
    "an ACK that runs backwards": ({ ack }) => {
      ack(3);
      ack(2);
    },
    "DATA after the half-close": ({ end, data }) => {
      end();
      data("x");
    },
    "a second half-close": ({ end }) => {
      end();
      end();
    },
    "a count that no number holds": ({ say }) => say(new Uint8Array([0, 7, 255, 0, 0, 0, 0, 0, 0, 0])),
  };
  for (const [name, act] of Object.entries(broken)) {
    test(`${name}: the stream ends with what it was`, async () => {
      const house = bridgeHouse();
      await house.begin();
      await house.writer.write(bytesOf("abc"));
      act(house);
      expect(house.net.last.closedWith).toEqual([1000, undefined]);
      house.net.last.end(1000);
      const { code, message } = await failure(house.bridge.closed);
      expect([code, message]).toEqual(["broken", expect.stringContaining("rules of fairlead.bridge.v1: ")]);
      expect(house.clock.pending).toBe(0);
    });
  }

  for (const [name, frame] of [
    ["DATA", dataFrame(bytesOf("x"))],
    ["ACK", ackFrame(0)],
    ["RECONNECT_SUCCESS", reconnectFrame(0)],
  ] as const) {
    test(`${name} before CONNECT_SUCCESS`, async () => {
      const { net, say, bridge } = bridgeHouse();
      await settle();
      net.last.accept();
      say(frame);
      net.last.end(1000);
      expect((await failure(bridge.closed)).code).toBe("broken");
    });
  }

  for (const [name, frame] of [
    ["a new stream", connectFrame("s2")],
    ["a count that was not sent", reconnectFrame(4)],
    ["a count below one it gave before", reconnectFrame(1)],
  ] as const) {
    test(`answers a resume with ${name}`, async () => {
      const { net, begin, say, bridge, ack, lose, writer } = bridgeHouse();
      await begin();
      await writer.write(bytesOf("abc"));
      ack(2);
      await lose();
      net.last.accept();
      say(frame);
      net.last.end(1000);
      expect((await failure(bridge.closed)).code).toBe("broken");
    });
  }

  test("frames of a later version are not among them", async () => {
    const { begin, say, data, read } = bridgeHouse();
    await begin();
    say(new Uint8Array([0, 99, 1, 2, 3]));
    data("x");
    expect(await read()).toBe("x");
  });

  test("and a server that only ever acknowledges is not left waiting by a timer", async () => {
    const { begin, ack, clock, bridge } = bridgeHouse();
    await begin();
    for (let n = 0; n < 20; n++) {
      clock.advance(5_000);
      ack(0);
    }
    expect(bridge.status.type).toBe("open");
  });
});
