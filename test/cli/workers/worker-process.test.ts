import { describe, expect, onTestFinished, test } from "bun:test";
import type { FromWorker, ToWorker } from "../../../src/cli/workers/messages.ts";
import { type End, startWorker } from "../../../src/cli/workers/worker-process.ts";
import { parseConfig } from "../../../src/config/validate.ts";
import { VERSION } from "../../../src/version.ts";
import { bounded } from "../../raw-client.ts";

function begin(version: string, port: number): ToWorker {
  const share = {
    worker: 1,
    of: 2,
    node: "n",
    port,
    plainPort: undefined,
    workerPort: undefined,
    memory: undefined,
  };
  return { t: "begin", share, config: parseConfig({ log: { level: "silent" } }), version };
}

/** A worker's process, what it says, and how it ends. */
function start() {
  const ended = Promise.withResolvers<End>();
  const heard: FromWorker[] = [];
  let listen: (message: FromWorker) => void = () => {};
  const worker = startWorker({
    onMessage(message) {
      heard.push(message);
      listen(message);
    },
    onEnd: ended.resolve,
  });
  onTestFinished(worker.kill);
  const first = new Promise<FromWorker>((resolve) => {
    listen = resolve;
  });
  return {
    worker,
    heard,
    first: () => bounded("a message", first),
    ended: () => bounded("its end", ended.promise),
  };
}

describe("a worker's process", () => {
  test("says where it listens, and ends in order when it is told to", async () => {
    const { worker, first, ended } = start();
    worker.send(begin(VERSION, 0));
    expect(await first()).toEqual({
      t: "listening",
      address: { host: "127.0.0.1", port: expect.any(Number) },
    });
    worker.send({ t: "stop" });
    expect(await ended()).toBe(0);
    worker.send({ t: "stop" });
  });

  test("ends at once if it is told to before it has begun", async () => {
    const { worker, ended, heard } = start();
    worker.send({ t: "stop" });
    expect([await ended(), heard]).toEqual([0, []]);
  });

  test("does not start with another version than whoever watches has", async () => {
    const { worker, first, ended } = start();
    worker.send(begin("0.0.1", 0));
    expect(await first()).toEqual({
      t: "failed",
      code: "USAGE",
      text: `version ${VERSION} was installed while 0.0.1 runs; restart it`,
    });
    expect(await ended()).toBe(1);
  });

  test("says in one line why it cannot listen", async () => {
    const { worker, first } = start();
    worker.send({
      ...begin(VERSION, 0),
      config: parseConfig({ listen: { host: "203.0.113.1" } }),
    } as ToWorker);
    expect(await first()).toMatchObject({ t: "failed", code: "LISTEN_FAILED" });
  });

  test("is ended by a signal as such", async () => {
    const { worker, ended } = start();
    worker.kill();
    expect(await ended()).toBe("SIGKILL");
  });
});
