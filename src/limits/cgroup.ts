/**
 * How much memory the system lets this process have: the smallest limit of its control groups, version 2 or 1 (Linux, containers).
 * Failure: no such groups, or a file that cannot be read, is no limit.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

/** Version 1 writes "none" as the largest page-aligned number. */
const NONE = 2 ** 60;

/** Bytes; 0 = no limit. `root`: where the system's files lie. */
export function cgroupMemory(root = "/"): number {
  const limits = groupsOf(read(join(root, "proc/self/cgroup"))).flatMap(({ below, path, file }) =>
    // A container sees its own group as the top, and the path as its host names it.
    upwards(path).map((group) => Number.parseInt(read(join(root, below, group, file)), 10)),
  );
  const set = limits.filter((limit) => limit > 0 && limit < NONE);
  return set.length === 0 ? 0 : Math.min(...set);
}

interface Group {
  /** Where groups of this version lie. */
  readonly below: string;
  readonly path: string;
  readonly file: string;
}

/** Lines of `id:controllers:path`; version 2 has no controllers (man 7 cgroups). */
function groupsOf(text: string): Group[] {
  return text.split("\n").flatMap((line) => {
    const [, controllers = "", named = ""] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    // Outside of what a container sees, only its own top is left.
    const path = named.includes("..") ? "/" : named;
    if (path === "") return [];
    if (controllers === "") return [{ below: "sys/fs/cgroup", path, file: "memory.max" }];
    if (!controllers.split(",").includes("memory")) return [];
    return [{ below: "sys/fs/cgroup/memory", path, file: "memory.limit_in_bytes" }];
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
