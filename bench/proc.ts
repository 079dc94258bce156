/**
 * What a process and its children have used, from /proc. Linux only; elsewhere the bench says so and stops.
 * CPU is the scheduler's own nanosecond count where the kernel has it (`schedstat`), else utime + stime in ticks of 10 ms.
 */
import { readdirSync, readFileSync } from "node:fs";
import { median } from "./table.ts";

/** USER_HZ is 100 on every Linux ABI that Bun runs on. */
const TICK_SECONDS = 0.01;

/** Seconds of CPU of one `/proc/PID/stat` line. The name may hold spaces and brackets, so count from its last bracket. */
export function parseStat(line: string): number {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}

/** Seconds on a CPU of one `schedstat` line. */
export function parseSchedstat(line: string): number {
  return Number(line.split(" ")[0]) / 1e9;
}

/** A memory field of `/proc/PID/status` in bytes, 0 when it is not there. */
export function parseStatus(text: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text);
  return match === null ? 0 : Number(match[1]) * 1024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the thread or process ended between listing and reading
  }
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The process and all that it started: websockify forks one process per connection. */
export function family(pid: number): number[] {
  const children = threads(pid).flatMap((tid) =>
    (read(`/proc/${pid}/task/${tid}/children`) ?? "").split(" ").filter((id) => id !== ""),
  );
  return [pid, ...children.flatMap((id) => family(Number(id)))];
}

/** A kernel built without scheduler statistics has the file and writes zeros into it. */
function threadSeconds(pid: number, tid: string): number {
  const precise = parseSchedstat(read(`/proc/${pid}/task/${tid}/schedstat`) ?? "0");
  if (precise > 0) return precise;
  const line = read(`/proc/${pid}/task/${tid}/stat`);
  return line === undefined ? 0 : parseStat(line);
}

/** CPU seconds so far: all threads that live, of the process and all its children that live. */
export function cpuSeconds(pid: number): number {
  const all = family(pid).flatMap((id) => threads(id).map((tid) => threadSeconds(id, tid)));
  return all.reduce((sum, seconds) => sum + seconds, 0);
}

/** Resident bytes now, all children included. */
export function residentBytes(pid: number): number {
  return family(pid).reduce((sum, id) => sum + parseStatus(read(`/proc/${id}/status`) ?? "", "VmRSS"), 0);
}

/** The most that was ever resident at once, of the process alone. */
export function peakBytes(pid: number): number {
  return parseStatus(read(`/proc/${pid}/status`) ?? "", "VmHWM");
}

/** What is left behind is collected when the server has rested for a while. */
const REST_MS = 3_000;

/** Resident bytes after a rest; the middle of a few looks, because a collector may be at work. */
export async function rested(pid: number): Promise<number> {
  await Bun.sleep(REST_MS);
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    looks.push(residentBytes(pid));
    await Bun.sleep(100);
  }
  return median(looks);
}
