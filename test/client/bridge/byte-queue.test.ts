import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteQueue } from "../../../src/client/bridge/byte-queue.ts";

const numbered = (size: number, from = 0) => Uint8Array.from({ length: size }, (_, n) => from + n);
const all = (queue: ByteQueue) => queue.parts().flatMap((part) => [...part]);

const steps = fc.oneof(
  fc.record({ add: fc.oneof(fc.nat(9), fc.nat(70_000)) }),
  fc.record({ drop: fc.oneof(fc.nat(9), fc.nat(70_000)) }),
  fc.record({ read: fc.oneof(fc.nat(9), fc.nat(70_000)) }),
  fc.constant({ take: true } as const),
);

test("it gives what it was given, in order, whatever is added and taken", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (plan) => {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      let added = 0;
      for (const step of plan) {
        if ("add" in step) {
          const bytes = numbered(step.add, added);
          added += step.add;
          queue.add(bytes);
          model = Buffer.concat([model, bytes]);
          bytes.fill(0);
        } else if ("drop" in step) {
          queue.drop(step.drop);
          model = model.subarray(step.drop);
        } else if ("read" in step) {
          const into = new Uint8Array(step.read);
          const count = queue.read(into);
          expect(count).toBe(Math.min(step.read, model.length));
          expect(Buffer.compare(into.subarray(0, count), model.subarray(0, count))).toBe(0);
          model = model.subarray(count);
        } else {
          const bytes = queue.take() ?? new Uint8Array();
          expect(bytes.length).toBeLessThanOrEqual(65_536);
          expect(bytes.length > 0).toBe(model.length > 0);
          expect(Buffer.compare(bytes, model.subarray(0, bytes.length))).toBe(0);
          model = model.subarray(bytes.length);
        }
        expect(queue.size).toBe(model.length);
      }
      expect(Buffer.compare(Buffer.concat(queue.parts()), model)).toBe(0);
    }),
    { numRuns: 150 },
  );
});

test("a megabyte that comes byte by byte lies in few blocks", () => {
  const queue = new ByteQueue();
  for (let n = 0; n < 1024 * 1024; n++) queue.add(numbered(1, n));
  expect(queue.parts().length).toBeLessThanOrEqual(256);
});

test("memory that was taken out is nobody else's: it may be given away", () => {
  const queue = new ByteQueue();
  queue.add(numbered(10));
  queue.take()?.buffer.transfer();
  queue.add(numbered(3));
  queue.add(numbered(70_000));
  queue.take()?.buffer.transfer();
  expect(queue.size).toBe(70_003 - 4_096);
  expect(all(queue).length).toBe(queue.size);
});

test("a queue that was cleared begins anew", () => {
  const queue = new ByteQueue();
  queue.add(numbered(5));
  queue.clear();
  expect([queue.size, queue.take()]).toEqual([0, undefined]);
  queue.add(numbered(2));
  expect(all(queue)).toEqual([0, 1]);
});
