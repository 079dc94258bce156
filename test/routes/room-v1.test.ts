import { describe, expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { speak } from "../v1-client.ts";

const ROOM = { "/room/:name": { kind: "room" } } as const;

describe("room: a client of fairlead.v1", () => {
  test("is welcomed with its connection, the limits and where the room stands", async () => {
    await using gateway = await startGateway(ROOM, { node: "one" });
    using ann = await speak(gateway.ws("/room/a"));
    expect(ann.welcome).toEqual({
      t: "welcome",
      conn: expect.stringMatching(/^[\w-]+$/),
      kind: "room",
      user: null,
      heartbeat: 25_000,
      maxMessage: 65_536,
      node: "one",
      sub: { topic: "a", epoch: expect.stringMatching(/^[\w-]{1,32}$/), offset: 0, count: 0 },
    });
  });

  test("shares offsets with plain clients: text is a JSON string for it, JSON its text for them", async () => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    using bob = await connect(gateway.ws("/room/a"));
    bob.send("hi");
    bob.send(new Uint8Array([1, 2]));
    await bob.next();
    await bob.next();
    const answers = [
      await ann.ask({ t: "pub", data: "plain text" }),
      await ann.ask({ t: "pub", data: { a: [1] } }),
    ];
    expect(answers.map(({ offset }) => offset)).toEqual([3, 4]);
    const frames = await ann.take(4);
    expect(frames.map(({ offset, data, bytes }) => [offset, data ?? bytes])).toEqual([
      [1, "hi"],
      [2, new Uint8Array([1, 2])],
      [3, "plain text"],
      [4, { a: [1] }],
    ]);
    expect([await bob.next(), await bob.next()]).toEqual(["plain text", '{"a":[1]}']);
  });

  test("knows its own message by `conn`, and gets it with `echo: false` too", async () => {
    await using gateway = await startGateway({ "/room/:name": { kind: "room", echo: false } });
    using ann = await speak(gateway.ws("/room/a"));
    ann.say({ t: "pub", data: 1 });
    expect(await ann.next()).toMatchObject({ t: "msg", data: 1, conn: ann.welcome["conn"] });
  });

  test("publishes binary, which stays binary for all", async () => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    using bob = await connect(gateway.ws("/room/a"));
    const header = new TextEncoder().encode('{"t":"pub","id":7}');
    ann.say(new Uint8Array([0, header.length, ...header, 9, 8]));
    expect(await bob.next()).toEqual(new Uint8Array([9, 8]));
    const frames = await ann.take(2);
    expect(frames).toContainEqual(expect.objectContaining({ t: "msg", bytes: new Uint8Array([9, 8]) }));
    expect(frames).toContainEqual(expect.objectContaining({ t: "ok", id: 7, offset: 1 }));
  });

  test("is told that a room takes no binary, and nothing is published", async () => {
    await using gateway = await startGateway({ "/room/:name": { kind: "room", binary: false } });
    using ann = await speak(gateway.ws("/room/a"));
    const header = new TextEncoder().encode('{"t":"pub"}');
    ann.say(new Uint8Array([0, header.length, ...header, 9]));
    expect(await ann.next()).toMatchObject({ t: "err", code: "bad_request" });
    expect(await ann.ask({ t: "history", topic: "a" })).toMatchObject({ offset: 0 });
  });

  test.each([
    [{ t: "sub", topic: "b" }],
    [{ t: "sub", topic: "*" }],
    [{ t: "pub", topic: "b", data: 1 }],
    [{ t: "history", topic: "b" }],
    [{ t: "who", topic: "b" }],
  ])("stays in its room: %j is forbidden", async (command) => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    expect(await ann.ask(command)).toMatchObject({ t: "err", code: "forbidden" });
  });

  test("leaves the room by `unsub` and comes back by `sub` with all it missed", async () => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    using bob = await speak(gateway.ws("/room/a"));
    const { sub } = ann.welcome;
    expect(await ann.ask({ t: "unsub", topic: "a" })).toEqual({ t: "ok", id: 1 });
    for (const data of [1, 2, 3]) await bob.ask({ t: "pub", data });
    expect(await ann.told()).toEqual([]);
    const answer = await ann.ask({ t: "sub", topic: "a", since: sub });
    expect(answer).toMatchObject({ t: "ok", topic: "a", offset: 3, recovered: true, count: 3 });
    await bob.ask({ t: "pub", data: 4 });
    expect((await ann.take(4)).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
  });
});

describe("room: the URL of a client of fairlead.v1", () => {
  test("says since where to go on: old ones, then live ones, no gap and no double", async () => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    for (const data of [1, 2, 3]) await ann.ask({ t: "pub", data });
    const { epoch } = await ann.next();
    using bob = await speak(gateway.ws(`/room/a?since=${epoch}:1`));
    expect(bob.welcome["sub"]).toEqual({ topic: "a", epoch, offset: 3, recovered: true, count: 2 });
    await ann.ask({ t: "pub", data: 4 });
    expect((await bob.take(3)).map(({ offset }) => offset)).toEqual([2, 3, 4]);
  });

  test.each([
    ["a foreign epoch", () => "else:1"],
    ["an offset from the future", (epoch: unknown) => `${epoch}:9`],
  ])("with %s is not recovered, and gets none of the old ones", async (_, since) => {
    await using gateway = await startGateway(ROOM);
    using ann = await speak(gateway.ws("/room/a"));
    await ann.ask({ t: "pub", data: 1 });
    const { epoch } = await ann.next();
    using bob = await speak(gateway.ws(`/room/a?since=${since(epoch)}`));
    expect(bob.welcome["sub"]).toEqual({ topic: "a", epoch, offset: 1, recovered: false, count: 0 });
    await ann.ask({ t: "pub", data: 2 });
    expect(await bob.next()).toMatchObject({ offset: 2 });
  });

  test("with a position that was evicted is not recovered, but gets the `last` it asks for", async () => {
    await using gateway = await startGateway({ "/room/:name": { kind: "room", history: { size: 2 } } });
    using ann = await speak(gateway.ws("/room/a"));
    for (const data of [1, 2, 3, 4]) await ann.ask({ t: "pub", data });
    const { epoch } = await ann.next();
    using bob = await speak(gateway.ws(`/room/a?since=${epoch}:1&last=5`));
    expect(bob.welcome["sub"]).toEqual({ topic: "a", epoch, offset: 4, recovered: false, count: 2 });
    expect((await bob.take(2)).map(({ data }) => data)).toEqual([3, 4]);
    expect(await gateway.metric('fairlead_recoveries_total{route="/room/:name",result="lost"}')).toBe(1);
  });

  test.each(["since=x", "since=a:1:2", "since=a:-1", "last=x", "last=1001"])(
    "that says %s is refused with 400 before the upgrade",
    async (query) => {
      await using gateway = await startGateway(ROOM);
      const response = await fetch(gateway.http(`/room/a?${query}`), {
        headers: {
          Upgrade: "websocket",
          Connection: "Upgrade",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
          "Sec-WebSocket-Protocol": "fairlead.v1",
        },
      });
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("must be")]);
    },
  );
});
