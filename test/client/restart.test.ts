/** A gateway that drains and another in its place: the session obeys, comes back, and is told what was lost with the memory of the first. */
import { expect, test } from "bun:test";
import { connect, type Item, type Status } from "../../src/client/index.ts";
import { startGateway } from "../gateway.ts";

const ROUTES = { "/feed/:topic": { kind: "feed", publish: true } } as const;

test("a session drains, comes back to the next gateway, and tells that the history is gone", async () => {
  const first = await startGateway(ROUTES);
  const session = connect(first.ws("/feed/a"), { minDelay: 1, maxDelay: 20 });
  const statuses: Status["type"][] = [];
  const back = Promise.withResolvers<void>();
  session.onStatus(({ type }) => {
    statuses.push(type);
    if (type === "open" && statuses.includes("draining")) back.resolve();
  });
  const items: Item[] = [];
  const subscription = session.subscribe();
  const ended = subscription.listen((item) => void items.push(item));
  await session.publish(1);
  await session.ping();

  await first.gateway.stop();
  await using second = await startGateway(ROUTES, { listen: { port: first.gateway.address.port } });
  expect(second.host).toBe(first.host);
  await back.promise;
  const { topic } = await session.publish(2);
  await session.ping();
  session.close();
  await ended;

  expect(topic).toBe("a");
  expect(statuses.slice(0, 3)).toEqual(["open", "draining", "away"]);
  expect(items).toMatchObject([
    { type: "message", data: 1, offset: 1 },
    { type: "gap", reason: "unrecovered", offset: 0 },
    { type: "message", data: 2, offset: 1 },
  ]);
});
