import { describe, expect, test } from "bun:test";
import { connect, startGateway } from "../gateway.ts";
import { speak } from "../v1-client.ts";
import { envelope } from "./relay-house.ts";

describe("relay v1 over real sockets", () => {
  test("delivers and tells so, also over a reset connection", async () => {
    await using house = await startGateway({ "/relay": { kind: "relay", grace: "1m" } });
    const url = house.ws("/relay");
    using center = await speak(url);
    expect(center.welcome).toMatchObject({ t: "welcome", kind: "relay", user: null });
    await center.ask({ t: "join", group: "g", role: "center" });
    const local = await speak(url);
    const { session } = await local.ask({ t: "join", group: "g", role: "local" });
    expect(await center.next()).toMatchObject({ t: "peer", state: "online" });
    await center.ask({ t: "send", idem: "a", data: { n: 1 } });
    expect(await local.next()).toEqual({ t: "data", seq: 1, from: "center", data: { n: 1 } });
    local.close();
    using again = await speak(url);
    await center.ask({ t: "send", idem: "b", data: "two" });
    const resumed = await again.ask({ t: "join", group: "g", role: "local", session, upto: 0 });
    expect(resumed).toMatchObject({ t: "ok", session, queued: 2, partner: "online" });
    expect(await again.take(2)).toMatchObject([{ seq: 1 }, { seq: 2, data: "two" }]);
    again.say({ t: "ack", upto: 2 });
    expect(await center.take(2)).toEqual([
      { t: "receipt", seq: 1, idem: "a", state: "delivered" },
      { t: "receipt", seq: 2, idem: "b", state: "delivered" },
    ]);
  });

  test("meets a plain partner", async () => {
    await using house = await startGateway({ "/relay": { kind: "relay", language: "en" } });
    using center = await speak(house.ws("/relay"));
    await center.ask({ t: "join", group: "g", role: "center" });
    using local = await connect(house.ws("/relay"));
    local.send(envelope({ sender_type: "local" }));
    await local.next();
    local.send(envelope({ content: "hello" }));
    expect((await center.take(2))[1]).toEqual({ t: "data", seq: 1, from: "local", data: "hello" });
    await center.ask({ t: "send", idem: "a", data: "hi" });
    expect(await center.next()).toMatchObject({ t: "receipt", state: "delivered" });
    const contents = [await local.next(), await local.next()].map((text) => JSON.parse(String(text)).content);
    expect(contents).toEqual(["Message sent", "hi"]);
  });
});
