/** Boots a server under test on a core of its own, and ends it. Whatever it prints is thrown away. */
import { join } from "node:path";

/** One who takes part in a row. `command` gets a free port and, on bridges, the port of the TCP service. */
export interface Contestant {
  readonly name: string;
  /** Undefined: it is not installed here. */
  readonly command: ((port: number, targetPort: number) => readonly string[]) | undefined;
}

export interface Server {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** From spawn until the first TCP connection was accepted. */
  readonly startMs: number;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 15_000;
const SERVER_CORE = "0";
export const LOAD_CORE = "1";

export const root = join(import.meta.dir, "..");
export const isPinned = Bun.which("taskset") !== null && navigator.hardwareConcurrency > 1;

/** Moves this process with all its threads to the core of the load. */
export function pinLoad(): void {
  if (isPinned) Bun.spawnSync(["taskset", "-acp", LOAD_CORE, String(process.pid)]);
}

/** Throws when nothing listens on the port it was given within 15 s. */
export async function boot(contestant: Contestant, targetPort: number, core = SERVER_CORE): Promise<Server> {
  const port = freePort();
  const command = contestant.command?.(port, targetPort) ?? [];
  const pin = isPinned ? ["taskset", "-c", core] : [];
  const began = performance.now();
  const child = Bun.spawn([...pin, ...command], {
    cwd: root,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    running.delete(stop);
  };
  running.add(stop);
  while (!(await accepts(port))) {
    if (child.exitCode !== null)
      throw new Error(`${contestant.name} ended with ${child.exitCode}: ${command.join(" ")}`);
    if (performance.now() - began > START_LIMIT_MS)
      throw new Error(`${contestant.name} does not listen: ${command.join(" ")}`);
    await Bun.sleep(1);
  }
  return { name: contestant.name, pid: child.pid, port, startMs: performance.now() - began, stop };
}

const running = new Set<() => Promise<void>>();

/** Ends every server that still runs, for a bench that fails or is interrupted. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((stop) => stop()));
}

async function accepts(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
    socket.terminate();
    return true;
  } catch {
    return false; // refused: not yet
  }
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
