import { describe, expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";

const WELCOME = "Welcome to the Echo Server!";

describe("echo", () => {
  test("says the seed's welcome when a connection opens", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo" } });
    using client = await connect(gateway.ws("/echo"));
    expect(await client.next()).toBe(WELCOME);
  });

  test("says what the option welcome says", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: "hello" } });
    using client = await connect(gateway.ws("/echo"));
    expect(await client.next()).toBe("hello");
  });

  test("sends text and binary back unchanged, each as its type, empty ones too, in order", async () => {
    await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } });
    using client = await connect(gateway.ws("/echo"));
    const messages = [
      "hi",
      "",
      "snow \u2603 and 😀",
      new Uint8Array([0, 255, 128]),
      new Uint8Array(0),
      "x".repeat(100_000),
    ];
    for (const message of messages) client.send(message);
    for (const message of messages) expect(await client.next()).toEqual(message);
  });

  test("closes with 1009 when a message is over maxMessage, and serves the next client", async () => {
    await using gateway = await startGateway({
      "/small": { kind: "echo", welcome: false, maxMessage: 10 },
      "/large": { kind: "echo", welcome: false },
    });
    using client = await connect(gateway.ws("/small"));
    client.send("1234567890");
    expect(await client.next()).toBe("1234567890");
    client.send("\u2603\u2603\u2603\u2603");
    expect(await client.closed).toEqual({ code: 1009, reason: "message of 12 bytes, limit 10" });
    using next = await connect(gateway.ws("/small"));
    next.send("ok");
    expect(await next.next()).toBe("ok");
  });
});
