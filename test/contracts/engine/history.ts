/** The part of the engine suite about history: its bounds, and pages that are whole or say that they are not. */
import { expect } from "bun:test";
import { HISTORY_PAGE_BYTES } from "../../../src/engine.ts";
import { type EngineTest, listen, offsets, publish, publishMany, text } from "./harness.ts";

export function historyContract(it: EngineTest): void {
  it("answers the last messages as they were delivered, ascending", async ({ topics }) => {
    const room = topics();
    const inbox = await listen(room, "t");
    const head = await publishMany(room, "t", 5);
    const page = await room.history("t", { limit: 3 });
    const live = await inbox.take(5);
    expect(page).toEqual({ ...head, messages: live.slice(2), more: true, complete: true });
  });

  it("answers everything after a position page by page, without a hole or a double", async ({ topics }) => {
    const room = topics();
    const { epoch } = await publishMany(room, "t", 25);
    const seen: number[] = [];
    for (let more = true; more; ) {
      const page = await room.history("t", { since: { epoch, offset: seen.at(-1) ?? 0 }, limit: 10 });
      expect(page.complete).toBe(true);
      seen.push(...offsets(page.messages));
      more = page.more;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => n + 1));
  });

  it("answers backwards page by page, each page ascending", async ({ topics }) => {
    const room = topics();
    const { epoch } = await publishMany(room, "t", 7);
    const latest = await room.history("t", { limit: 3 });
    const older = await room.history("t", { before: { epoch, offset: 5 }, limit: 3 });
    const oldest = await room.history("t", { before: { epoch, offset: 2 }, limit: 3 });
    expect([latest, older, oldest].map(({ messages }) => offsets(messages))).toEqual([
      [5, 6, 7],
      [2, 3, 4],
      [1],
    ]);
    expect([latest, older, oldest].map(({ more }) => more)).toEqual([true, true, false]);
    expect([latest, older, oldest].every(({ complete }) => complete)).toBe(true);
  });

  it("says that a page is not whole once a message of it was evicted by size", async ({ topics }) => {
    const room = topics({ size: 3 });
    const { epoch } = await publishMany(room, "t", 5);
    const short = await room.history("t", { since: { epoch, offset: 1 }, limit: 10 });
    expect([offsets(short.messages), short.complete]).toEqual([[3, 4, 5], false]);
    const whole = await room.history("t", { since: { epoch, offset: 2 }, limit: 10 });
    expect([offsets(whole.messages), whole.complete]).toEqual([[3, 4, 5], true]);
  });

  it("evicts by bytes, the first bound that is reached", async ({ topics }) => {
    const room = topics({ bytes: 25 });
    for (let n = 0; n < 4; n++) await publish(room, "t", text("0123456789"));
    expect(offsets((await room.history("t", { limit: 2 })).messages)).toEqual([3, 4]);
    expect((await room.history("t", { limit: 3 })).complete).toBe(false);
  });

  it("lets topics replace what they hold and add nothing to it once all hold total together", async ({
    topics,
  }) => {
    const room = topics({ total: 4_000 });
    const held = async (topic: string) => offsets((await room.history(topic, { limit: 10 })).messages);
    for (let n = 0; n < 2; n++) await publish(room, "old", text("x".repeat(500)));
    for (let n = 0; n < 50; n++) await publish(room, `flood ${n}`, text(""));
    expect([await held("old"), await held("flood 0"), await held("flood 49")]).toEqual([[1, 2], [1], []]);
    await publish(room, "old", text("x".repeat(500)));
    expect(await held("old")).toEqual([2, 3]);
    await publish(room, "old", text("x".repeat(2_000)));
    expect(await held("old")).toEqual([]);
    await publish(room, "next", text(""));
    expect(await held("next")).toEqual([1]);
  });

  it("has room again once what it held has aged", async ({ topics, clock }) => {
    const room = topics({ total: 4_000, ttl: 1_000 });
    for (let n = 0; n < 10; n++) await publish(room, `flood ${n}`, text(""));
    expect((await room.history("flood 9", { limit: 1 })).messages).toEqual([]);
    clock.advance(120_000);
    await publish(room, "next", text(""));
    expect((await room.history("next", { limit: 1 })).messages).toHaveLength(1);
  });

  it("delivers what it does not keep, and says that a page is not whole then", async ({ topics }) => {
    const room = topics({ total: 1 });
    const inbox = await listen(room, "t");
    const { epoch } = await publishMany(room, "t", 3);
    expect(offsets(await inbox.take(3))).toEqual([1, 2, 3]);
    const page = await room.history("t", { since: { epoch, offset: 1 }, limit: 10 });
    expect([page.messages, page.offset, page.complete]).toEqual([[], 3, false]);
  });

  it("evicts by ttl on the clock, while the position stays for one who is subscribed", async ({
    topics,
    clock,
  }) => {
    const room = topics({ ttl: 1000 });
    await listen(room, "t");
    const head = await publishMany(room, "t", 2);
    clock.advance(999);
    expect((await room.history("t", { limit: 2 })).messages.length).toBe(2);
    clock.advance(1);
    expect(await room.history("t", { since: head, limit: 9 })).toEqual({
      ...head,
      messages: [],
      more: false,
      complete: true,
    });
    expect((await room.history("t", { limit: 1 })).complete).toBe(false);
    expect(await publish(room, "t", text("next"))).toEqual({ ...head, offset: 3 });
  });

  it("keeps nothing but the position for one who is subscribed, if size is 0", async ({ topics }) => {
    const room = topics({ size: 0 });
    await listen(room, "t");
    const head = await publishMany(room, "t", 3);
    const page = await room.history("t", { since: { ...head, offset: 2 }, limit: 9 });
    expect(page).toEqual({ ...head, messages: [], more: false, complete: false });
  });

  it("answers nothing and not whole for a foreign epoch or a position in the future", async ({ topics }) => {
    const room = topics();
    const head = await publishMany(room, "t", 3);
    const nothing = { ...head, messages: [], more: false, complete: false };
    for (const bound of ["since", "before"] as const) {
      expect(await room.history("t", { [bound]: { epoch: "other", offset: 2 }, limit: 9 })).toEqual(nothing);
      expect(await room.history("t", { [bound]: { ...head, offset: 9 }, limit: 9 })).toEqual(nothing);
    }
  });

  it("answers only the position for limit 0", async ({ topics }) => {
    const room = topics();
    const head = await publishMany(room, "t", 3);
    expect(await room.history("t", { limit: 0 })).toMatchObject({ ...head, messages: [] });
  });

  it("ends a page at its bound in bytes, with one message at least", async ({ topics }) => {
    const room = topics({ bytes: 0 });
    const large = text("x".repeat(HISTORY_PAGE_BYTES + 1));
    const half = text("y".repeat(HISTORY_PAGE_BYTES / 2));
    const { epoch } = await publish(room, "t", large);
    for (let n = 0; n < 3; n++) await publish(room, "t", half);
    const page = async (offset: number) => {
      const { messages, more, complete } = await room.history("t", { since: { epoch, offset }, limit: 100 });
      return [offsets(messages), more, complete];
    };
    expect(await page(0)).toEqual([[1], true, true]);
    expect(await page(1)).toEqual([[2, 3], true, true]);
    expect(await page(3)).toEqual([[4], false, true]);
  });

  it("answers the epoch in which a topic that does not exist yet will begin", async ({ topics }) => {
    const room = topics();
    const page = await room.history("t", { limit: 5 });
    expect(page).toMatchObject({ offset: 0, messages: [], more: false, complete: true });
    await publish(room, "t", text("first"));
    const all = await room.history("t", { since: { epoch: page.epoch, offset: 0 }, limit: 5 });
    expect([offsets(all.messages), all.complete]).toEqual([[1], true]);
  });

  it("never gives a topic that lost its positions an epoch it had before", async ({ topics, clock }) => {
    const room = topics({ size: 1, ttl: 50 });
    const heads = new Map<string, number>();
    for (let round = 0; round < 30; round++) {
      const inbox = round % 3 === 0 ? await listen(room, "t") : undefined;
      const { epoch, offset } = await publish(room, "t", text("x"));
      expect(offset).toBe((heads.get(epoch) ?? 0) + 1);
      heads.set(epoch, offset);
      inbox?.close();
      clock.advance(round % 2 === 0 ? 30_000 : 10);
    }
  });
}
