import { expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { createChannels } from "../../../src/engines/redis/channels.ts";
import { testClock } from "../../clock.ts";

/** The part of the library's client that channels need; its answers are the test's to give. */
function fakeClient() {
  const events = new EventEmitter();
  const asked: string[][] = [];
  let answer = Promise.withResolvers<void>();
  const client = Object.assign(events, {
    connect: async () => {},
    disconnect: () => void events.emit("close"),
    subscribe(...names: string[]) {
      asked.push(names);
      answer = Promise.withResolvers();
      return answer.promise;
    },
  });
  return { client: client as unknown as Redis, events, asked, answer: () => answer.resolve() };
}

test("hears a channel that somebody began to listen to while the others were subscribed", async () => {
  const { client, events, asked, answer } = fakeClient();
  const up = Promise.withResolvers<void>();
  const channels = createChannels({
    timeout: 1_000,
    clock: testClock(),
    onChange: up.resolve,
    onThrow: (_, error) => up.reject(error),
  });
  const heard: string[] = [];
  channels.listen("early", () => heard.push("early"));
  channels.start(() => client);
  events.emit("ready");
  channels.listen("late", () => heard.push("late"));
  answer();
  await new Promise<void>((done) => setImmediate(done));
  answer();
  await up.promise;
  expect(asked).toEqual([["early"], ["late"]]);
  for (const name of ["early", "late"]) events.emit("messageBuffer", Buffer.from(name), Buffer.alloc(0));
  expect(heard).toEqual(["early", "late"]);
  channels.close();
});
