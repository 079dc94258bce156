import { describe, expect, test } from "bun:test";
import { BRIDGE_PROTOCOL } from "../src/wire/bridge-frames.ts";
import { deflated, EXTENSIONS, inflated, OFFER, RSV1 } from "./deflate.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { ask, frame, OPCODE, type RawClient, upgrade } from "./raw-client.ts";
import { startService } from "./tcp-service.ts";

const LONG = JSON.stringify({ text: "so long that it is worth it. ".repeat(50) });
const ANSWER = "permessage-deflate; client_no_context_takeover; server_no_context_takeover";
const PROTOCOL = "Sec-WebSocket-Protocol";

function start(): Promise<TestGateway> {
  return startGateway({
    "/on": { kind: "echo", welcome: false, compression: true },
    "/all": {
      kind: "echo",
      welcome: false,
      compression: { threshold: 0, shared: true },
      maxMessage: "64KiB",
    },
    "/off": { kind: "echo", welcome: false },
    "/room/:name": { kind: "room", compression: { threshold: "1KiB" } },
    "/quiet": { kind: "room", echo: false, compression: { threshold: 0 } },
    "/feed": { kind: "feed", welcome: false, publish: true, compression: { threshold: 0 } },
    "/relay": { kind: "relay", compression: { threshold: 0 } },
  });
}

const join = ({ host }: TestGateway, path: string, protocol?: string) =>
  upgrade(host, { path, headers: { ...OFFER, ...(protocol !== undefined && { [PROTOCOL]: protocol }) } });
const joinPlain = ({ host }: TestGateway, path: string) => upgrade(host, { path });

/** The next message, and whether it came compressed. */
async function heard(client: RawClient): Promise<{ text: string; compressed: boolean; bytes: number }> {
  const { rsv, payload } = await client.next();
  const text = (rsv === RSV1 ? inflated(payload) : payload).toString();
  return { text, compressed: rsv === RSV1, bytes: payload.length };
}

describe("the offer of compression", () => {
  test.each([
    ["/on", ANSWER],
    ["/off", null],
  ])("is answered on %s by %p", async (path, expected) => {
    await using gateway = await start();
    const { status, headers } = await ask(gateway.host, { path, headers: OFFER });
    expect([status, headers.get(EXTENSIONS)]).toEqual([101, expected]);
  });

  test("is up to the client: without one there is nothing to answer", async () => {
    await using gateway = await start();
    expect((await ask(gateway.host, { path: "/on" })).headers.get(EXTENSIONS)).toBeNull();
  });

  test("is not open where the route has it off: a compressed message is closed with 1002", async () => {
    await using gateway = await start();
    using client = await join(gateway, "/off");
    client.write(frame(deflated(LONG), { rsv: RSV1 }));
    expect((await client.ending()).code).toBe(1002);
  });
});

describe("a route with compression", () => {
  test("sends what is as long as the threshold compressed, and shorter messages as they are", async () => {
    await using gateway = await start();
    using client = await join(gateway, "/on");
    const [below, at, chars] = ["x".repeat(1023), "x".repeat(1024), "界".repeat(400)];
    client.write(Buffer.concat([below, at, chars].map((text) => frame(text))));
    expect(await heard(client)).toMatchObject({ text: below, compressed: false });
    expect(await heard(client)).toMatchObject({ text: at, compressed: true });
    expect(await heard(client)).toMatchObject({ text: chars, compressed: true });
  });

  test("sends a client that made no offer everything as it is", async () => {
    await using gateway = await start();
    using client = await joinPlain(gateway, "/on");
    client.write(frame(LONG));
    expect(await heard(client)).toMatchObject({ text: LONG, compressed: false });
  });

  test("reads compressed messages, also in fragments, and forgets each: the same one again takes the same bytes", async () => {
    await using gateway = await start();
    using client = await join(gateway, "/on");
    const bytes = deflated(LONG);
    const again = frame(bytes, { rsv: RSV1 });
    const fragments = [
      frame(bytes.subarray(0, 9), { rsv: RSV1, fin: false }),
      frame(bytes.subarray(9), { opcode: OPCODE.continuation }),
    ];
    client.write(Buffer.concat([...fragments, again]));
    const first = await heard(client);
    expect(first).toMatchObject({ text: LONG, compressed: true });
    expect(await heard(client)).toEqual(first);
  });

  test("counts what was said, not what went over the wire", async () => {
    await using gateway = await start();
    using client = await join(gateway, "/on");
    client.write(frame(deflated(LONG), { rsv: RSV1 }));
    await heard(client);
    const bytes = (direction: string) =>
      gateway.metric(`fairlead_message_bytes_total{route="/on",direction="${direction}"}`);
    expect([await bytes("in"), await bytes("out")]).toEqual([LONG.length, LONG.length]);
  });

  test("holds a message to its own limit once it is inflated, and to the port's while it is", async () => {
    await using gateway = await start();
    for (const [size, reason] of [
      [65_537, "message of 65537 bytes, limit 65536"],
      [50 * 1024 ** 2, "Received too big message"],
    ] as const) {
      using client = await join(gateway, "/all");
      client.write(frame(deflated(Buffer.alloc(size, "a")), { rsv: RSV1 }));
      expect(await client.ending()).toEqual({ code: 1009, reason });
    }
  });
});

describe("a message to many", () => {
  test("comes compressed to who asked for it and as it is to everybody else, plain and v1", async () => {
    await using gateway = await start();
    using packed = await join(gateway, "/room/a");
    using plain = await joinPlain(gateway, "/room/a");
    using v1 = await join(gateway, "/room/a", "fairlead.v1");
    await v1.next();
    plain.write(frame(LONG));
    expect(await heard(packed)).toMatchObject({ text: LONG, compressed: true });
    expect(await heard(plain)).toMatchObject({ text: LONG, compressed: false });
    const event = await heard(v1);
    expect([JSON.parse(event.text).data, event.compressed]).toEqual([LONG, true]);
    plain.write(frame("short"));
    expect(await heard(packed)).toMatchObject({ text: "short", compressed: false });
  });

  test("comes compressed also to all but its sender, and by POST", async () => {
    await using gateway = await start();
    using sender = await join(gateway, "/quiet");
    using other = await join(gateway, "/quiet");
    using reader = await join(gateway, "/feed");
    sender.write(frame("hello"));
    expect(await heard(other)).toMatchObject({ text: "hello", compressed: true });
    await fetch(gateway.http("/feed"), {
      method: "POST",
      body: "news",
      headers: { "Content-Type": "text/plain" },
    });
    expect(await heard(reader)).toMatchObject({ text: "news", compressed: true });
  });
});

describe("a frame with a secret is never compressed:", () => {
  const say = (client: RawClient, command: object) => client.write(frame(JSON.stringify(command)));

  test("the welcome, and the session of a relay; what follows them is", async () => {
    await using gateway = await start();
    using client = await join(gateway, "/relay", "fairlead.v1");
    expect(await heard(client)).toMatchObject({ compressed: false });
    say(client, { t: "join", id: 1, group: "g", role: "center" });
    const joined = await heard(client);
    expect(JSON.parse(joined.text).session).toBeString();
    expect(joined.compressed).toBe(false);
    say(client, { t: "ping", id: 2 });
    expect(await heard(client)).toMatchObject({ compressed: true });
  });

  test("the sid of a stream; its bytes are", async () => {
    using service = await startService((peer) => peer.echo());
    await using gateway = await startGateway({
      "/bridge": { kind: "bridge", target: service.target, compression: { threshold: 0 } },
    });
    using client = await join(gateway, "/bridge", BRIDGE_PROTOCOL);
    expect((await client.next()).rsv).toBe(0);
    using bytes = await join(gateway, "/bridge");
    bytes.write(frame("there and back"));
    expect(await heard(bytes)).toMatchObject({ text: "there and back", compressed: true });
  });
});
