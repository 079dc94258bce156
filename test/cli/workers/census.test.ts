import { describe, expect, test } from "bun:test";
import { createCensus } from "../../../src/cli/workers/census.ts";
import type { Topic, ToWorker } from "../../../src/cli/workers/messages.ts";
import { testClock } from "../../clock.ts";

const settle = () => new Promise((done) => setImmediate(done));

const numbers = (count: number, open: number) =>
  `# HELP c_total C.\n# TYPE c_total counter\nc_total ${count}\n# HELP g G.\n# TYPE g gauge\ng ${open}\n`;

/** Workers that answer when they are told to; undefined: they do not. */
class FakeWorker {
  isListening = true;
  ended = 0;
  says: Partial<Record<Topic, () => string | undefined>> = { notReady: () => undefined };
  readonly answers: (string | undefined)[] = [];
  constructor(private readonly answer: (id: number, text: string | undefined) => void) {}
  readonly send = (message: ToWorker): void => {
    if (message.t === "answer") this.answers.push(message.text);
    if (message.t !== "tell") return;
    const say = this.says[message.topic];
    if (say !== undefined) this.answer(message.id, say());
  };
}

function setup(of = 3) {
  const clock = testClock();
  const state = { isStarted: true };
  const workers: FakeWorker[] = [];
  const census = createCensus({ slots: () => workers, isStarted: () => state.isStarted, clock });
  for (let place = 0; place < of; place += 1) {
    workers.push(new FakeWorker((id, text) => census.hear(place, { t: "told", id, text })));
  }
  let asked = 0;
  /** What the worker at this place is told; `late`: after everybody had time to answer. */
  async function ask(topic: Topic, late = false, place = 0): Promise<string | undefined> {
    asked += 1;
    census.hear(place, { t: "ask", id: asked, topic });
    await settle();
    if (late) clock.advance(1_000);
    await settle();
    return workers[place]?.answers.at(-1);
  }
  const count = (place: number, counted: number, open = 1) => {
    const worker = workers[place];
    if (worker !== undefined) worker.says.metrics = () => numbers(counted, open);
  };
  return { clock, state, workers, census, ask, count };
}

const read = (text: string | undefined, series: string) =>
  text
    ?.split("\n")
    .find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);

describe("the numbers of all workers", () => {
  test("add up, and say how many gave them", async () => {
    const { ask, count } = setup();
    for (const place of [0, 1, 2]) count(place, 10 * (place + 1));
    const text = await ask("metrics");
    expect([read(text, "c_total"), read(text, "g")]).toEqual(["60", "3"]);
    expect(read(text, 'fairlead_workers{state="answering"}')).toBe("3");
    expect(read(text, "fairlead_workers_ended_total")).toBe("0");
  });

  test("are those of the time before of one who does not answer in time", async () => {
    const { ask, count, workers, clock } = setup();
    for (const place of [0, 1, 2]) count(place, 10);
    await ask("metrics");
    for (const place of [0, 1]) count(place, 100);
    const silent = workers[2];
    if (silent !== undefined) silent.says = {};
    const text = await ask("metrics", true);
    expect([read(text, "c_total"), read(text, "g")]).toEqual(["210", "3"]);
    expect(read(text, 'fairlead_workers{state="answering"}')).toBe("2");
    expect(read(text, 'fairlead_workers{state="silent"}')).toBe("1");
    expect(clock.pending).toBe(0);
  });

  test("keep what one had counted that ended, so that no counter goes back, and none of what it had open", async () => {
    const { ask, count, workers, census } = setup();
    for (const place of [0, 1, 2]) count(place, 10, 5);
    await ask("metrics");
    const [, gone] = workers;
    if (gone === undefined) throw new Error("there are three");
    census.forget(1);
    Object.assign(gone, { isListening: false, ended: 1 });
    const without = await ask("metrics");
    expect([read(without, "c_total"), read(without, "g")]).toEqual(["30", "10"]);
    expect(read(without, 'fairlead_workers{state="away"}')).toBe("1");
    expect(read(without, "fairlead_workers_ended_total")).toBe("1");
    gone.isListening = true;
    count(1, 1, 1);
    const back = await ask("metrics");
    expect([read(back, "c_total"), read(back, "g")]).toEqual(["31", "11"]);
    census.forget(1);
    gone.isListening = false;
    expect(read(await ask("metrics"), "c_total")).toBe("31");
  });

  test("take no answer to a question that is over", async () => {
    const { ask, count, workers, census } = setup(2);
    for (const place of [0, 1]) count(place, 10);
    const [, slow] = workers;
    if (slow === undefined) throw new Error("there are two");
    let heard: ToWorker | undefined;
    Object.assign(slow, {
      send: (message: ToWorker) => {
        heard ??= message;
      },
    });
    await ask("metrics", true);
    if (heard?.t === "tell") census.hear(1, { t: "told", id: heard.id, text: numbers(1_000, 1) });
    expect(read(await ask("metrics", true), "c_total")).toBe("10");
  });
});

describe("all workers together", () => {
  test("are ready as soon as all have started and while one of them is", async () => {
    const { ask, state, workers } = setup();
    state.isStarted = false;
    expect(await ask("notReady")).toBe("not all workers have started");
    state.isStarted = true;
    expect(await ask("notReady")).toBeUndefined();
    for (const worker of workers.slice(1)) worker.says.notReady = () => "memory";
    expect(await ask("notReady")).toBeUndefined();
  });

  test("are not while each has a reason, and tell each reason once", async () => {
    const { ask, workers } = setup();
    for (const [place, worker] of workers.entries())
      worker.says.notReady = () => (place === 0 ? "draining" : "memory");
    expect(await ask("notReady")).toBe("draining, memory");
  });

  test("are ready without one who does not answer, and not if nobody does", async () => {
    const { ask, workers } = setup(2);
    const [first, second] = workers;
    if (second !== undefined) second.says = {};
    expect(await ask("notReady", true)).toBeUndefined();
    if (first !== undefined) first.says = {};
    expect(await ask("notReady", true)).toBe("no worker answers");
  });

  test("are not asked one by one, however many of them want to know", async () => {
    const { census, workers } = setup();
    let asked = 0;
    for (const worker of workers) {
      worker.says.notReady = () => {
        asked += 1;
        return undefined;
      };
    }
    for (let id = 0; id < 90; id += 1) census.hear(id % 3, { t: "ask", id, topic: "notReady" });
    await settle();
    expect(asked).toBe(2 * 3);
    expect(workers.map(({ answers }) => answers.length)).toEqual([30, 30, 30]);
  });
});
