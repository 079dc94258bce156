import { expect, test } from "bun:test";
import { createLateAnswers } from "../../src/topics/late-answers.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

function logged() {
  const log: string[] = [];
  const answers = createLateAnswers();
  const connectionOf = (name: string) => ({
    cork<T>(run: () => T): T {
      log.push(`cork ${name}`);
      return run();
    },
  });
  const answer = (connection: ReturnType<typeof connectionOf>, text: string) =>
    answers.add(connection, { reply: () => void log.push(text), answer: { ok: {} } });
  return { log, connectionOf, answer };
}

test("answers for one connection that come in one turn are corked together, in their order", async () => {
  const { log, connectionOf, answer } = logged();
  const ann = connectionOf("ann");
  for (const text of ["1", "2", "3"]) answer(ann, text);
  await nextTurn();
  answer(ann, "4");
  await nextTurn();
  expect(log).toEqual(["cork ann", "1", "2", "3", "cork ann", "4"]);
});

test("answers for another connection do not wait for those of the first", async () => {
  const { log, connectionOf, answer } = logged();
  const [ann, bob] = [connectionOf("ann"), connectionOf("bob")];
  answer(ann, "1");
  answer(bob, "2");
  answer(ann, "3");
  expect(log).toEqual(["cork ann", "1", "cork bob", "2"]);
  await nextTurn();
  expect(log).toEqual(["cork ann", "1", "cork bob", "2", "cork ann", "3"]);
});
