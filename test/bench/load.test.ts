/** The closed loop against a client that answers by hand. */
import { expect, test } from "bun:test";
import type { Client } from "../../bench/client.ts";
import { closedLoop } from "../../bench/load.ts";

/** `answer` makes so many frames arrive. */
function stub() {
  const written: number[] = [];
  const client = {
    counter: { frames: 0, bytes: 0 },
    onRead() {},
    onDrain() {},
    onLost() {},
    write(bytes: Uint8Array) {
      written.push(bytes.length);
      return true;
    },
    stall() {},
    end() {},
  };
  const answer = (frames: number) => {
    client.counter.frames += frames;
    client.onRead();
  };
  return { client: client as Client, written, answer };
}

test("the next burst goes out when everything that the last one caused has come", async () => {
  const [sender, receiver] = [stub(), stub()];
  const receivers = [sender.client, receiver.client];
  const load = closedLoop(
    [{ sender: sender.client, burst: () => new Uint8Array(8), receivers, frames: 4 }],
    2,
  );
  const times: number[] = [];
  const done = load.run(4, times);
  expect(sender.written).toEqual([8]);
  sender.answer(2);
  receiver.answer(1);
  expect(sender.written).toEqual([8]);
  receiver.answer(1);
  expect(sender.written).toEqual([8, 8]);
  sender.answer(4);
  expect(await done).toBe(4);
  expect(times).toHaveLength(2);
});

test("greetings that came before do not count", async () => {
  const { client, written, answer } = stub();
  answer(3);
  const load = closedLoop(
    [{ sender: client, burst: () => new Uint8Array(1), receivers: [client], frames: 1 }],
    1,
  );
  const done = load.run(2, []);
  expect(written).toHaveLength(1);
  answer(1);
  answer(1);
  expect(await done).toBe(2);
});

test("a round fails if the server ends a connection", () => {
  const { client } = stub();
  const load = closedLoop(
    [{ sender: client, burst: () => new Uint8Array(1), receivers: [client], frames: 1 }],
    1,
  );
  const done = load.run(1, []);
  client.onLost();
  return expect(done).rejects.toThrow("ended a connection");
});

test("a frame that nobody asked for is not taken for an answer", async () => {
  const { client, written, answer } = stub();
  const load = closedLoop(
    [{ sender: client, burst: () => new Uint8Array(1), receivers: [client], frames: 1 }],
    1,
  );
  const first = load.run(1, []);
  answer(1);
  expect(await first).toBe(1);
  answer(1);
  const second = load.run(1, []);
  expect(written).toHaveLength(2);
  answer(1);
  expect(await second).toBe(1);
});
