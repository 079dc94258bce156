/** PROTOCOL.md is enough to write a peer of a relay from: one that was knows of each message what became of it, and takes each once. */
import { expect, test } from "bun:test";
import { startGateway } from "../gateway.ts";
import { bounded } from "../raw-client.ts";
import { createRelayStranger } from "./stranger-relay.ts";

const ROUTES = { "/relay": { kind: "relay" } } as const;

test("strangers whose connections break all the time take each message once, in order, and hear so", async () => {
  await using gateway = await startGateway(ROUTES);
  using center = createRelayStranger(gateway.ws("/relay"), "lab", "center");
  using local = createRelayStranger(gateway.ws("/relay"), "lab", "local");
  await Promise.all([center.come(), local.come()]);

  const fates: Promise<string>[] = [];
  const said: [fromCenter: string[], fromLocal: string[]] = [[], []];
  for (let n = 1; n <= 200; n += 1) {
    said[0].push(`center ${n}`);
    said[1].push(`local ${n}`);
    fates.push(center.send(`center ${n}`), local.send(`local ${n}`));
    if (n % 20 === 0) center.leave();
    if (n % 30 === 0) local.leave();
    if (n % 10 === 0) await Promise.all([center.come(), local.come()]);
  }
  expect(new Set(await bounded("every receipt", Promise.all(fates)))).toEqual(new Set(["delivered"]));
  expect([local.given, center.given]).toEqual(said);
  expect([center.sessions, local.sessions]).toEqual([1, 1]);
});

test("a stranger hears that a message came too late for its partner, and that one does not get it", async () => {
  await using gateway = await startGateway(ROUTES);
  using center = createRelayStranger(gateway.ws("/relay"), "lab", "center");
  using local = createRelayStranger(gateway.ws("/relay"), "lab", "local");
  await center.come();
  const kept = center.send("kept");
  expect(await bounded("the receipt", center.send("in time or never", 1))).toBe("expired");
  await local.come();
  expect(await bounded("the other receipt", kept)).toBe("delivered");
  expect(local.given).toEqual(["kept"]);
});

test("a stranger whose gateway was restarted cannot know what became of a message, and goes on anew", async () => {
  await using first = await startGateway(ROUTES);
  using center = createRelayStranger(first.ws("/relay"), "lab", "center");
  using local = createRelayStranger(first.ws("/relay"), "lab", "local");
  await Promise.all([center.come(), local.come()]);
  local.holdAcks();
  const lost = center.send("handed over");
  await bounded(
    "the message",
    local.when(() => local.given.length === 1),
  );
  const { port } = first.gateway.address;
  center.leave();
  await first.gateway.stop();

  await using _second = await startGateway(ROUTES, { listen: { port } });
  await bounded("the role", center.come());
  expect(await bounded("the end of it", lost)).toBe("unknown");
  expect(center.sessions).toBe(2);
});
