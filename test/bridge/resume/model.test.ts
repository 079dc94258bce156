/**
 * A stream against a model of both its ends: whatever is sent, lost, stalled, resumed and half-closed, in any order, both directions come out
 * as they went in, counts never run backwards, and nothing is held beyond its bounds. A small window, so that every bound is met.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BRIDGE_FORM } from "../../../src/bridge/resume/stream-form.ts";
import { type StreamClient, streamHouse } from "./stream-house.ts";

const FORM = { ...BRIDGE_FORM, window: 2_000, maxData: 300 };
const BUFFER = 1_500;
/** The most that the target says at once: what one read brings. */
const READ = 700;

/** Bytes of a direction from a position on: each place has its own. All are ASCII, so that text is as long as they are. */
function bytesAt(from: number, count: number, salt: number): Uint8Array {
  return Uint8Array.from(
    { length: count },
    (_, n) => ((from + n) * 31 + ((from + n) >> 7) * 17 + salt) & 0x7f,
  );
}
const textAt = (from: number, count: number, salt: number) =>
  Buffer.from(bytesAt(from, count, salt)).toString("latin1");

type Step =
  | { readonly do: "client says" | "target says" | "target takes" | "client acks"; readonly n: number }
  | {
      readonly do:
        | "client hears"
        | "link dies"
        | "comes back"
        | "link stalls"
        | "link flows"
        | "time"
        | "turn";
    }
  | { readonly do: "client says into the void"; readonly n: number }
  | { readonly do: "client ends" | "target ends" };

function play() {
  const house = streamHouse({ form: FORM, buffer: BUFFER });
  const { upstream, sid, client: first } = house.open(null, 0);
  let client: StreamClient | undefined = first;
  /** What the client knows: of its own direction, and of the other. */
  let [sent, acked, taken, told] = [0, 0, 0, 0];
  let said = 0;
  let [isEnding, targetEnded, heardEnd, isDeaf] = [false, false, false, false];
  let top = 0;

  function hear(): void {
    if (client === undefined) return;
    const { bytes, halfClosed, ack, reconnected } = client.hear();
    expect(bytes === textAt(taken, bytes.length, 1)).toBe(true);
    taken += bytes.length + (halfClosed ? 1 : 0);
    heardEnd ||= halfClosed;
    for (const count of [reconnected, ack]) {
      if (count === undefined) continue;
      expect(count).toBeGreaterThanOrEqual(acked);
      expect(count).toBeLessThanOrEqual(sent);
      acked = count;
    }
    if (reconnected !== undefined) {
      sent = reconnected;
      if (sent <= top) isEnding = false;
    }
  }

  function say(count: number): void {
    const room = Math.min(count, FORM.window - (sent - acked), FORM.maxData);
    if (isEnding || room <= 0) return;
    if (!isDeaf) client?.data(bytesAt(sent, room, 2));
    sent += room;
    top = Math.max(top, sent);
  }

  function end(): void {
    if (isEnding || sent - acked >= FORM.window || sent < top) return;
    if (!isDeaf) client?.halfClose();
    isEnding = true;
    sent += 1;
  }

  function die(): void {
    client?.connection.leave(1006);
    client = undefined;
  }

  function comeBack(): void {
    client = house.resume(sid, taken);
    [isDeaf, told] = [false, taken];
    expect(client.code).toBeUndefined();
    hear();
  }

  async function step(now: Step): Promise<void> {
    if (
      client === undefined &&
      !["comes back", "target says", "target takes", "target ends", "time"].includes(now.do)
    )
      return;
    switch (now.do) {
      case "client says":
        return say(now.n);
      case "client says into the void":
        isDeaf = true;
        return say(now.n);
      case "client ends":
        return end();
      case "client hears":
        return hear();
      case "client acks":
        told = Math.max(told, Math.min(taken, told + now.n));
        return isDeaf ? undefined : client?.ack(told);
      case "target says":
        if (targetEnded || upstream.isPaused) return;
        upstream.say(bytesAt(said, now.n, 1));
        said += now.n;
        return;
      case "target ends":
        if (!targetEnded) upstream.sayEnd();
        targetEnded = true;
        return;
      case "target takes":
        return upstream.makeRoom(now.n);
      case "link dies":
        return die();
      case "comes back":
        return comeBack();
      case "link stalls":
        return client?.connection.stall();
      case "link flows":
        return client?.connection.catchUp();
      case "time":
        return house.clock.advance(400);
      case "turn":
        return await house.turn();
    }
  }

  /** What holds at every moment. */
  function check(): void {
    expect(client?.code).toBeUndefined();
    const written = upstream.written.length;
    expect(written <= top).toBe(true);
    // Of what the target said, the gateway holds no more than it keeps and what one read brings.
    expect(said - taken).toBeLessThanOrEqual(BUFFER + READ + FORM.window);
    if (said - told >= BUFFER && client !== undefined) expect(upstream.isPaused).toBe(true);
  }

  /** Both ends finish, over a link that holds. */
  async function finish(): Promise<void> {
    comeBack();
    upstream.makeRoom(Number.POSITIVE_INFINITY);
    if (!targetEnded) upstream.sayEnd();
    for (let n = 0; n < 50 && !(heardEnd && isEnding && acked === sent); n += 1) {
      if (sent < top) say(top - sent);
      else end();
      await house.turn();
      house.clock.advance(500);
      hear();
      client?.ack(taken);
      hear();
    }
    const whole = Buffer.from(bytesAt(0, top, 2)).toString();
    expect([taken, upstream.written === whole, upstream.calls]).toEqual([said + 1, true, ["shutdown"]]);
    upstream.breakOff();
    expect(client?.code).toBeUndefined();
    client?.connection.leave(1000);
    expect([house.streams.stats(), house.clock.pending]).toEqual([{ resumable: 0, parked: 0 }, 0]);
  }

  return { step, check, finish };
}

const count = fc.integer({ min: 1, max: READ });
const counted = (
  name: "client says" | "target says" | "target takes" | "client acks" | "client says into the void",
) => fc.record({ do: fc.constant(name), n: count });
const plain = (name: Exclude<Step, { n: number }>["do"]) => fc.constant({ do: name });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: counted("client says") },
  { weight: 6, arbitrary: counted("target says") },
  { weight: 4, arbitrary: counted("target takes") },
  { weight: 4, arbitrary: counted("client acks") },
  { weight: 1, arbitrary: counted("client says into the void") },
  { weight: 4, arbitrary: plain("client hears") },
  { weight: 3, arbitrary: plain("turn") },
  { weight: 2, arbitrary: plain("link dies") },
  { weight: 3, arbitrary: plain("comes back") },
  { weight: 1, arbitrary: plain("link stalls") },
  { weight: 2, arbitrary: plain("link flows") },
  { weight: 1, arbitrary: plain("time") },
  {
    weight: 1,
    arbitrary: fc.oneof(
      { weight: 9, arbitrary: plain("turn") },
      { weight: 1, arbitrary: plain("client ends") },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      { weight: 9, arbitrary: plain("turn") },
      { weight: 1, arbitrary: plain("target ends") },
    ),
  },
);

test("both directions come out as they went in, whatever happens to the link", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
      const game = play();
      for (const now of steps) {
        await game.step(now);
        game.check();
      }
      await game.finish();
    }),
    { numRuns: 300 },
  );
});
