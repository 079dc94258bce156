import { describe, expect, test } from "bun:test";
import type { FromWorker } from "../../../src/cli/workers/messages.ts";
import { createSiblings } from "../../../src/cli/workers/siblings.ts";
import { testClock } from "../../clock.ts";

function setup() {
  const sent: FromWorker[] = [];
  const clock = testClock();
  const siblings = createSiblings((message) => void sent.push(message), clock);
  const told = siblings.speak({ metrics: () => "own 1\n", notReady: () => "memory" });
  const asked = () => sent.flatMap((message) => (message.t === "ask" ? [message] : []));
  const answer = (at: number, text: string | undefined) =>
    siblings.hear({ t: "answer", id: asked()[at]?.id ?? 0, text });
  return { sent, clock, siblings, told, asked, answer };
}

const settle = () => new Promise((done) => setImmediate(done));

describe("a worker", () => {
  test("says what all say, when it has been answered", async () => {
    const { told, asked, answer, clock } = setup();
    const both = [told.metrics(), told.notReady()];
    expect(asked().map(({ topic }) => topic)).toEqual(["metrics", "notReady"]);
    answer(1, undefined);
    answer(0, "all 4\n");
    expect(await Promise.all(both)).toEqual(["all 4\n", undefined]);
    expect(clock.pending).toBe(0);
  });

  test("asks once for all who ask meanwhile, and not with their question's answer", async () => {
    const { told, asked, answer } = setup();
    const first = told.metrics();
    const later = Array.from({ length: 50 }, () => told.metrics());
    answer(0, "1\n");
    expect(await first).toBe("1\n");
    await settle();
    expect(asked()).toHaveLength(2);
    answer(1, "2\n");
    expect(new Set(await Promise.all(later))).toEqual(new Set(["2\n"]));
  });

  test("says within a second that nobody answers, and takes no answer that comes too late", async () => {
    const { told, clock, answer } = setup();
    const both = [told.metrics(), told.notReady()];
    clock.advance(1_000);
    expect(await Promise.all(both)).toEqual([
      undefined,
      "the process that watches the workers does not answer",
    ]);
    answer(0, "late\n");
    const next = told.metrics();
    answer(2, "new\n");
    expect(await next).toBe("new\n");
  });

  test("answers about itself", async () => {
    const { siblings, sent } = setup();
    siblings.hear({ t: "tell", id: 7, topic: "metrics" });
    siblings.hear({ t: "tell", id: 8, topic: "notReady" });
    await settle();
    expect(sent).toEqual([
      { t: "told", id: 7, text: "own 1\n" },
      { t: "told", id: 8, text: "memory" },
    ]);
  });
});
