/**
 * Publishes to a file as fast as it is answered, until it is killed: `bun sqlite-writer.ts FILE FIRST SYNC`. One line on stdout for each
 * answer: topic, epoch, offset, text. Texts are numbers from FIRST on, and each is the message's idem, too.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../src/clock.ts";
import { createSqliteEngine } from "../../src/engines/sqlite.ts";
import { LIMITS, TOPICS } from "./sqlite-topics.ts";

const [file = "", first = "0", sync = "batch"] = process.argv.slice(2);
const log = { info() {}, warn: console.error, error: console.error };
const engine = createSqliteEngine({
  file,
  sync: sync === "always" ? "always" : "batch",
  clock: systemClock,
  log,
  onError: console.error,
});
await engine.start();
const topics = engine.topics("/r", LIMITS);

let next = Number(first);
let answered = "";
for (;;) {
  await new Promise<void>((done) => {
    const count = 1 + (next % 40);
    let left = count;
    for (let n = 0; n < count; n++) {
      const text = String(next++).padEnd(200, ".");
      const topic = TOPICS[next % TOPICS.length] ?? "";
      const answer = (at: object) => {
        if (!("offset" in at && "epoch" in at)) throw new Error(JSON.stringify(at));
        answered += `${topic} ${at.epoch} ${at.offset} ${text}\n`;
        left -= 1;
        if (left === 0) done();
      };
      topics.publish(topic, { data: text, json: false }, answer, { id: text.slice(0, 20) });
    }
  });
  writeSync(1, answered);
  answered = "";
}
