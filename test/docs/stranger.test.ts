/** PROTOCOL.md is enough to write a client from: one that was loses nothing, doubles nothing, and knows when it lost something. */
import { expect, test } from "bun:test";
import { startGateway } from "../gateway.ts";
import { createStranger, type Stranger } from "./stranger.ts";

const given = (stranger: Stranger, count: number) => stranger.when(() => stranger.given.length >= count);

test("strangers whose connections break all the time get what was published once, in one order", async () => {
  await using gateway = await startGateway({ "/room": { kind: "room", history: { size: 1000 } } });
  using ann = createStranger(gateway.ws("/room"));
  using bob = createStranger(gateway.ws("/room"));
  await Promise.all([ann.come(), bob.come()]);

  const results: Promise<readonly [data: string, result: string]>[] = [];
  const publish = async (who: Stranger, data: string) => [data, await who.publish(data)] as const;
  for (let n = 1; n <= 200; n += 1) {
    results.push(publish(ann, `ann ${n}`), publish(bob, `bob ${n}`));
    if (n % 20 === 0) ann.leave();
    if (n % 30 === 0) bob.leave();
    if (n % 10 === 0) await Promise.all([ann.come(), bob.come()]);
  }
  const settled = await Promise.all(results);
  // A server that has run for less than a second cannot say of what was sent again that it did not happen before its time.
  const published = settled.filter(([, result]) => result === "published").map(([data]) => data);
  await Promise.all([given(ann, published.length), given(bob, published.length)]);

  expect(published.length).toBeGreaterThan(200);
  expect(ann.given).toEqual(bob.given);
  expect([...ann.given].sort()).toEqual(published.sort());
  expect([ann.position?.offset, ann.losses, bob.losses]).toEqual([published.length, 0, 0]);
});

test("a stranger who was away for longer than the history lasts is told so, once, and goes on", async () => {
  await using gateway = await startGateway({ "/room": { kind: "room", history: { size: 3 } } });
  using ann = createStranger(gateway.ws("/room"));
  using bob = createStranger(gateway.ws("/room"));
  await Promise.all([ann.come(), bob.come()]);
  await bob.publish(1);
  await given(ann, 1);
  ann.leave();
  for (let n = 2; n <= 9; n += 1) await bob.publish(n);
  await ann.come();
  await bob.publish(10);
  await Promise.all([given(ann, 2), given(bob, 10)]);
  expect(ann.given).toEqual([1, 10]);
  expect([ann.losses, ann.position]).toEqual([1, bob.position]);
});

test("a stranger whose server began anew is told so, and knows nothing of what it was publishing", async () => {
  const routes = { "/room": { kind: "room" } } as const;
  await using first = await startGateway(routes);
  using ann = createStranger(first.ws("/room"));
  await ann.come();
  await ann.publish(1);
  await given(ann, 1);
  const { port } = first.gateway.address;
  const lost = ann.publish(2);
  ann.leave();
  await first.gateway.stop();

  await using _second = await startGateway(routes, { listen: { port } });
  await ann.come();
  expect(await lost).toBe("unknown");
  expect(await ann.publish(3)).toBe("published");
  await given(ann, 2);
  expect([ann.given, ann.losses]).toEqual([[1, 3], 1]);
});
