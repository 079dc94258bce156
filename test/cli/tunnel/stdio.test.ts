import { expect, test } from "bun:test";
import { PassThrough, Writable } from "node:stream";
import { joinStdio } from "../../../src/cli/tunnel/stdio.ts";
import { fakeBridge, settle } from "./fake-bridge.ts";

function house() {
  const far = fakeBridge();
  const input = new PassThrough();
  const output = new PassThrough();
  const code = joinStdio(far.bridge, input, output);
  return { far, input, output, code };
}

test("stdin goes to the service, and what it says to stdout", async () => {
  const { far, input, output, code } = house();
  input.write("question");
  far.say("answer");
  await settle();
  expect([far.heard, String(output.read())]).toEqual(["question", "answer"]);
  input.end();
  await settle();
  expect(far.hasEnd).toBe(true);
  far.say(" and more");
  far.end();
  expect([await code, String(output.read())]).toEqual([0, " and more"]);
});

test("it ends when the service has ended, though stdin has not", async () => {
  const { far, input, code } = house();
  input.write("unasked");
  await settle();
  far.end();
  expect([await code, far.heard, far.hasEnd, input.destroyed]).toEqual([0, "unasked", true, true]);
});

test("a bridge that is lost is exit code 1, after what came before", async () => {
  const { far, output, code } = house();
  far.say("last words");
  await settle();
  far.lose(new Error("lost"));
  expect([await code, String(output.read())]).toEqual([1, "last words"]);
});

test("a reader of stdout that goes away ends the bridge, and is no failure", async () => {
  const far = fakeBridge();
  const output = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
  output.on("error", () => {});
  const code = joinStdio(far.bridge, new PassThrough(), output);
  far.say("x");
  expect([await code, far.endedBy !== undefined]).toEqual([0, true]);
});

test("a reader of stdout that is slow makes the service wait", async () => {
  const far = fakeBridge();
  const taken: (() => void)[] = [];
  const output = new Writable({ write: (_chunk, _encoding, done) => void taken.push(() => done()) });
  const code = joinStdio(far.bridge, new PassThrough(), output);
  for (let n = 0; n < 5; n++) far.say("x");
  await settle();
  expect([taken.length, output.writableLength]).toEqual([1, 1]);
  far.end();
  for (let n = 0; n < 5; n++) {
    taken[n]?.();
    await settle();
  }
  expect([await code, taken.length]).toEqual([0, 5]);
});

test("an stdin that breaks is not taken for its end", async () => {
  const { far, input, code } = house();
  input.write("half a wor");
  await settle();
  input.destroy(new Error("EIO"));
  await settle();
  expect([far.hasEnd, String(far.endedBy)]).toEqual([false, "Error: EIO"]);
  far.lose(new Error("aborted"));
  await code;
});
