/** What a bridge does when a gateway says that its stream is at another node (close 4011). */
import { describe, expect, test } from "bun:test";
import { bridgeHouse, bytesOf, failure, settle } from "./house.ts";

type House = ReturnType<typeof bridgeHouse>;

const NODE = "ws://node-2:8081";

/** A stream that was open and is asked for again; the next attempt is under way. */
async function away(options: Parameters<typeof bridgeHouse>[0] = {}): Promise<House> {
  const house = bridgeHouse({ url: "ws://host/a/ssh?token=x", ...options });
  await house.begin();
  await house.lose();
  return house;
}

/** The gateway lets the attempt in, and says that the stream is elsewhere. No time passes. */
async function sent({ net, clock }: House, url: string): Promise<void> {
  net.last.accept();
  net.last.end(4011, url);
  clock.advance(0);
  await settle();
}

const dialed = ({ net }: House) => net.sockets.map(({ url }) => new URL(url).host);
const last = ({ net }: House) => net.last.url;

describe("a stream that is at another node", () => {
  test("goes on there at once, at the same path and query, with the same token", async () => {
    const house = await away({ token: "t" });
    await sent(house, NODE);
    expect(last(house)).toBe("ws://node-2:8081/a/ssh?token=x&sid=s1&ack=0");
    expect(house.net.last.protocols[1]).toBe("fairlead.token.dA");
    await house.writer.write(bytesOf("abc"));
    await house.resume(0);
    house.data("def");
    expect([await house.read(), house.said()]).toEqual(["def", ["data abc"]]);
    const told = house.statuses.map(({ type }) => type).join(" ");
    expect(told).toBe("open away connecting away connecting open");
  });

  test.each([
    ["ws://host:1234/ssh", "ws://node-2", "ws://node-2/ssh?sid=s1&ack=0"],
    ["ws://host:1234/ssh", "wss://[fd00::1]:7", "wss://[fd00::1]:7/ssh?sid=s1&ack=0"],
    ["wss://host/ssh", "wss://node-2:444", "wss://node-2:444/ssh?sid=s1&ack=0"],
    ["https://host//x.test/ssh", "wss://node-2/", "wss://node-2//x.test/ssh?sid=s1&ack=0"],
    ["ws://host/ssh", "ws://u:p@node-2/elsewhere?a=b#c", "ws://node-2/ssh?sid=s1&ack=0"],
  ])("is asked for, of %s, at %s as %s", async (url, node, expected) => {
    const house = await away({ url });
    await sent(house, node);
    expect(last(house)).toBe(expected);
  });

  test("is asked for there first when that connection is lost, too", async () => {
    const house = await away();
    await sent(house, NODE);
    await house.resume(0);
    await house.lose();
    await house.resume(0);
    expect(dialed(house)).toEqual(["host", "host", "node-2:8081", "node-2:8081"]);
  });

  test("is lost if that node does not know it", async () => {
    const house = await away();
    await sent(house, NODE);
    house.net.last.accept();
    house.net.last.end(4510, "the stream is lost");
    expect(await failure(house.bridge.closed)).toMatchObject({
      code: "lost",
      message: "the stream is lost: closed with 4510 the stream is lost",
    });
    expect(house.clock.pending).toBe(0);
  });

  test("is asked for at the first address again, after a pause, if nobody answers there", async () => {
    const house = await away({ minDelay: 1_000, maxDelay: 1_000 });
    await sent(house, NODE);
    house.net.last.end();
    expect(house.bridge.status).toMatchObject({ type: "away", code: 1006 });
    house.clock.advance(1_000);
    await settle();
    expect(dialed(house)).toEqual(["host", "host", "node-2:8081", "host"]);
    await sent(house, NODE);
    await house.resume(0);
    expect([house.bridge.status.type, dialed(house).at(-1)]).toEqual(["open", "node-2:8081"]);
  });

  test("may have moved again, a few times in a row; then it rests and asks from the beginning", async () => {
    const house = await away({ minDelay: 5_000, maxDelay: 5_000 });
    for (const node of [2, 3, 4, 5, 6]) await sent(house, `ws://node-${node}`);
    expect(dialed(house)).toEqual(["host", "host", "node-2", "node-3", "node-4", "node-5"]);
    expect(house.bridge.status).toMatchObject({ type: "away", code: 4011 });
    house.clock.advance(5_000);
    await settle();
    expect(dialed(house).at(-1)).toBe("host");
    await sent(house, NODE);
    expect(dialed(house).at(-1)).toBe("node-2:8081");
  });

  test("is lost when nodes send it in circles for as long as it is patient", async () => {
    const house = await away({ patience: 30_000 });
    for (let n = 0; n < 1_000 && house.bridge.status.type !== "closed"; n++) {
      if (house.net.last.readyState === 0) await sent(house, `ws://node-${n % 2}`);
      house.clock.advance(100);
      await settle();
    }
    expect((await failure(house.bridge.closed)).code).toBe("lost");
    expect(house.net.sockets.length).toBeLessThan(200);
  });
});

describe("a bridge does not follow", () => {
  test.each([
    ["from wss to ws", "wss://host/ssh", "ws://node-2"],
    ["from https to ws", "https://host/ssh", "ws://node-2"],
    ["to http", "ws://host/ssh", "http://node-2"],
    ["to a path", "ws://host/ssh", "/ssh"],
    ["to another host by a path", "ws://host/ssh", "//node-2/ssh"],
    ["to what is no URL", "ws://host/ssh", "ws://"],
    ["to nothing", "ws://host/ssh", ""],
  ])("%s: it asks the first address again, after a pause", async (_, url, node) => {
    const house = await away({ url, minDelay: 5_000, maxDelay: 5_000 });
    await sent(house, node);
    expect(house.net.sockets.length).toBe(2);
    house.clock.advance(5_000);
    await settle();
    expect(dialed(house)).toEqual(["host", "host", "host"]);
    expect(last(house)).toContain(url.replace("https", "wss"));
  });

  test("from a node with TLS to one without, even if it began without", async () => {
    const house = await away();
    await sent(house, "wss://node-2");
    await sent(house, "ws://node-3");
    expect(dialed(house)).not.toContain("node-3");
  });

  test("at all with follow: false, and finds its stream where chance leads it", async () => {
    const house = await away({ follow: false });
    await house.lose(4011, NODE);
    await house.resume(0);
    expect([house.bridge.status.type, dialed(house)]).toEqual(["open", ["host", "host", "host"]]);
  });

  test("before it has a stream: that was refused", async () => {
    const house = bridgeHouse();
    await settle();
    await sent(house, NODE);
    expect((await failure(house.bridge.closed)).code).toBe("refused");
    expect(dialed(house)).toEqual(["host"]);
  });
});
