/** Streams on a real bridge: the handshake, the paths of the SSH form, ends that real sockets bring about, what is logged and counted. */
import { describe, expect, test } from "bun:test";
import * as frames from "../../src/wire/bridge-frames.ts";
import { eventually } from "../calm.ts";
import { memoryLog } from "../gateway.ts";
import { ask, closePayload, frame, OPCODE, type RawClient, upgrade } from "../raw-client.ts";
import { type BridgeHouse, binary, bridgeHouse, nextData } from "./bridge-house.ts";

const BRIDGE = frames.BRIDGE_PROTOCOL;

function enter(house: BridgeHouse, query = "", protocol: string = BRIDGE, path = "/bridge") {
  const headers = { "Sec-WebSocket-Protocol": protocol };
  return upgrade(house.gateway.host, { path: `${path}${query}`, headers });
}

/** The next frame of a stream that is no ACK; a close as its code. */
async function next(client: RawClient): Promise<frames.BridgeFrame | number> {
  for (;;) {
    const { opcode, payload } = await nextData(client);
    if (opcode === OPCODE.close) return payload.readUInt16BE(0);
    const read = frames.readFrame(payload, frames.MAX_DATA);
    if (read === undefined || read.type === "bad") throw new Error(`no frame: ${payload.toHex()}`);
    if (read.type !== "ack") return read;
  }
}

async function nextAck(client: RawClient): Promise<number> {
  for (;;) {
    const { payload } = await nextData(client);
    const read = frames.readFrame(payload, frames.MAX_DATA);
    if (read?.type === "ack") return read.count;
  }
}

/** The next bytes as text; empty: the half-close. */
async function nextText(client: RawClient): Promise<string> {
  const read = await next(client);
  if (typeof read === "number" || read.type !== "data") throw new Error(`no DATA: ${JSON.stringify(read)}`);
  return Buffer.from(read.bytes).toString();
}

async function open(house: BridgeHouse, protocol: string = BRIDGE, path?: string) {
  const client = await enter(house, "", protocol, path);
  const peer = await house.service.next();
  const first = await next(client);
  if (typeof first === "number" || first.type !== "connected") throw new Error("no CONNECT_SUCCESS");
  return { client, peer, sid: first.sid };
}

const data = (text: string) => binary(frames.dataFrame(Buffer.from(text)));
const close = (code: number) => frame(closePayload(code), { opcode: OPCODE.close });

describe("a stream", () => {
  test("carries bytes both ways, goes on after a reset, and leaves nothing", async () => {
    await using house = await bridgeHouse({}, { serve: (peer) => peer.echo() });
    const { client, peer, sid } = await open(house);
    client.write(data("hello"));
    expect(await nextText(client)).toBe("hello");
    client.reset();
    await eventually("the stream is parked", async () => (await parked(house)) === 1);
    const again = await enter(house, `?sid=${sid}&ack=2`);
    expect([await next(again), await nextText(again)]).toEqual([{ type: "reconnected", count: 5 }, "llo"]);
    again.write(data(" again"));
    expect(await nextText(again)).toBe(" again");
    again.write(close(1000));
    expect([await peer.ended(), peer.text()]).toEqual(["end", "hello again"]);
    await house.expectCalm();
    expect([house.service.accepted, await streams(house), await parked(house)]).toEqual([1, 0, 0]);
  });

  test("half-closes in both directions, and is over when its client has said so", async () => {
    await using house = await bridgeHouse();
    const { client, peer, sid } = await open(house);
    client.write(data("question"));
    client.write(data(""));
    expect([await peer.ended(), peer.text(), await nextAck(client)]).toEqual(["end", "question", 9]);
    expect(await nextText(client)).toBe("");
    client.write(close(1000));
    await house.expectCalm();
    expect(await next(await enter(house, `?sid=${sid}&ack=1`))).toBe(4510);
  });

  test("hears what a target says that half-closed, and after the client's own half-close", async () => {
    await using house = await bridgeHouse({}, { serve: (peer) => peer.stay() });
    const { client, peer } = await open(house);
    client.write(data(""));
    await peer.ended();
    await peer.write("late answer");
    peer.end();
    expect([await nextText(client), await nextText(client)]).toEqual(["late answer", ""]);
  });

  test("half-closes a program too, which says the rest and ends", async () => {
    await using house = await bridgeHouse({ target: { exec: ["sort"] } });
    const client = await enter(house);
    client.write(Buffer.concat([data("b\n"), data("a\n"), data("")]));
    expect(await next(client)).toMatchObject({ type: "connected" });
    expect([await nextText(client), await nextText(client)]).toEqual(["a\nb\n", ""]);
    client.write(close(1000));
    await house.expectCalm();
  });

  test("is told of a target's reset behind what it had said, also when it comes back later", async () => {
    await using house = await bridgeHouse();
    const { client, peer, sid } = await open(house);
    await peer.write("last words");
    expect(await nextText(client)).toBe("last words");
    client.reset();
    await eventually("the stream is parked", async () => (await parked(house)) === 1);
    peer.reset();
    for (const ack of [0, 4]) {
      const again = await enter(house, `?sid=${sid}&ack=${ack}`);
      expect(await next(again)).toEqual({ type: "reconnected", count: 0 });
      expect([await nextText(again), await next(again)]).toEqual(["last words".slice(ack), 1014]);
    }
  });

  test("ends with its window: the target gets FIN, the descriptor is given back, the client is told 4510", async () => {
    await using house = await bridgeHouse({ resume: { window: 50 } });
    const { client, peer, sid } = await open(house);
    client.reset();
    expect(await peer.ended()).toBe("end");
    await house.expectCalm();
    expect(await next(await enter(house, `?sid=${sid}&ack=0`))).toBe(4510);
  });

  test("serves no other route", async () => {
    await using house = await bridgeHouse();
    await using other = await bridgeHouse();
    const { sid } = await open(house);
    expect(await next(await enter(other, `?sid=${sid}&ack=0`))).toBe(4510);
  });

  test("ends with the gateway: its client gets 1012, a target whose client is away gets FIN too", async () => {
    await using house = await bridgeHouse();
    const [here, away] = [await open(house), await open(house)];
    away.client.reset();
    await eventually("the stream is parked", async () => (await parked(house)) === 1);
    const stopped = house.gateway.gateway.stop();
    expect(await next(here.client)).toBe(1012);
    expect([await here.peer.ended(), await away.peer.ended()]).toEqual(["end", "end"]);
    await stopped;
  });
});

const streams = (house: BridgeHouse) => house.gateway.metric('fairlead_bridge_streams{route="/bridge"}');
const parked = (house: BridgeHouse) =>
  house.gateway.metric('fairlead_bridge_streams_parked{route="/bridge"}');

describe("a handshake", () => {
  test("chooses what the client names first, and a plain client's query means nothing", async () => {
    await using house = await bridgeHouse();
    for (const protocols of [`binary, ${BRIDGE}`, "binary"]) {
      const client = await enter(house, "?sid=x&ack=y", protocols);
      const peer = await house.service.next();
      await peer.write("plain");
      expect((await nextData(client)).payload.toString()).toBe("plain");
    }
  });

  test("dials nothing if it names a sid, and is refused with 4500 or 4510 behind the 101", async () => {
    await using house = await bridgeHouse();
    const refused = async (query: string) => await next(await enter(house, query));
    expect([await refused("?sid=x&ack=0"), await refused(`?sid=${"A".repeat(22)}`)]).toEqual([4500, 4500]);
    expect([await refused("?ack=0"), await refused(`?sid=${"A".repeat(22)}&ack=0`)]).toEqual([4500, 4510]);
    expect(house.service.accepted).toBe(0);
    expect(await house.gateway.metric('fairlead_recoveries_total{route="/bridge",result="lost"}')).toBe(1);
  });

  test("finds no stream where they are turned off", async () => {
    await using house = await bridgeHouse({ resume: { enabled: false } });
    const client = await enter(house);
    const peer = await house.service.next();
    await peer.write("plain");
    expect((await nextData(client)).payload.toString()).toBe("plain");
  });

  test("is offered no form whose frames are longer than maxMessage", async () => {
    const forms = async (maxMessage: number) => {
      await using house = await bridgeHouse({ maxMessage, resume: { ssh: true } });
      const chosen = ["fairlead.bridge.v1", "ssh"].map(async (name) => {
        const { headers } = await ask(house.gateway.host, {
          path: "/bridge",
          headers: { "Sec-WebSocket-Protocol": name },
        });
        return headers.get("sec-websocket-protocol");
      });
      return await Promise.all(chosen);
    };
    expect(await forms(0)).toEqual([BRIDGE, "ssh"]);
    expect(await forms(65_542)).toEqual([BRIDGE, "ssh"]);
    expect(await forms(65_541)).toEqual([null, "ssh"]);
    expect(await forms(16_389)).toEqual([null, null]);
  });

  test("is logged with the id of the stream's first connection, never with a sid", async () => {
    const log = memoryLog(true);
    await using house = await bridgeHouse({}, { parts: { log } });
    const { client, sid } = await open(house);
    client.reset();
    await eventually("the stream is parked", async () => (await parked(house)) === 1);
    const again = await enter(house, `?sid=${sid}&ack=0`);
    expect(await next(again)).toEqual({ type: "reconnected", count: 0 });
    expect(await next(await enter(house, `?sid=${sid}&ack=1`))).toBe(4510);
    expect(JSON.stringify(log.lines)).not.toContain(sid);
    const opened = log.lines.filter(({ text }) => text === "connected");
    expect(opened.map(({ stream }) => stream)).toEqual([client.id, client.id, client.id]);
    expect(log.lines.length).toBeGreaterThan(4);
  });
});

describe("the SSH form", () => {
  const ssh = { resume: { ssh: true } };

  test("opens at v4/connect and goes on at v4/reconnect, below the route or at it", async () => {
    await using house = await bridgeHouse(ssh, { serve: (peer) => peer.echo() });
    for (const [connect, reconnect] of [
      ["/v4/connect", "/v4/reconnect"],
      ["", ""],
    ] as const) {
      const { client, sid } = await open(house, "ssh", `/bridge${connect}`);
      client.write(data("hello"));
      expect(await nextText(client)).toBe("hello");
      const again = await enter(house, `?sid=${sid}&ack=1`, "ssh", `/bridge${reconnect}`);
      expect([await next(again), await nextText(again)]).toEqual([{ type: "reconnected", count: 5 }, "ello"]);
      expect(await next(client)).toBe(4590);
    }
  });

  test("refuses a reconnect without a sid with 4500", async () => {
    await using house = await bridgeHouse(ssh);
    expect(await next(await enter(house, "", "ssh", "/bridge/v4/reconnect"))).toBe(4500);
  });

  test.each(["/bridge/v4/connect", "/bridge/v4/reconnect?sid=MDEyMzQ1Njc4OWFiY2RlZg&ack=0"])(
    "refuses a client at %s that does not offer it, before anything is dialled",
    async (path) => {
      await using house = await bridgeHouse(ssh);
      await expect(enter(house, "", "binary", path)).rejects.toThrow("got 400: bad_request");
      expect(house.service.accepted).toBe(0);
    },
  );

  test("joins a client to no other address than the one it names", async () => {
    await using house = await bridgeHouse(ssh);
    const [host, port] = house.service.target.split(":");
    const ask = (query: string) => enter(house, query, "ssh", "/bridge/v4/connect");
    await expect(ask(`?host=${host}&port=1`)).rejects.toThrow("got 403: target_forbidden");
    expect(house.service.accepted).toBe(0);
    expect(await next(await ask(`?host=${host}&port=${port}`))).toMatchObject({ type: "connected" });
  });

  test("leads where allow lets a client ask for", async () => {
    await using service = await bridgeHouse();
    await using house = await bridgeHouse({ ...ssh, target: undefined, allow: ["127.0.0.0/8:*"] });
    const [host, port] = service.service.target.split(":");
    const client = await enter(house, `?host=${host}&port=${port}`, "ssh", "/bridge/v4/connect");
    expect(await next(client)).toMatchObject({ type: "connected" });
    expect(service.service.accepted).toBe(1);
  });

  test("closes with 1000 when the target has ended, and the target sees the end too", async () => {
    await using house = await bridgeHouse(ssh, { serve: (peer) => peer.stay() });
    const { client, peer } = await open(house, "ssh");
    await peer.write("bye");
    peer.end();
    expect([await nextText(client), await next(client), await peer.ended()]).toEqual(["bye", 1000, "end"]);
  });

  test("has no path and no subprotocol where it is not turned on", async () => {
    await using house = await bridgeHouse();
    await expect(enter(house, "", "ssh", "/bridge/v4/connect")).rejects.toThrow("got 404");
    const client = await enter(house, "", "ssh");
    const peer = await house.service.next();
    await peer.write("plain");
    expect((await nextData(client)).payload.toString()).toBe("plain");
  });
});
