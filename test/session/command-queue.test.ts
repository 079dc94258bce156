import { describe, expect, test } from "bun:test";
import { CommandQueue } from "../../src/session/command-queue.ts";

const received = (topic: string, size = 10) => ({ command: { t: "unsub", topic } as const, size });

function filled(count: number, size = 10): CommandQueue {
  const queue = new CommandQueue();
  for (let n = 0; n < count; n += 1) queue.push(received(`${n}`, size));
  return queue;
}

const taken = (queue: CommandQueue) => {
  const topics: unknown[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next())
    topics.push("topic" in next.command && next.command.topic);
  return topics;
};

describe("commands that wait", () => {
  test("have their turn in order, one that is put back first of all", () => {
    const queue = filled(3);
    const first = queue.next();
    if (first !== undefined) queue.putBack(first);
    queue.push(received("3"));
    expect(queue.length).toBe(4);
    expect(taken(queue)).toEqual(["0", "1", "2", "3"]);
    expect([queue.length, queue.next()]).toEqual([0, undefined]);
  });

  test("are too many at 16, and leave room again below 8", () => {
    expect([filled(15).isFull, filled(16).isFull]).toEqual([false, true]);
    expect([filled(7).hasRoom, filled(8).hasRoom]).toEqual([true, false]);
  });

  test("are too much at 256 KiB, and leave room again below half of that", () => {
    expect([filled(1, 262_143).isFull, filled(2, 131_072).isFull]).toEqual([false, true]);
    expect([filled(1, 131_071).hasRoom, filled(1, 131_072).hasRoom]).toEqual([true, false]);
    const queue = filled(2, 131_072);
    queue.next();
    queue.next();
    expect([queue.isFull, queue.hasRoom]).toEqual([false, true]);
  });

  test("are let go when they have had their turn, also if some always wait", () => {
    const queue = filled(10, 0);
    for (let n = 0; n < 10_000; n += 1) {
      queue.push(received(`${n}`, 0));
      queue.next();
    }
    expect(queue.length).toBe(10);
    expect(JSON.stringify(queue).length).toBeLessThan(5_000);
  });

  test("hold no bytes when they have had their turn, however few they were", () => {
    const queue = new CommandQueue();
    for (let n = 0; n < 15; n += 1) {
      queue.push(received("x".repeat(1_000), 1_000));
      queue.next();
    }
    expect(JSON.stringify(queue).length).toBeLessThan(1_000);
  });

  test("cost no more each, however many one read has brought", () => {
    const queue = filled(200_000);
    const began = performance.now();
    expect(taken(queue).length).toBe(200_000);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
