/** Clients that take their time before they are clients: the runtime's deadline for a head is 10 s. */
import { expect, test } from "bun:test";
import { expectNextIsServed } from "../calm.ts";
import { startGateway } from "../gateway.ts";
import { dial, head } from "../raw-client.ts";

test("a head that is silent, half sent or dripping is closed after 10 to 15 s, and others are served meanwhile", async () => {
  await using gateway = await startGateway({ "/echo": { kind: "echo", welcome: false } });
  const clients = await Promise.all(Array.from({ length: 100 }, () => dial(gateway.host)));
  const start = performance.now();
  const text = head();
  let sent = 0;
  const drip = setInterval(() => {
    for (const client of clients.slice(0, 50)) client.write(text[sent] ?? "");
    sent += 1;
  }, 500);
  for (const client of clients.slice(50, 75)) client.write(text.slice(0, 40));
  await expectNextIsServed(gateway);
  await Bun.sleep(9_800);
  await expectNextIsServed(gateway);
  await Promise.all(clients.map((client) => client.ended()));
  clearInterval(drip);
  expect(performance.now() - start).toBeGreaterThan(9_900);
  expect(performance.now() - start).toBeLessThan(15_000);
  for (const client of clients) expect(client.waiting).toBe(0);
  await expectNextIsServed(gateway);
});
