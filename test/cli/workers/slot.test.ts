import { describe, expect, test } from "bun:test";
import type { ToWorker } from "../../../src/cli/workers/messages.ts";
import { createSlot } from "../../../src/cli/workers/slot.ts";
import type { WorkerEvents } from "../../../src/cli/workers/worker-process.ts";
import { parseConfig } from "../../../src/config/validate.ts";
import { testClock } from "../../clock.ts";
import { memoryLog } from "../../gateway.ts";

const BEGIN: ToWorker = {
  t: "begin",
  share: {
    worker: 1,
    of: 2,
    node: "n",
    port: 1,
    plainPort: undefined,
    workerPort: undefined,
    memory: undefined,
  },
  config: parseConfig({}),
  version: "1",
};
const ADDRESS = { host: "127.0.0.1", port: 1 };

/** A place whose processes do what the test says. */
function setup(chance = 1) {
  const clock = testClock();
  const log = memoryLog();
  const processes: (WorkerEvents & { readonly sent: ToWorker[]; kills: number })[] = [];
  let ends = 0;
  const slot = createSlot({
    worker: 1,
    begin: BEGIN,
    start(events) {
      const process = { ...events, sent: [] as ToWorker[], kills: 0 };
      processes.push(process);
      return {
        pid: processes.length,
        send: (message) => void process.sent.push(message),
        kill() {
          process.kills += 1;
        },
      };
    },
    onMessage() {},
    onEnd() {
      ends += 1;
    },
    clock,
    log,
    random: () => chance,
  });
  const last = () => {
    const process = processes.at(-1);
    if (process === undefined) throw new Error("none was started");
    return process;
  };
  const listen = () => last().onMessage({ t: "listening", address: ADDRESS });
  return { clock, log, slot, processes, last, listen, ends: () => ends };
}

describe("a worker's place", () => {
  test("tells its process what it is, and where it listens", async () => {
    const { slot, last, listen } = setup();
    expect([last().sent, slot.isListening]).toEqual([[BEGIN], false]);
    listen();
    expect(await slot.ready).toEqual(ADDRESS);
    expect([slot.isListening, slot.pid]).toEqual([true, 1]);
  });

  test("has another process half a second after the first one died, and says so", async () => {
    const { slot, last, listen, clock, processes, log, ends } = setup();
    listen();
    clock.advance(10_000);
    last().onEnd("SIGKILL");
    expect([slot.isListening, slot.ended, ends()]).toEqual([false, 1, 1]);
    expect(log.lines).toEqual([
      {
        level: "warn",
        text: "! a worker ended; another one starts after the pause (ms)",
        ...{ worker: 1, pid: 1, end: "SIGKILL", lived: 10_000, pause: 500 },
      },
    ]);
    clock.advance(499);
    expect(processes).toHaveLength(1);
    clock.advance(1);
    expect(processes).toHaveLength(2);
    expect(last().sent).toEqual([BEGIN]);
    listen();
    expect(log.lines.at(-1)).toMatchObject({ level: "info", worker: 1, text: "a worker listens again" });
    expect(slot.isListening).toBe(true);
  });

  test("waits twice as long after each death, half a minute at most, and never gives up", () => {
    const { last, listen, clock, log } = setup();
    listen();
    const pauses = Array.from({ length: 12 }, () => {
      last().onEnd(1);
      const pause = Number(log.lines.at(-1)?.["pause"]);
      clock.advance(pause);
      return pause;
    });
    expect(pauses.slice(0, 6)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000]);
    expect(new Set(pauses.slice(6))).toEqual(new Set([30_000]));
    expect(log.lines.at(3)?.level).toBe("warn");
    expect(log.lines.at(-1)).toMatchObject({ level: "error", failures: 12 });
    expect(log.lines.at(-1)?.text).toStartWith("! a worker ends again and again;");
  });

  test("has 45 processes at most in ten minutes, however unlucky, if each dies at once", () => {
    const { last, listen, clock, processes } = setup(0);
    listen();
    last().onEnd(1);
    for (let second = 0; second < 600; second += 1) {
      const before = processes.length;
      clock.advance(1_000);
      if (processes.length > before) last().onEnd(1);
    }
    expect(processes.length).toBeWithin(40, 46);
  });

  test("begins with the short pause again, if its process lived for a minute", () => {
    const { last, listen, clock, log } = setup();
    listen();
    for (const lived of [0, 0, 0, 59_999, 60_000]) {
      clock.advance(lived);
      last().onEnd("SIGSEGV");
      clock.advance(Number(log.lines.at(-1)?.["pause"]));
    }
    expect(log.lines.map(({ pause }) => pause)).toEqual([500, 1_000, 2_000, 4_000, 500]);
  });

  test("ends the start with what the first process says of its failure", async () => {
    const { slot, last, clock, processes } = setup();
    last().onMessage({ t: "failed", code: "LISTEN_FAILED", text: "the port is in use" });
    last().onEnd(1);
    await expect(slot.ready).rejects.toMatchObject({ code: "LISTEN_FAILED", message: "the port is in use" });
    clock.advance(60_000);
    expect(processes).toHaveLength(1);
  });

  test("ends the start if the first process crashes, and not if somebody killed it", async () => {
    const crashed = setup();
    crashed.last().onEnd(1);
    await expect(crashed.slot.ready).rejects.toThrow("worker 1 ended with exit code 1 before it listened");
    const killed = setup();
    killed.last().onEnd("SIGKILL");
    killed.clock.advance(500);
    killed.listen();
    expect(await killed.slot.ready).toEqual(ADDRESS);
  });

  test("says why a later process could not start, and goes on trying", () => {
    const { last, listen, clock, log, processes } = setup();
    listen();
    last().onEnd(1);
    clock.advance(500);
    last().onMessage({ t: "failed", code: "ENGINE_DOWN", text: "no Redis" });
    last().onEnd(1);
    expect(log.lines.at(-1)).toMatchObject({ reason: "no Redis", pause: 1_000 });
    clock.advance(1_000);
    expect(processes).toHaveLength(3);
  });
});

describe("the stop of a worker's place", () => {
  test("tells its process, and has no other one", async () => {
    const { slot, last, listen, clock, processes } = setup();
    listen();
    const stopped = slot.stop(5_000);
    expect(last().sent.at(-1)).toEqual({ t: "stop" });
    last().onEnd(0);
    expect(await stopped).toBe(0);
    clock.advance(60_000);
    expect([processes.length, clock.pending, slot.ended]).toEqual([1, 0, 0]);
  });

  test("kills a process that does not end in time, and says so", async () => {
    const { slot, last, listen, clock, log } = setup();
    listen();
    const stopped = slot.stop(5_000);
    clock.advance(5_000);
    expect(last().kills).toBe(1);
    expect(log.lines.at(-1)).toMatchObject({ level: "error", pid: 1, within: 5_000 });
    last().onEnd("SIGKILL");
    expect(await stopped).toBe("SIGKILL");
  });

  test("is over at once between two processes", async () => {
    const { slot, last, listen, clock, processes } = setup();
    listen();
    last().onEnd(1);
    expect(await slot.stop(5_000)).toBeUndefined();
    clock.advance(60_000);
    expect(processes).toHaveLength(1);
  });

  test("is none of its process that is killed for good", () => {
    const { slot, last, listen, clock, processes } = setup();
    listen();
    slot.kill();
    last().onEnd("SIGKILL");
    clock.advance(60_000);
    expect([last().kills, processes.length]).toEqual([1, 1]);
  });
});
