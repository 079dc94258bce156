/** Faults of one of several processes on a port. Its clients lose their connection; nobody else may notice. */
import { expect, onTestFinished, test } from "bun:test";
import { eventually } from "../calm.ts";
import { startCrew } from "../cli/workers/crew.ts";
import { connect, type TestClient } from "../gateway.ts";
import { hasEnded } from "../process.ts";
import { within } from "../system/program.ts";
import { range } from "../system/read-numbers.ts";

const CLIENTS = 80;
const KILLS = 3;
const OPENED = 'fairlead_connections_opened_total{route="/echo"}';

test("49: its siblings serve on, its clients come back, and another one takes its place", async () => {
  const house = await startCrew({ workers: 4, routes: { "/echo": { kind: "echo", welcome: false } } });
  const talk = { echoes: 0, broken: 0, refused: 0, wrong: 0, over: false };
  /** Says something, waits for its echo, and comes back when its connection is lost. */
  async function chat(number: number): Promise<void> {
    for (let said = 0; !talk.over; ) {
      const client = await connect(`ws://${house.host}/echo`).catch(() => undefined);
      // One that the worker which died had not accepted yet: it is reset.
      if (client === undefined) talk.refused += 1;
      else said = await speak(client, number, said);
    }
  }
  async function speak(client: TestClient, number: number, first: number): Promise<number> {
    const lost = client.closed.then(() => undefined);
    let said = first;
    for (; !talk.over; said += 1) {
      client.send(`${number}: ${said}`);
      const heard = await Promise.race([client.next(), lost]);
      if (heard === undefined) {
        talk.broken += 1;
        return said;
      }
      talk.echoes += 1;
      if (heard !== `${number}: ${said}`) talk.wrong += 1;
    }
    client[Symbol.dispose]();
    return said;
  }
  const talking = range(0, CLIENTS).map(chat);
  onTestFinished(() => {
    talk.over = true;
  });
  await eventually("all are there", async () => (await house.metric(OPENED)) === CLIENTS);

  let shown = 0;
  const answers = new Set<number>();
  /** What is asked while a process dies may be reset with it, and is asked again by whoever wants to know. */
  async function look(): Promise<void> {
    const ready = await house.get("/readyz").catch(() => undefined);
    if (ready !== undefined) answers.add(ready.status);
    const opened = await house.metric(OPENED).catch(() => shown);
    // A counter never goes back, though the one that died took its own along.
    expect(opened).toBeGreaterThanOrEqual(shown);
    shown = opened;
  }
  for (const at of range(0, KILLS)) {
    await look();
    const pid = house.pids[at] ?? 0;
    const before = talk.echoes;
    process.kill(pid, "SIGKILL");
    await eventually("it is dead", () => hasEnded(pid));
    await eventually("the others serve on", () => talk.echoes > before + 1_000);
    const isBack = () => house.lines("a worker listens again").length === at + 1;
    const looking = (async () => {
      while (!isBack()) await look();
    })();
    await within(20, looking, () => "nobody took its place");
  }
  expect(answers).toEqual(new Set([200]));
  expect(await house.metric("fairlead_workers_ended_total")).toBe(KILLS);
  await eventually(
    "all are back",
    async () => (await house.metric('fairlead_connections{route="/echo"}')) === CLIENTS,
  );
  talk.over = true;
  await Promise.all(talking);
  expect(talk.wrong).toBe(0);
  const pauses = house
    .lines("! a worker ended; another one starts after the pause (ms)")
    .map(({ pause }) => Number(pause));
  for (const pause of pauses) expect(pause).toBeWithin(250, 501);
  house.program.kill("SIGTERM");
  expect(await house.program.ended()).toBe(0);
  // Only those broke that a worker had which was killed; one of them at a time may have been too young for the log.
  const ended = new Set(house.lines("goodbye").map(({ conn }) => conn));
  const lost = house.lines("connected").filter(({ conn }) => !ended.has(conn)).length;
  expect(talk.broken).toBeWithin(Math.max(1, lost), lost + KILLS + 1);
  console.error(
    `49: ${talk.echoes} echoes, ${talk.broken} broken, ${talk.refused} refused, pauses ${pauses.join(", ")} ms`,
  );
});
