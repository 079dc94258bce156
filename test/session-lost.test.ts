/** A position that the server cannot serve is no misuse: the answer says so and where the topic stands, and live messages come. */
import { expect, test } from "bun:test";
import { startGateway } from "./gateway.ts";
import { speak } from "./v1-client.ts";

test.each([
  ["a foreign epoch", (epoch: string) => ({ epoch: `${epoch.slice(0, 20)}x`, offset: 1 })],
  ["an offset from the future", (epoch: string) => ({ epoch, offset: 3 })],
  ["the largest offset that there can be", (epoch: string) => ({ epoch, offset: Number.MAX_SAFE_INTEGER })],
])("is answered `recovered: false` for %s: by name, by pattern and in the URL", async (_, positionIn) => {
  await using gateway = await startGateway({ "/feed/:topic": { kind: "feed", publish: true } });
  using client = await speak(gateway.ws("/feed/own"));
  for (const data of [1, 2]) await client.ask({ t: "pub", topic: "a", data });
  const { epoch } = await client.ask({ t: "history", topic: "a" });
  const since = positionIn(String(epoch));
  const lost = { epoch, offset: 2, recovered: false, count: 0 };

  const byName = await client.ask({ t: "sub", topic: "a", since });
  expect(byName).toMatchObject({ t: "ok", topic: "a", ...lost });
  using inUrl = await speak(gateway.ws(`/feed/a?since=${since.epoch}:${since.offset}`));
  expect(inUrl.welcome).toMatchObject({ sub: { topic: "a", ...lost } });
  using byPattern = await speak(gateway.ws("/feed/b"));
  const answer = await byPattern.ask({ t: "sub", topic: "*", since: { a: since } });
  expect(answer).toMatchObject({ t: "ok", positions: { a: lost } });

  await client.ask({ t: "pub", topic: "a", data: 3 });
  for (const each of [client, inUrl, byPattern])
    expect(await each.told()).toMatchObject([{ t: "msg", topic: "a", offset: 3, data: 3 }]);
});
