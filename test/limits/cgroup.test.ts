import { describe, expect, test } from "bun:test";
import { cgroupCpus, cgroupMemory } from "../../src/limits/cgroup.ts";
import { folder } from "../folder.ts";

/** The system's files as a process sees them. */
const limitWith = (files: Readonly<Record<string, string>>) => cgroupMemory(folder(files));

const V2 = "sys/fs/cgroup";
const V1 = "sys/fs/cgroup/memory";

describe("the memory of a control group", () => {
  test("is its limit, version 2", () => {
    expect(limitWith({ "proc/self/cgroup": "0::/app\n", [`${V2}/app/memory.max`]: "209715200\n" })).toBe(
      209_715_200,
    );
  });

  test("is its limit, version 1, beside other controllers", () => {
    const groups = "9:name=systemd:/\n4:cpu,memory:/box/app\n0::/\n";
    const files = { "proc/self/cgroup": groups, [`${V1}/box/app/memory.limit_in_bytes`]: "1048576\n" };
    expect(limitWith(files)).toBe(1_048_576);
  });

  test("is that of a group above, if that is less", () => {
    const files = {
      "proc/self/cgroup": "0::/slice/app.service\n",
      [`${V2}/slice/app.service/memory.max`]: "max\n",
      [`${V2}/slice/memory.max`]: "3000000\n",
    };
    expect(limitWith(files)).toBe(3_000_000);
    expect(limitWith({ ...files, [`${V2}/slice/app.service/memory.max`]: "2000000\n" })).toBe(2_000_000);
  });

  test("is the top's in a container, which knows its path by its host's name only", () => {
    const files = { "proc/self/cgroup": "0::/../../host-name\n", [`${V2}/memory.max`]: "5000000\n" };
    expect(limitWith(files)).toBe(5_000_000);
    expect(limitWith({ ...files, "proc/self/cgroup": "0::/\n" })).toBe(5_000_000);
    expect(
      limitWith({
        ...files,
        "proc/self/cgroup": "4:memory:/docker/1a2b\n",
        [`${V1}/memory.limit_in_bytes`]: "7",
      }),
    ).toBe(7);
  });

  test.each([
    ["nobody set one", { "proc/self/cgroup": "0::/app\n", [`${V2}/app/memory.max`]: "max\n" }],
    [
      "version 1 writes its largest number",
      { "proc/self/cgroup": "4:memory:/\n", [`${V1}/memory.limit_in_bytes`]: "9223372036854771712\n" },
    ],
    ["there are no groups", {}],
    [
      "the file is garbage",
      { "proc/self/cgroup": "garbage\n0:memory\n::\n0::/app", [`${V2}/app/memory.max`]: "x" },
    ],
  ])("is 0 if %s", (_, files) => {
    expect(limitWith(files)).toBe(0);
  });
});

describe("the processors of a control group", () => {
  const cpusWith = (files: Readonly<Record<string, string>>) => cgroupCpus(folder(files));

  test("are its share of time, version 2, and the least of those above", () => {
    const files = { "proc/self/cgroup": "0::/slice/app\n", [`${V2}/slice/app/cpu.max`]: "250000 100000\n" };
    expect(cpusWith(files)).toBe(2.5);
    expect(cpusWith({ ...files, [`${V2}/slice/cpu.max`]: "50000 50000\n" })).toBe(1);
  });

  test("are its share of time, version 1", () => {
    const at = "sys/fs/cgroup/cpu/box";
    const files = {
      "proc/self/cgroup": "4:cpu,cpuacct:/box\n3:memory:/other\n",
      [`${at}/cpu.cfs_quota_us`]: "300000\n",
      [`${at}/cpu.cfs_period_us`]: "100000\n",
    };
    expect(cpusWith(files)).toBe(3);
    expect(cpusWith({ ...files, [`${at}/cpu.cfs_quota_us`]: "-1\n" })).toBe(0);
  });

  test.each([
    ["nobody set one", { "proc/self/cgroup": "0::/app\n", [`${V2}/app/cpu.max`]: "max 100000\n" }],
    ["there are no groups", {}],
    ["the file is garbage", { "proc/self/cgroup": "0::/app\n", [`${V2}/app/cpu.max`]: "5\n" }],
    ["the period is 0", { "proc/self/cgroup": "0::/app\n", [`${V2}/app/cpu.max`]: "5 0\n" }],
  ])("are 0 if %s", (_, files) => {
    expect(cpusWith(files)).toBe(0);
  });
});
