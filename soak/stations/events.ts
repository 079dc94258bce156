/** Readers of event streams. Their publishers are those of the feed; here each checks that no offset is missing in what it reads. */
import type { Station, Visit } from "../station.ts";

const ROUTE = "/events/:topic";
const ID = /^id: [^:\n]+:(\d+)$/gm;

export function eventStation(port: number): Station {
  let received = 0;
  let published = 0;
  let joined = 0;

  async function join(fault: (text: string) => void): Promise<Visit> {
    const url = `http://127.0.0.1:${port}/events/e${joined++ % 4}`;
    const controller = new AbortController();
    const { body, status } = await fetch(url, {
      headers: { Accept: "text/event-stream" },
      signal: controller.signal,
    });
    if (status !== 200 || body === null) throw new Error(`${url}: ${status}`);
    let isLeaving = false;
    const reading = read(body, (offset, expected) => {
      received += 1;
      if (expected !== undefined && offset !== expected)
        fault(`events: ${offset} came instead of ${expected}`);
    }).catch((error) => {
      if (!isLeaving) fault(`events: a stream ended: ${error}`);
    });
    return {
      say() {
        published += 1;
        fetch(url, {
          method: "POST",
          body: `{"n":${published}}`,
          headers: { "Content-Type": "application/json" },
        }).then(
          (answer) => answer.body?.cancel(),
          (error) => fault(`events: a POST failed: ${error}`),
        );
      },
      async leave() {
        isLeaving = true;
        controller.abort();
        await reading;
      },
    };
  }

  return {
    name: "events",
    clients: 1,
    visits: 80,
    period: 20_000,
    join,
    accounts(metrics) {
      const sent = metrics.sum("messages_sent_total", { route: ROUTE });
      return [{ what: "events: messages out", clients: received, gateway: sent, rule: "at most" }];
    },
  };
}

/** `came`: the offset of an event, and the one that should have come. */
async function read(
  body: ReadableStream<Uint8Array>,
  came: (offset: number, expected: number | undefined) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  let expected: number | undefined;
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n\n");
    if (end === -1) continue;
    for (const [, digits] of text.slice(0, end).matchAll(ID)) {
      came(Number(digits), expected);
      expected = Number(digits) + 1;
    }
    text = text.slice(end + 2);
  }
}
