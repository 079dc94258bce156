/** Reading /proc: lines as kernels write them, and this very process. */
import { expect, test } from "bun:test";
import {
  cpuSeconds,
  family,
  parseSchedstat,
  parseStat,
  parseStatus,
  residentBytes,
} from "../../bench/proc.ts";
import { eventually } from "../calm.ts";

test("the fields of stat are found if the process name holds spaces and brackets", () => {
  const line = "42 (a) b (c)) S 1 42 42 0 -1 4194560 900 0 0 0 150 25 7 8 20 0 5 0 100 1000 200";
  expect(parseStat(line)).toBe(1.75);
});

test("schedstat is nanoseconds on a CPU, then what does not matter", () => {
  expect(parseSchedstat("2500000000 17 3\n")).toBe(2.5);
});

test("a memory field of status is bytes, a missing one 0", () => {
  const text = "Name:\tbun\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
  expect(parseStatus(text, "VmRSS")).toBe(1_048_576);
  expect(parseStatus(text, "VmSwap")).toBe(0);
});

const onLinux = process.platform === "linux";

test.skipIf(!onLinux)("the CPU of a process grows by what it burns", () => {
  const before = cpuSeconds(process.pid);
  const until = process.cpuUsage().user + 60_000;
  while (process.cpuUsage().user < until);
  expect(cpuSeconds(process.pid) - before).toBeGreaterThan(0.04);
});

test.skipIf(!onLinux)("what a process started belongs to its family and its memory", async () => {
  const shell = Bun.spawn(["sh", "-c", "sleep 30 & echo up; wait"], { stdout: "pipe" });
  await shell.stdout.getReader().read();
  const ids = family(shell.pid);
  expect(ids).toHaveLength(2);
  // Until it has become sleep, the child is a copy of the shell, and its memory is another.
  await eventually("sleep", async () => (await Bun.file(`/proc/${ids[1]}/comm`).text()) === "sleep\n");
  expect(residentBytes(shell.pid)).toBeGreaterThan(residentBytes(ids[1] ?? 0));
  for (const id of ids) process.kill(id, "SIGKILL");
  await shell.exited;
});

test("a process that is gone has used nothing", () => {
  expect([cpuSeconds(2 ** 30), residentBytes(2 ** 30)]).toEqual([0, 0]);
});
