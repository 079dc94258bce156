import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Message, Position } from "../../../src/engine.ts";
import { encodeBody } from "../../../src/engines/redis/topics/body.ts";
import { Reader, type Rest } from "../../../src/engines/redis/topics/reader.ts";

/** What Redis has of one topic, and what it sent over pub/sub. */
class Source {
  epoch = "e0";
  messages: Message[] = [];
  sent: Buffer[] = [];
  isDown = false;
  head = 0;
  private epochs = 0;

  publish(count: number): void {
    const first = this.head + 1;
    const bodies = [];
    for (let offset = first; offset < first + count; offset++) {
      const data = `${this.epoch} ${offset}`;
      this.messages.push({
        topic: "t",
        epoch: this.epoch,
        offset,
        time: 7,
        size: data.length,
        data,
        json: false,
      });
      bodies.push(encodeBody({ data, json: false }, data.length));
    }
    this.head += count;
    this.sent.push(Buffer.concat([Buffer.from(`${this.epoch} ${first} 7\n`), ...bodies]));
  }

  evict(count: number): void {
    this.messages = this.messages.slice(count);
  }

  lose(): void {
    this.epochs += 1;
    this.epoch = `e${this.epochs}`;
    this.messages = [];
    this.head = 0;
  }

  readonly rest = async (after: Position): Promise<Rest> => {
    if (this.isDown) throw new Error("down");
    const from = after.epoch === this.epoch ? after.offset : 0;
    // Pages are short, so that several are needed.
    const messages = this.messages.filter(({ offset }) => offset > from).slice(0, 3);
    return { epoch: this.epoch, offset: this.head, messages };
  };
}

/** Holds a reader to its word: each message is the next one, or what is between was told as skipped. */
function listener() {
  const seen: string[] = [];
  let at: Position | undefined;
  return {
    seen,
    get at() {
      return at;
    },
    done: (position: object) => {
      at = position as Position;
    },
    deliver({ epoch, offset, data }: Message) {
      expect(data).toBe(`${epoch} ${offset}`);
      expect({ epoch, offset }).toEqual({ epoch: at?.epoch ?? "", offset: (at?.offset ?? 0) + 1 });
      at = { epoch, offset };
      seen.push(`${epoch} ${offset}`);
    },
    skip(to: Position) {
      if (to.epoch === at?.epoch) expect(to.offset).toBeGreaterThan(at.offset);
      at = to;
    },
  };
}

const step = fc.oneof(
  fc.record({ do: fc.constant("publish" as const), count: fc.integer({ min: 1, max: 5 }) }),
  // Pub/sub as bad as it can be: late, twice, in another order, or not at all.
  fc.record({ do: fc.constant("hear" as const), which: fc.nat({ max: 5 }), again: fc.boolean() }),
  fc.record({ do: fc.constant("hear" as const), which: fc.constant(0), again: fc.constant(false) }),
  fc.record({ do: fc.constant("miss" as const), which: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant("evict" as const), count: fc.nat({ max: 4 }) }),
  fc.record({ do: fc.constantFrom("lose" as const, "down" as const, "up" as const, "look" as const) }),
  fc.record({ do: fc.constant("settle" as const) }),
);

test("delivers every message once and in order, or says which will not come, whatever pub/sub does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const source = new Source();
      const faults: unknown[] = [];
      const traffic = { holes: 0, lost: 0, lag: 0 };
      const reader = new Reader({
        topic: "t",
        route: "/r",
        rest: source.rest,
        report: (fault) => faults.push(fault.error),
        traffic,
      });
      const one = listener();
      reader.add({ ...one, from: Number.MAX_SAFE_INTEGER });
      reader.stands({ epoch: source.epoch, offset: source.head });
      for (const each of steps) {
        if (each.do === "publish") source.publish(each.count);
        else if (each.do === "hear") {
          const bytes = source.sent[each.which];
          if (bytes !== undefined) reader.heard(bytes, 9);
          if (!each.again) source.sent.splice(each.which, 1);
        } else if (each.do === "miss") source.sent.splice(each.which, 1);
        else if (each.do === "evict") source.evict(each.count);
        else if (each.do === "lose") source.lose();
        else if (each.do === "look" && !source.isDown)
          reader.stands({ epoch: source.epoch, offset: source.head });
        else if (each.do === "settle") await reader.settled;
        else source.isDown = each.do === "down";
      }
      source.isDown = false;
      await reader.settled;
      reader.stands({ epoch: source.epoch, offset: source.head });
      await reader.settled;
      expect(faults).toEqual([]);
      expect(one.at).toEqual({ epoch: source.epoch, offset: source.head });
      expect(new Set(one.seen).size).toBe(one.seen.length);
    }),
    { numRuns: 500 },
  );
});
