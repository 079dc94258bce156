/** Random steps against lists, as in the contract, and between them the engine is restarted, crashes, or loses its power. */
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Topics } from "../../src/engine.ts";
import type { SqliteEngine } from "../../src/engines/sqlite.ts";
import { playTopic, TopicModel, type TopicStep, topicStep } from "../contracts/engine/model.ts";
import { folder } from "../folder.ts";
import { asAfterPowerCut, type House, sqliteHouse } from "./sqlite-house.ts";

const ENDS = ["close", "crash", "power cut"] as const;
interface End {
  readonly do: (typeof ENDS)[number];
}
type Step = End | TopicStep;
const isEnd = (step: Step): step is End => ENDS.some((end) => end === step.do);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: topicStep },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...ENDS) }) },
);
/** Without a ttl, so that the file holds exactly what the model does at any moment. */
const limits = fc.record({
  size: fc.constantFrom(0, 1, 4, 100),
  ttl: fc.constant(0),
  bytes: fc.constantFrom(0, 25),
});

/** The next life of the engine: on its own file after a close, else on a copy of what lay there. */
async function next({ file, clock }: House, engine: SqliteEngine, how: End["do"]): Promise<House> {
  const left = how === "close" ? file : join(folder(), "fairlead.db");
  if (left !== file) for (const side of ["", "-wal"]) copyFileSync(file + side, left + side);
  await engine.close();
  if (how === "power cut") asAfterPowerCut(left);
  return sqliteHouse(left, clock);
}

async function outlive(model: TopicModel, room: Topics, how: End["do"]): Promise<void> {
  model.inboxes = [];
  if (how !== "power cut") return;
  const { epoch } = await room.history(model.name, { limit: 0 });
  expect(epoch).not.toBe(model.epoch);
  model.entries = model.held().map((entry, index) => ({ ...entry, offset: index + 1 }));
  model.epoch = epoch;
}

test("behaves like a list per topic through restarts, crashes and power cuts", async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 60 });
  const property = fc.asyncProperty(limits, steps, async (bounds, script) => {
    let house = sqliteHouse();
    let engine = await house.start();
    let room = engine.topics("/r", bounds);
    const models = ["t", "u"].map((name) => new TopicModel(name, bounds, house.clock));
    for (const step of script) {
      if (isEnd(step)) {
        house = await next(house, engine, step.do);
        engine = await house.start();
        room = engine.topics("/r", bounds);
        for (const model of models) await outlive(model, room, step.do);
      } else if (step.do === "advance") house.clock.advance(step.ms);
      else for (const model of models) if (model.name === step.topic) await playTopic(room, model, step);
    }
    await engine.close();
  });
  await fc.assert(property, { numRuns: 25 });
});
