import { expect, test } from "bun:test";
import { Outgoing } from "../../../../src/engines/redis/relay/outgoing.ts";
import type { Step } from "../../../../src/engines/redis/relay/steps.ts";
import type { Sent, SharedMessage } from "../../../../src/relays.ts";

const DOWN = { code: "engine_down", text: "away" } as const;

function house() {
  const steps: Step[] = [];
  const said: string[] = [];
  let isOver = false;
  const outgoing = new Outgoing({
    place: () => ({}),
    get isOver() {
      return isOver;
    },
    ask: (step) => void steps.push(step),
    settled: ([seq, , state]) => void said.push(`receipt ${seq} ${state}`),
    look: () => void said.push("look"),
    behind: () => void said.push("behind"),
  });
  return {
    outgoing,
    said,
    names: () => steps.map(({ words }) => words["m"]),
    send: (idem: string) => outgoing.send(message(idem), (sent) => said.push(`${idem} ${wordOf(sent)}`)),
    /** The oldest step that was asked for. */
    next(): Step {
      const step = steps.shift();
      if (step === undefined) throw new Error("nothing was asked for");
      return step;
    },
    end() {
      isOver = true;
      outgoing.end();
    },
  };
}

const message = (idem: string): SharedMessage => {
  const rest = { type: undefined, size: 1, ttl: 1_000, done: 0, isForPresent: false };
  return { data: idem, json: false, idem, ...rest };
};

const wordOf = (sent: Sent): string =>
  typeof sent === "string" ? sent : "text" in sent ? "down" : `ok ${sent.seq}`;

test("a receipt that overtakes the answer to its send waits for it; one of an older message does not", () => {
  const { outgoing, said, send, next } = house();
  send("a");
  next().answered(["k", 1]);
  send("b");
  outgoing.receipt([2, "b", "delivered"]);
  outgoing.receipt([1, "a", "delivered"]);
  expect(said).toEqual(["a ok 1", "receipt 1 delivered"]);
  next().answered(["k", 2]);
  expect(said.slice(2)).toEqual(["b ok 2", "receipt 2 delivered"]);
});

test("what may have been done is asked again under its name, in order; until then nothing else is", () => {
  const { outgoing, said, names, send, next } = house();
  send("a");
  send("b");
  next().failed(DOWN, true);
  next().failed(DOWN, true);
  send("c");
  expect(said).toEqual(["behind", "behind", "c down"]);
  outgoing.retry();
  expect(names()).toEqual(["a", "b"]);
  next().answered(["k", 1]);
  next().answered(["k", 2, "delivered"]);
  expect(said.slice(3)).toEqual(["a ok 1", "b ok 2"]);
});

test("what was surely not done is answered as down, and what came too late for its seat as lost", () => {
  const { said, send, next, end } = house();
  send("a");
  next().failed(DOWN, false);
  send("b");
  next().answered(["x"]);
  send("c");
  const late = next();
  send("d");
  next().failed(DOWN, true);
  end();
  late.failed(DOWN, true);
  expect(said).toEqual(["a down", "b lost", "look", "behind", "d lost", "c lost"]);
});

test("receipts that were missed are told once, and only of what it has sent", () => {
  const { outgoing, said, send, next } = house();
  send("a");
  next().answered(["k", 1]);
  outgoing.receipts([
    [1, "a", "delivered"],
    [7, "z", "unknown"],
  ]);
  outgoing.receipts([[1, "a", "delivered"]]);
  expect(said).toEqual(["a ok 1", "receipt 1 delivered"]);
});
