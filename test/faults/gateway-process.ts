/** The program in a process of its own, from a config, so that it can be stopped, killed, starved and looked at. */
import { readFileSync } from "node:fs";
import type { ConfigInput } from "../../src/config/schema.ts";
import { main } from "../cli/fairlead.ts";
import { folder } from "../folder.ts";
import { type Program, start } from "../system/program.ts";

export interface GatewayProcess {
  readonly program: Program;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** The value of one series of `/metrics`; 0 where it does not exist. */
  metric(series: string): Promise<number>;
  residentBytes(): number;
  /** Seconds of CPU so far. */
  cpuSeconds(): number;
}

export interface ProcessOptions {
  /** What runs the program: its command is added. */
  readonly under?: readonly string[];
  readonly cwd?: string;
}

const ARGUMENTS = ["--config", "fairlead.json"];

/** Resolves once it listens. Killed when the test ends. */
export async function gatewayProcess(
  config: ConfigInput,
  { under = [], cwd = folder() }: ProcessOptions = {},
): Promise<GatewayProcess> {
  await Bun.write(`${cwd}/fairlead.json`, JSON.stringify(config));
  const program = start([...under, process.execPath, main, "serve", ...ARGUMENTS], { cwd });
  const [, host = ""] = await program.says(/listens on http:\/\/(\S+)/);
  return {
    program,
    host,
    async metric(series) {
      const text = await (await fetch(`http://${host}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    residentBytes() {
      const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    cpuSeconds() {
      const stat = readFileSync(`/proc/${program.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      // utime and stime, in ticks of 10 ms on every Linux that Bun runs on.
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
  };
}

/** A port that nobody has at the moment, for a gateway that comes back where it was. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
