import { describe, expect, test } from "bun:test";
import { startGateway, type TestGateway } from "./gateway.ts";
import { bounded } from "./raw-client.ts";

const FEED = { "/feed/:topic": { kind: "feed", publish: true } } as const;

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** A reader of an event stream, with nothing but HTTP. */
async function listen(gateway: TestGateway, path: string, headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await fetch(gateway.http(path), {
    headers: { Accept: "text/event-stream", ...headers },
    signal: abort.signal,
  });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";

  async function next(): Promise<Event> {
    for (;;) {
      const end = text.indexOf("\n\n");
      if (end < 0) {
        const { value } = await bounded("an event", reader?.read() ?? Promise.reject(new Error("no body")));
        text += decoder.decode(value, { stream: true });
        continue;
      }
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      if (block.startsWith(":")) continue;
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
      return { id: field("id"), event: field("event"), data: field("data") };
    }
  }

  return { next, [Symbol.dispose]: () => abort.abort() };
}

async function publish(gateway: TestGateway, topic: string, count: number): Promise<string> {
  let epoch = "";
  for (let n = 1; n <= count; n += 1) {
    const body = JSON.stringify(n);
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(gateway.http(`/feed/${topic}`), { method: "POST", body, headers });
    epoch = JSON.parse(await answer.text()).epoch;
  }
  return epoch;
}

describe("an event stream that comes back", () => {
  test("goes on after Last-Event-ID: old ones, then live ones, no gap and no double", async () => {
    await using gateway = await startGateway(FEED);
    const epoch = await publish(gateway, "a", 3);
    using stream = await listen(gateway, "/feed/a", { "Last-Event-ID": `${epoch}:1` });
    await publish(gateway, "a", 1);
    const events = [await stream.next(), await stream.next(), await stream.next()];
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      [`${epoch}:2`, "2"],
      [`${epoch}:3`, "3"],
      [`${epoch}:4`, "1"],
    ]);
    expect(await gateway.metric('fairlead_recoveries_total{route="/feed/:topic",result="recovered"}')).toBe(
      1,
    );
  });

  test("takes Last-Event-ID rather than the since of its URL, which it had before", async () => {
    await using gateway = await startGateway(FEED);
    const epoch = await publish(gateway, "a", 3);
    using stream = await listen(gateway, `/feed/a?since=${epoch}:0`, { "Last-Event-ID": `${epoch}:2` });
    expect((await stream.next()).id).toBe(`${epoch}:3`);
  });

  test("begins with the last ones where it asks for them", async () => {
    await using gateway = await startGateway(FEED);
    await publish(gateway, "a", 5);
    using stream = await listen(gateway, "/feed/a?last=2");
    expect([(await stream.next()).data, (await stream.next()).data]).toEqual(["4", "5"]);
  });

  test.each([
    ["was evicted", "expired", (epoch: string) => `${epoch}:1`],
    ["is of a foreign epoch", "epoch", () => "else:2"],
    ["lies in the future", "expired", (epoch: string) => `${epoch}:99`],
  ])("gets a gap first when its position %s: %s, with the id where it goes on", async (_, reason, since) => {
    await using gateway = await startGateway({
      "/feed/:topic": { ...FEED["/feed/:topic"], history: { size: 2 } },
    });
    const epoch = await publish(gateway, "a", 5);
    using stream = await listen(gateway, "/feed/a", { "Last-Event-ID": since(epoch) });
    const gap = await stream.next();
    expect([gap.event, gap.id]).toEqual(["gap", `${epoch}:5`]);
    expect(JSON.parse(gap.data)).toEqual({ topic: "a", epoch, offset: 5, reason });
    await publish(gateway, "a", 1);
    expect(await stream.next()).toEqual({ id: `${epoch}:6`, event: "", data: "1" });
  });

  test.each(["x", "a:-1", "a:1:2"])("is refused with 400 when its position is %s", async (since) => {
    await using gateway = await startGateway(FEED);
    const headers = { Accept: "text/event-stream", "Last-Event-ID": since };
    const response = await fetch(gateway.http("/feed/a"), { headers });
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("EPOCH:OFFSET")]);
  });
});
