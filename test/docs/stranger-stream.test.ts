/** PROTOCOL.md is enough to write a client of byte streams from: one that was loses no byte, doubles none, and knows when its stream is lost. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { startService } from "../tcp-service.ts";
import { createStreamStranger } from "./stranger-stream.ts";

const MIB = 1024 * 1024;

test("a stranger whose connections break all the time gets back each byte once, and ends in order", async () => {
  using service = await startService((peer) => peer.echo());
  await using gateway = await startGateway({ "/tcp": { kind: "bridge", target: service.target } });
  const stranger = createStreamStranger(gateway.ws("/tcp"));
  const block = randomBytes(3 * MIB);
  stranger.say(block.subarray(0, MIB));
  for (let cuts = 1; cuts <= 20; cuts += 1) {
    // Once in a while before a connection has said anything.
    const due = cuts % 5 === 0 ? 0 : (cuts * MIB) / 10;
    await bounded(
      `${due} bytes`,
      stranger.when(() => stranger.count >= due),
    );
    stranger.cut();
    if (cuts === 5) stranger.say(block.subarray(MIB));
    if (cuts === 10) stranger.finish();
  }
  expect(await bounded("the end", stranger.ended)).toBe(1000);
  expect(stranger.count).toBe(block.length + 1);
  expect(block.equals(stranger.taken)).toBe(true);
  expect(stranger.granted).toBeGreaterThan(15);
  expect(service.accepted).toBe(1);
});

test("a stranger hears the last words of a target that breaks the connection, then 1014", async () => {
  using service = await startService();
  await using gateway = await startGateway({ "/tcp": { kind: "bridge", target: service.target } });
  const stranger = createStreamStranger(gateway.ws("/tcp"));
  const peer = await service.next();
  await peer.write("last words");
  await bounded(
    "the words",
    stranger.when(() => stranger.count === 10),
  );
  peer.reset();
  expect(await bounded("the end", stranger.ended)).toBe(1014);
  expect(new TextDecoder().decode(stranger.taken)).toBe("last words");
});

test("a stranger that comes back to a gateway that was restarted is told that its stream is lost", async () => {
  using service = await startService((peer) => peer.echo());
  const routes = { "/tcp": { kind: "bridge", target: service.target } } as const;
  await using first = await startGateway(routes);
  const stranger = createStreamStranger(first.ws("/tcp"));
  stranger.say(Buffer.from("hello"));
  await bounded(
    "hello",
    stranger.when(() => stranger.count === 5),
  );
  const { port } = first.gateway.address;
  await first.gateway.stop();
  await using _second = await startGateway(routes, { listen: { port } });
  expect(await bounded("the end", stranger.ended)).toBe(4510);
});
