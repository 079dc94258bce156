/** A writer is killed again and again: what it was answered is there, offsets go on, and none is used twice. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import type { Topics } from "../../src/engine.ts";
import { createSqliteEngine } from "../../src/engines/sqlite.ts";
import { folder } from "../folder.ts";
import { LIMITS, TOPICS } from "./sqlite-topics.ts";

const ROUNDS = 30;
const MAX_MS = 120;
const SILENT = { info() {}, warn: console.error, error: console.error };

/** `topic epoch offset` to the text that was published there. */
type Books = Map<string, string>;

/** Notes what stands at a place; it must be what stood there before. */
function note(books: Books, place: string, text: string): void {
  const before = books.get(place);
  if (before !== undefined && before !== text) throw new Error(`${place} was ${before} and is ${text}`);
  books.set(place, text);
}

/** Writes until it is killed, `ms` after its first answer; what it was answered is noted. */
async function write(file: string, first: number, sync: string, ms: number, books: Books): Promise<number> {
  const script = join(import.meta.dir, "sqlite-writer.ts");
  const child = Bun.spawn([process.execPath, script, file, String(first), sync], { stderr: "inherit" });
  let output = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    if (output === "") systemClock.after(ms, () => child.kill("SIGKILL"));
    output += decoder.decode(bytes, { stream: true });
  }
  expect(await child.exited).toBe(137);
  const lines = output.split("\n").slice(0, -1);
  for (const line of lines) {
    const [topic = "", epoch = "", offset = "", text = ""] = line.split(" ");
    note(books, `${topic} ${epoch} ${offset}`, text);
  }
  return lines.length;
}

/** Everything that a topic holds, without a hole. */
async function read(topics: Topics, topic: string, books: Books): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  const { epoch } = await topics.history(topic, { limit: 0 });
  for (let offset = 0, more = true; more; ) {
    const page = await topics.history(topic, { since: { epoch, offset }, limit: 1000 });
    expect(page.complete).toBe(true);
    for (const message of page.messages) {
      expect(message.offset).toBe(offset + 1);
      offset = message.offset;
      note(books, `${topic} ${epoch} ${offset}`, String(message.data));
      expect(places.has(String(message.data))).toBe(false);
      places.set(String(message.data), offset);
    }
    more = page.more;
  }
  return places;
}

test.each(["batch", "always"])(
  "keeps every answered message over %s commits that are killed at random",
  async (sync) => {
    const file = join(folder(), "fairlead.db");
    const books: Books = new Map();
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      answered += await write(file, round * 1_000_000, sync, Math.random() * MAX_MS, books);
      if (round % 3 !== 2) continue; // killed again, before anybody closed the file
      const engine = createSqliteEngine({
        file,
        sync: "batch",
        clock: systemClock,
        log: SILENT,
        onError: console.error,
      });
      await engine.start();
      const topics = engine.topics("/r", LIMITS);
      const there = new Set<string>();
      for (const topic of TOPICS) {
        const epoch = (await topics.history(topic, { limit: 0 })).epoch;
        for (const offset of (await read(topics, topic, books)).values())
          there.add(`${topic} ${epoch} ${offset}`);
      }
      // In one epoch all along: nobody may have been told of a place that is not there.
      expect([...books.keys()].filter((place) => !there.has(place))).toEqual([]);
      await expectKnown(topics, books);
      await engine.close();
    }
    console.error(`${sync}: ${ROUNDS} times killed, ${answered} answers, ${books.size} messages`);
    expect(answered).toBeGreaterThan(ROUNDS * 10);
  },
  120_000,
);

/** The last that were answered, sent again: published once. */
async function expectKnown(topics: Topics, books: Books): Promise<void> {
  for (const [place, text] of [...books].slice(-5)) {
    const [topic = "", epoch = "", offset = ""] = place.split(" ");
    const idem = { id: text.slice(0, 20), age: 60_000 };
    const at = await new Promise((done) => topics.publish(topic, { data: text, json: false }, done, idem));
    expect(at).toEqual({ epoch, offset: Number(offset) });
  }
}
