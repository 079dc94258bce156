/** A certificate that is replaced under a gateway that runs: what becomes of who is connected, and of what is published (fault 47). */

import { heapStats } from "bun:jsc";
import { beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "./calm.ts";
import { startGateway, type TestClient } from "./gateway.ts";
import { type MadePair, makePair } from "./made-certificate.ts";
import { bounded, frame, head } from "./raw-client.ts";
import { dialTls, replaceByRename, startTlsHouse, type TlsHouse } from "./tls-house.ts";

const routes = {
  "/room/:name": { kind: "room" },
  "/quiet/:name": { kind: "room", echo: false },
  "/feed/:topic": { kind: "feed", publish: true, welcome: false },
} as const;
let first: MadePair;
let second: MadePair;
beforeAll(async () => {
  [first, second] = await Promise.all([makePair("first"), makePair("second")]);
});

const start = (options: object = {}) => startTlsHouse({ routes, first, ...options });
const warnings = ({ lines }: TlsHouse) =>
  lines.filter(({ level }) => level === "warn").map(({ text }) => text);

function rotate(house: TlsHouse, pair = second): void {
  replaceByRename(house.files, pair);
  house.look();
}

async function take(client: TestClient, count: number): Promise<unknown[]> {
  const taken: unknown[] = [];
  while (taken.length < count) taken.push(await bounded(`message ${taken.length}`, client.next()));
  return taken;
}

describe("a new pair of certificate and key", () => {
  test("is what new handshakes get, and nothing is asked of who is connected", async () => {
    await using house = await start();
    using before = await house.connect("/room/a");
    expect(await house.served()).toBe("first");
    rotate(house);
    expect(await house.served()).toBe("second");
    before.send("still here");
    expect(await take(before, 1)).toEqual(["still here"]);
    expect(warnings(house)).toEqual([]);
    expect(house.lines.filter(({ text }) => text === "new connections get the new certificate")).toHaveLength(
      1,
    );
    expect(await house.metric('fairlead_tls_changes_total{result="swapped"}')).toBe(1);
  });

  test("keeps a room together: on both sides all hear all, in order, each message once", async () => {
    await using house = await start();
    const old = [await house.connect("/room/a"), await house.connect("/room/a")];
    rotate(house);
    const young = [await house.connect("/room/a"), await house.connect("/room/a")];
    const members = [...old, ...young];
    const expected: string[] = [];
    for (let n = 0; n < 100; n += 1) {
      members[n % members.length]?.send(`message ${n}`);
      expected.push(`message ${n}`);
      // The next one is said by somebody who has heard this one, so that there is one order.
      for (const member of members) expect(await take(member, 1)).toEqual([`message ${n}`]);
    }
    for (const member of members) expect(member.waiting).toBe(0);
    for (const member of members) member[Symbol.dispose]();
  });

  test("keeps bursts from both sides whole, and in one order for all", async () => {
    await using house = await start();
    using old = await house.connect("/room/a");
    rotate(house);
    using young = await house.connect("/room/a");
    for (let n = 0; n < 300; n += 1) {
      old.send(`old ${n}`);
      young.send(`young ${n}`);
    }
    const [heardByOld, heardByYoung] = await Promise.all([take(old, 600), take(young, 600)]);
    expect(heardByOld).toEqual(heardByYoung);
    for (const side of ["old", "young"]) {
      const said = heardByOld.filter((text) => String(text).startsWith(side));
      expect(said).toEqual(Array.from({ length: 300 }, (_, n) => `${side} ${n}`));
    }
    expect([old.waiting, young.waiting]).toEqual([0, 0]);
  });

  test("leaves out only the sender where a room is without echo, whatever side it is on", async () => {
    await using house = await start();
    const old = [await house.connect("/quiet/a"), await house.connect("/quiet/a")] as const;
    rotate(house);
    const young = [await house.connect("/quiet/a"), await house.connect("/quiet/a")] as const;
    old[0].send("of old");
    for (const other of [old[1], ...young]) expect(await take(other, 1)).toEqual(["of old"]);
    young[0].send("of young");
    for (const other of [...old, young[1]]) expect(await take(other, 1)).toEqual(["of young"]);
    for (const member of [...old, ...young]) {
      expect(member.waiting).toBe(0);
      member[Symbol.dispose]();
    }
  });

  test("leaves event streams and HTTP alone", async () => {
    await using house = await start();
    const stream = await dialTls(house.port);
    let heard = "";
    stream.on("data", (bytes) => {
      heard += bytes;
    });
    stream.write("GET /feed/a HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    await eventually("the stream", () => heard.includes("text/event-stream"));
    rotate(house);
    const posted = await fetch(`https://127.0.0.1:${house.port}/feed/a`, {
      method: "POST",
      body: "news",
      headers: { "Content-Type": "text/plain" },
      tls: { rejectUnauthorized: false },
    });
    expect(posted.status).toBe(200);
    await eventually("the event", () => heard.includes('data: "news"') || heard.includes("data: news"));
    stream.destroy();
  });

  test("does not lose who connected before and asks for a WebSocket only afterwards", async () => {
    await using house = await start();
    const late = await dialTls(house.port);
    const old = await house.connect("/room/a");
    rotate(house);
    using young = await house.connect("/room/a");
    old.socket.close();
    await old.closed;
    let heard = "";
    late.on("data", (bytes) => {
      heard += bytes;
    });
    late.write(head({ path: "/room/a" }));
    await eventually("the 101", () => heard.includes("101 Switching"));
    young.send("for both");
    await eventually("the message", () => heard.includes("for both"));
    late.write(frame("back"));
    expect(await take(young, 2)).toEqual(["for both", "back"]);
    late.destroy();
  });

  test("may come again and again, with connections of each time", async () => {
    await using house = await start();
    const members = [await house.connect("/room/a")];
    for (const pair of [second, first, second, first]) {
      rotate(house, pair);
      members.push(await house.connect("/room/a"));
    }
    members[2]?.send("to all");
    for (const member of members) expect(await take(member, 1)).toEqual(["to all"]);
    for (const member of members.splice(0, 4)) {
      member[Symbol.dispose]();
      await member.closed;
    }
    members[0]?.send("to me");
    expect(await take(members[0] as TestClient, 1)).toEqual(["to me"]);
    expect(await house.metric('fairlead_connections{route="/room/:name"}')).toBe(1);
  });

  test("does not keep the drain from those who came before", async () => {
    await using house = await start();
    using old = await house.connect("/room/a");
    rotate(house);
    using young = await house.connect("/room/a");
    const stopped = house.stop();
    expect([(await old.closed).code, (await young.closed).code]).toEqual([1012, 1012]);
    await bounded("the stop", stopped);
  });
});

test("a listener that was replaced is let go with its last connection", async () => {
  await using house = await start();
  const before = secureServers();
  for (let n = 0; n < 8; n += 1) {
    using member = await house.connect("/room/a");
    rotate(house, n % 2 === 0 ? second : first);
    member.send("x");
    expect(await take(member, 1)).toEqual(["x"]);
  }
  await eventually("the garbage is gone", () => secureServers() <= before + 2);
});

/** Servers of the runtime that are still held. */
function secureServers(): number {
  Bun.gc(true);
  return heapStats().objectTypeCounts["HTTPSServer"] ?? 0;
}

describe("the port", () => {
  test("is refused to a second gateway, though it could be shared", async () => {
    await using house = await start();
    const { port } = house;
    const taken = /is in use by another program/;
    await expect(start({ files: house.files, listen: { port } })).rejects.toThrow(taken);
    await expect(startGateway(routes, { listen: { port } })).rejects.toThrow(taken);
    rotate(house);
    await expect(start({ files: house.files, listen: { port } })).rejects.toThrow(taken);
  });

  test("is looked after no longer once the gateway has stopped", async () => {
    const house = await start();
    await house.stop();
    expect(house.clock.pending).toBe(0);
  });
});
