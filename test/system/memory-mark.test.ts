/** `memory.max` in a process of its own, which the system would kill a little above it where there are control groups to say so. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { eventually } from "../calm.ts";
import { serve } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { ask, dial, frame, type HeadOptions, head, type RawClient, upgrade } from "../raw-client.ts";
import type { Program } from "./program.ts";

const MIB = 1024 ** 2;
const MARK = 200 * MIB;
/** The mark is 80 % of it, as by default. Resident memory may be more: pages of the program's file count elsewhere. */
const LIMIT = 250 * MIB;

const PLAIN = { Upgrade: null, Connection: null };
const PAGE = (path: string): HeadOptions => ({ path, headers: PLAIN });
const EVENTS = { path: "/feed/a", headers: { ...PLAIN, Accept: "text/event-stream" } };

/** No policy of a route acts before the mark does: it would take 800 MiB. */
const CONFIG = {
  listen: { port: 0 },
  memory: { max: MARK },
  drain: { window: 0 },
  routes: {
    "/echo": { kind: "echo", welcome: false },
    "/room/:name": { kind: "room", stallTimeout: 0, slow: { policy: "drop-oldest", highWater: 8 * MIB } },
    "/feed/:topic": { kind: "feed", publish: true, stallTimeout: 0, slow: { highWater: 8 * MIB } },
  },
};

async function start() {
  const { program, host } = await serve(["serve"], {
    cwd: folder({ "fairlead.json": JSON.stringify(CONFIG) }),
  });
  limit(program);
  return {
    host,
    resident: () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${program.pid}/status`, "utf8"))?.[1]) * 1024,
    readyz: async () => (await ask(host, PAGE("/readyz"))).body,
    async metric(name: string): Promise<number> {
      const { body } = await ask(host, PAGE("/metrics"));
      return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body)?.[1]);
    },
  };
}

/** Puts the process under LIMIT, where this machine has such groups and lets us make them. */
function limit(program: Program): void {
  const ways = [
    { below: "/sys/fs/cgroup", file: "memory.max" },
    { below: "/sys/fs/cgroup/memory", file: "memory.limit_in_bytes" },
  ];
  const way = ways.find(
    ({ below, file }) => existsSync(`${below}/cgroup.procs`) && makes(below, file, program),
  );
  if (way === undefined)
    console.warn("no control group could be made: nothing would have killed the process");
}

function makes(below: string, file: string, program: Program): boolean {
  const group = `${below}/fairlead-${program.pid}`;
  try {
    mkdirSync(group);
    onTestFinished(async () => {
      program.kill("SIGKILL");
      await program.ended();
      rmdirSync(group);
    });
    writeFileSync(`${group}/${file}`, String(LIMIT));
    writeFileSync(`${group}/cgroup.procs`, String(program.pid));
    return true;
  } catch {
    return false;
  }
}

/** Readers that take nothing, and somebody who says `mib` in all to each of them. */
async function stallReaders(host: string, options: HeadOptions, count: number): Promise<RawClient[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const client = await dial(host);
      client.write(head(options));
      await client.answer();
      client.pause();
      return client;
    }),
  );
}

describe("past memory.max", () => {
  test("the readers who lag most are cut, new ones refused, and afterwards all is well again", async () => {
    const gateway = await start();
    const { host, resident } = gateway;
    expect(await gateway.readyz()).toBe("ready\n");
    const stalled = [
      ...(await stallReaders(host, { path: "/room/big" }, 80)),
      ...(await stallReaders(host, EVENTS, 20)),
    ];
    using reading = await upgrade(host, { path: "/room/big" });
    let peak = 0;
    const refusals = new Set<string>();
    const pages = new Set<string>();
    const said = frame("x".repeat(60_000));
    for (let n = 0; n < 130; n += 1) {
      reading.write(said);
      expect((await reading.next()).payload.length).toBe(60_000);
      peak = Math.max(peak, resident());
      // Both at once: it may be over again within 25 ms.
      const [{ status, body }, page] = await Promise.all([ask(host), gateway.readyz()]);
      if (status !== 101) refusals.add(`${status} ${body.split(":")[0]}`);
      pages.add(page);
    }
    expect([...refusals]).toEqual(["503 memory"]);
    expect([...pages].sort()).toEqual(["not ready: memory\n", "ready\n"]);
    expect(peak).toBeLessThan(2 * MARK);
    expect(await gateway.metric("fairlead_memory_shed_total")).toBeWithin(1, 101);
    for (const client of stalled) client.reset();
    await eventually("memory is back", async () => (await gateway.readyz()) === "ready\n");
    using next = await upgrade(host);
    next.write(frame("and now?"));
    expect((await next.next()).payload.toString()).toBe("and now?");
  }, 30_000);
});
