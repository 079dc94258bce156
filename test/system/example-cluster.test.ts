/** The example with three nodes, as its reader runs it. */
import { expect } from "bun:test";
import { redisOnPath } from "../redis-house.ts";
import { requires } from "../requires.ts";
import { project } from "./clone.ts";
import { start } from "./program.ts";

const LAUNCHER = "bin/fairlead.mjs";

requires("redis-server", "node")(
  "whoever listens in the example of several nodes misses nothing, though its node is killed and that of the other one",
  async () => {
    const program = start(["node", LAUNCHER, "--run", "examples/cluster/cluster.ts"], {
      cwd: project,
      env: redisOnPath(),
    });
    expect(await program.ended(60)).toBe(0);
    const output = program.output();
    expect(output.match(/^kill -9 node-\d$/gm)).toHaveLength(2);
    expect(output).toMatch(/bob is on node-1\n.*bob has lost the connection.*bob is on node-[23]\n/s);
    expect(output.trimEnd()).toEndWith("bob has heard 300 of 300 messages, once and in order");
  },
  70_000,
);
