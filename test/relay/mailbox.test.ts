import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createFairBound } from "../../src/limits/fair-bound.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import {
  Mailbox,
  MESSAGE_BYTES,
  type Message,
  type PostOffice,
  type Receiver,
} from "../../src/relay/mailbox.ts";
import type { ReceiptState } from "../../src/wire/v1.ts";
import { testClock } from "../clock.ts";

interface Limits {
  readonly size: number;
  readonly bytes: number;
  readonly total: number;
}

/** A mailbox, and what its one sender was told. */
function mailHouse(limits: Limits) {
  const clock = testClock();
  const counters = createRouteCounters("/relay", "relay");
  const waiting = new Set<Mailbox>();
  const office: PostOffice = {
    limits,
    clock,
    counters,
    total: createFairBound(limits.total),
    waits: (mailbox) => void waiting.add(mailbox),
    rests: (mailbox) => void waiting.delete(mailbox),
  };
  let eased = 0;
  const mailbox = new Mailbox(office, () => {
    eased += 1;
  });
  const settled = new Map<number, ReceiptState[]>();
  const handed: number[] = [];
  const sender = {
    owner: "somebody",
    handed: ({ seq }: Message) => void handed.push(seq),
    settled: ({ seq }: Message, state: ReceiptState) =>
      void settled.set(seq, [...(settled.get(seq) ?? []), state]),
  };
  const message = (size: number): Message => ({
    seq: mailbox.nextSeq(),
    data: "",
    json: false,
    size,
    sender,
    idem: "",
    type: undefined,
    due: 0,
  });
  return { clock, counters, office, sender, mailbox, waiting, settled, handed, message, eased: () => eased };
}

function receiver(acknowledges: boolean): Receiver & { got: number[]; ready: boolean } {
  const got: number[] = [];
  return {
    got,
    ready: true,
    acknowledges,
    isReady() {
      return this.ready;
    },
    takes: () => true,
    hand: ({ seq }) => void got.push(seq),
  };
}

const UNBOUND = { size: 0, bytes: 0, total: 0 };

describe("a mailbox", () => {
  test("hands over as many as may be queued, and the next ones as the first are acknowledged", () => {
    const { mailbox, message, sender } = mailHouse({ size: 2, bytes: 0, total: 0 });
    const to = receiver(true);
    for (let i = 0; i < 4; i += 1) {
      const next = message(1);
      if (!mailbox.offer(next, to)) mailbox.enqueue(next, 1_000);
    }
    expect([to.got, mailbox.isFull(sender, 1)]).toEqual([[1, 2], true]);
    mailbox.acknowledge(1);
    mailbox.flush(to);
    expect([to.got, mailbox.isFull(sender, 1)]).toEqual([[1, 2, 3], false]);
  });

  test("hands over one message that is larger than its bound, if nothing else is on its way", () => {
    const { mailbox, message } = mailHouse({ size: 0, bytes: 10, total: 0 });
    const to = receiver(true);
    expect([mailbox.offer(message(100), to), mailbox.offer(message(1), to)]).toEqual([true, false]);
  });

  test("hands nothing over to be acknowledged past what all may hold together, and anything else", () => {
    const { mailbox, message } = mailHouse({ size: 0, bytes: 0, total: 10 + MESSAGE_BYTES });
    const [holder, plain] = [receiver(true), receiver(false)];
    const taken = [message(11), message(10), message(0)].map((each) => mailbox.offer(each, holder));
    expect(taken).toEqual([false, true, false]);
    expect([mailbox.offer(message(1_000), plain), plain.got]).toEqual([true, [4]]);
  });

  test("holds no end of empty messages either", () => {
    const { mailbox, message, office, sender } = mailHouse({ size: 0, bytes: 0, total: 3 * MESSAGE_BYTES });
    for (let n = 0; n < 3; n += 1) mailbox.enqueue(message(0), 10);
    expect([office.total.used, mailbox.isFull(sender, 0), mailbox.isRouteFull(sender, 0)]).toEqual([
      3 * MESSAGE_BYTES,
      true,
      true,
    ]);
    mailbox.flush(receiver(false));
    expect([office.total.used, mailbox.isFull(sender, 0)]).toEqual([0, false]);
  });

  test("hands nothing over out of turn", () => {
    const { mailbox, message } = mailHouse(UNBOUND);
    mailbox.enqueue(message(1), 1_000);
    expect(mailbox.offer(message(1), receiver(true))).toBe(false);
  });

  test("hands over nothing that has expired, even when nobody has looked since", () => {
    const { clock, mailbox, message, settled } = mailHouse(UNBOUND);
    mailbox.enqueue(message(1), 10);
    clock.advance(10);
    const to = receiver(false);
    mailbox.flush(to);
    expect([to.got, settled.get(1)]).toEqual([[], ["expired"]]);
  });

  test("gives up what was handed over as unknown, and nothing that was not", () => {
    const { mailbox, message, settled } = mailHouse(UNBOUND);
    mailbox.offer(message(1), receiver(true));
    mailbox.enqueue(message(1), 1_000);
    mailbox.abandon();
    expect([settled.get(1), settled.get(2)]).toEqual([["unknown"], undefined]);
  });

  test("has room again for the bytes of what expired", () => {
    const { clock, mailbox, message, sender } = mailHouse({ size: 0, bytes: 10, total: 0 });
    mailbox.enqueue(message(10), 5);
    expect(mailbox.isFull(sender, 1)).toBe(true);
    clock.advance(5);
    mailbox.expire(clock.now());
    expect([mailbox.isFull(sender, 10), mailbox.isFull(sender, 11)]).toEqual([false, true]);
  });

  test("never tells a heir of what he cannot be told: that is unknown", () => {
    const { mailbox, message, settled } = mailHouse(UNBOUND);
    mailbox.offer(message(1), receiver(true));
    const heir = { ...receiver(false), takes: () => false };
    mailbox.handAgain(heir);
    expect([heir.got, settled.get(1), mailbox.isEmpty]).toEqual([[], ["unknown"], true]);
  });

  test("takes back what a sender said and nobody was handed", () => {
    const { mailbox, message, settled, waiting, office } = mailHouse(UNBOUND);
    const mine = message(1);
    mailbox.enqueue(mine, 1_000);
    mailbox.withdraw(mine.sender);
    expect([settled.get(1), waiting.size, office.total.used]).toEqual([["dropped"], 0, 0]);
  });
});

type Act = "send" | "ack" | "wait" | "leave" | "come" | "plain" | "abandon" | "stall" | "withdraw";
const ACTS: Act[] = [
  "send",
  "send",
  "send",
  "ack",
  "wait",
  "leave",
  "come",
  "plain",
  "abandon",
  "stall",
  "withdraw",
];

test("a mailbox settles each message once, hands over in order, keeps its bounds, and holds nothing in the end", () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...ACTS), fc.nat(9)), { maxLength: 120 }), play), {
    numRuns: 300,
  });
});

function play(acts: readonly (readonly [Act, number])[]): void {
  const limits = { size: 3, bytes: 12, total: 20 + 4 * MESSAGE_BYTES };
  const house = mailHouse(limits);
  const { mailbox, office, sender, clock, settled, handed } = house;
  let to: ReturnType<typeof receiver> | undefined;
  let sent = 0;
  for (const [act, n] of acts) {
    if (act === "send") {
      sent += 1;
      const message = house.message(n);
      if (to !== undefined && mailbox.offer(message, to)) continue;
      if (mailbox.isFull(sender, n)) mailbox.drop(message, "full");
      else mailbox.enqueue(message, n * 10);
    } else if (act === "ack") {
      const upto = handed.at(-1) ?? 0;
      expect(mailbox.acknowledge(upto + 1)).toBe(false);
      mailbox.acknowledge(Math.max(0, upto - n));
      if (to !== undefined) mailbox.flush(to);
    } else if (act === "wait") {
      clock.advance(n * 5);
      mailbox.expire(clock.now());
    } else if (act === "come" || act === "plain") {
      to = receiver(act === "come");
      mailbox.handAgain(to);
      mailbox.flush(to);
    } else if (act === "leave") to = undefined;
    else if (act === "abandon") mailbox.abandon();
    else if (act === "stall" && to !== undefined) to.ready = n % 2 === 0;
    else if (act === "withdraw") mailbox.withdraw(house.message(0).sender);
    expect(mailbox.queued).toBeLessThanOrEqual(limits.size);
    expect(office.total.used).toBeLessThanOrEqual(limits.total);
    expect(house.waiting.has(mailbox)).toBe(mailbox.queued > 0);
  }
  clock.advance(1_000);
  mailbox.expire(clock.now());
  mailbox.abandon();
  expect([mailbox.isEmpty, office.total.used]).toEqual([true, 0]);
  expect([...settled.values()].every((states) => states.length === 1)).toBe(true);
  expect(settled.size).toBe(sent);
  expect(handed).toEqual(handed.toSorted((a, b) => a - b));
  for (const seq of handed) expect(["delivered", "unknown"]).toContain(String(settled.get(seq)?.[0]));
  const { delivered, dropped } = house.counters;
  expect(delivered).toBe(handed.length);
  expect(delivered + dropped.full + dropped.expired + dropped.closed).toBe(sent);
}
