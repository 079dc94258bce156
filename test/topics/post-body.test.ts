/** Bodies that a sender takes its time with, or means to fill memory with. */
import { expect, test } from "bun:test";
import { publishBody } from "../../src/topics/http.ts";
import { startGateway } from "../gateway.ts";
import { dial } from "../raw-client.ts";

test("a POST is refused at the first byte past maxMessage, whether its length was said before or not", async () => {
  await using gateway = await startGateway({
    "/feed/:topic": { kind: "feed", publish: true, maxMessage: 1_000 },
  });
  const send = async (rest: string) => {
    using client = await dial(gateway.host);
    client.write(`POST /feed/a HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n${rest}`);
    return (await client.answer()).status;
  };
  const chunked = "Transfer-Encoding: chunked\r\n\r\n";
  expect(await send("Content-Length: 900000\r\n\r\nx")).toBe(413);
  expect(await send(`${chunked}3e9\r\n${"x".repeat(1_001)}\r\n`)).toBe(413);
  expect(await send(`${chunked}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`)).toBe(200);
  const page = await (await fetch(gateway.http("/feed/a"))).json();
  expect(page).toMatchObject({ messages: [{ data: "abc" }] });
});

test("a POST is refused with 401 if the token ended while the body was on its way", async () => {
  const published: unknown[] = [];
  const body = Promise.withResolvers<string>();
  let end = () => {};
  let isHeld = true;
  const from = {
    may: () => true,
    user: "ann",
    held(ended: () => void) {
      end = ended;
      return () => {
        isHeld = false;
      };
    },
  };
  const stream = new ReadableStream({
    async pull(controller) {
      controller.enqueue(Buffer.from(await body.promise));
      controller.close();
    },
  });
  const request = new Request("http://127.0.0.1/", { method: "POST", body: stream });
  const publish = (topic: string) => published.push(topic);
  const answer = publishBody(request, from, { topic: "a", maxMessage: 0, publish });
  end();
  body.resolve("x");
  expect(await answer).toMatchObject({ status: 401 });
  expect(published).toEqual([]);
  expect(isHeld).toBe(false);
});
