import { describe, expect, test } from "bun:test";
import { newTally, openSocket, parseFrame } from "../../soak/socket.ts";
import { eventually } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";

describe("a socket of the soak", () => {
  const open = async (path: string, extra = {}) => {
    const gateway = await startGateway({
      "/echo": { kind: "echo", welcome: "hello" },
      "/room": { kind: "room" },
    });
    const tally = newTally();
    const port = gateway.gateway.address.port;
    return { gateway, tally, port, socket: await openSocket({ port, path, tally, ...extra }) };
  };

  test("counts what it says and hears to the byte, until the other side has said goodbye", async () => {
    const { gateway, tally, socket } = await open("/echo");
    const said = ["a", "ü".repeat(100), "x".repeat(70_000)];
    for (const text of said) socket.send(text);
    // Closed at once: what comes back comes after it.
    expect(await bounded("the close", socket.close())).toBe(1000);
    const bytes = said.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    expect(tally).toEqual({ sent: 3, sentBytes: bytes, received: 4, receivedBytes: bytes + 5 });
    await gateway.gateway.stop();
  });

  test("hands over what it hears, and which of it is text", async () => {
    const heard: unknown[] = [];
    const onMessage = (payload: Buffer, isText: boolean) => heard.push([isText, payload.toString()]);
    const { gateway, socket } = await open("/echo", { onMessage });
    socket.send(Buffer.from("bytes"));
    await bounded("the close", socket.close());
    expect(heard).toEqual([
      [true, "hello"],
      [false, "bytes"],
    ]);
    await gateway.gateway.stop();
  });

  test("answers a ping with what it carried", async () => {
    const pong = Promise.withResolvers<Buffer>();
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket, bytes) {
          const text = bytes.toString("latin1");
          if (text.startsWith("GET "))
            socket.write(Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n\x89\x02hi", "latin1"));
          else pong.resolve(bytes);
        },
      },
    });
    const socket = await openSocket({ port: server.port, path: "/", tally: newTally() });
    const [first, second, ...rest] = await bounded("the pong", pong.promise);
    const unmasked = rest.slice(4).map((byte, n) => byte ^ (rest[n] ?? 0));
    expect([first, second, String.fromCharCode(...unmasked)]).toEqual([0x8a, 0x82, "hi"]);
    socket.reset();
    server.stop(true);
  });

  test("tells the code that the gateway closes with, and answers it", async () => {
    const { gateway, socket } = await open("/echo");
    await gateway.gateway.stop();
    expect(await bounded("its end", socket.ended)).toBe(1012);
  });

  test("cuts the connection with a reset", async () => {
    const { gateway, socket } = await open("/room");
    socket.reset();
    expect(await bounded("its end", socket.ended)).toBe(1006);
    const closed = 'fairlead_connections_closed_total{route="/room",code="1006"}';
    await eventually("the gateway's notice", async () => (await gateway.metric(closed)) === 1);
    await gateway.gateway.stop();
  });

  test("rejects what is not upgraded", async () => {
    const gateway = await startGateway({ "/echo": { kind: "echo" } });
    const port = gateway.gateway.address.port;
    const opening = openSocket({ port, path: "/nowhere", tally: newTally() });
    await expect(opening).rejects.toThrow("/nowhere: HTTP/1.1 404");
    await gateway.gateway.stop();
  });
});

test("a frame is read once it is whole", () => {
  const frame = Buffer.from([0x82, 126, 0, 200, ...Array.from({ length: 200 }, () => 7)]);
  for (const size of [0, 1, 3, 203]) expect(parseFrame(frame.subarray(0, size))).toBeUndefined();
  expect(parseFrame(Buffer.concat([frame, frame]))).toMatchObject({ opcode: 2, size: 204 });
});
