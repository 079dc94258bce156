/**
 * How much the system lets this process have of memory and of processors: the smallest limit of its control groups, version 2 or 1 (Linux,
 * containers). Failure: no such groups, or a file that cannot be read, is no limit.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

/** Version 1 writes "none" as the largest page-aligned number. */
const NONE = 2 ** 60;

/** Bytes; 0 = no limit. `root`: where the system's files lie. */
export function cgroupMemory(root = "/"): number {
  const limits = foldersOf(root, "memory").map(({ folder, version }) =>
    Number.parseInt(read(join(root, folder, version === 1 ? "memory.limit_in_bytes" : "memory.max")), 10),
  );
  return smallest(limits.filter((limit) => limit < NONE));
}

/** Processors, maybe with a fraction; 0 = no limit. */
export function cgroupCpus(root = "/"): number {
  const limits = foldersOf(root, "cpu").map(({ folder, version }) => {
    const [quota = "", period] =
      version === 1
        ? ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map((file) => read(join(root, folder, file)))
        : read(join(root, folder, "cpu.max")).split(" ");
    return Number.parseInt(quota, 10) / Number(period);
  });
  return smallest(limits.filter(Number.isFinite));
}

function smallest(limits: readonly number[]): number {
  const set = limits.filter((limit) => limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

interface Folder {
  /** Below the root. */
  readonly folder: string;
  readonly version: 1 | 2;
}

/** Of the groups in which this process is for that, and those above. */
function foldersOf(root: string, controller: string): Folder[] {
  return groupsOf(read(join(root, "proc/self/cgroup")), controller).flatMap(
    ({ folder: below, version, path }) =>
      // A container sees its own group as the top, and the path as its host names it.
      upwards(path).map((group) => ({ folder: join(below, group), version })),
  );
}

interface Group extends Folder {
  readonly path: string;
}

/** Lines of `id:controllers:path`; version 2 has no controllers (man 7 cgroups). */
function groupsOf(text: string, controller: string): Group[] {
  return text.split("\n").flatMap((line): Group[] => {
    const [, controllers = "", named = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // Outside of what a container sees, only its own top is left.
    const path = named.includes("..") ? "/" : named;
    if (path === "") return [];
    if (controllers === "") return [{ folder: "sys/fs/cgroup", path, version: 2 }];
    if (!controllers.split(",").includes(controller)) return [];
    return [{ folder: `sys/fs/cgroup/${controller}`, path, version: 1 }];
  });
}

/** `/a/b`, `/a`, `/`: the limit of a group above counts, too. */
function upwards(path: string): string[] {
  return path === "/" ? ["/"] : [path, ...upwards(dirname(path))];
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not this version, not this system, or not ours to see.
    return "";
  }
}
