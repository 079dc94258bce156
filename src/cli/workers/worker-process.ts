/** A worker's process, as whoever watches sees it. */
import { fileURLToPath } from "node:url";
import type { FromWorker, ToWorker } from "./messages.ts";

export interface WorkerProcess {
  readonly pid: number;
  /** Without effect on one that has ended. */
  send(message: ToWorker): void;
  kill(): void;
}

/** A number, or the signal that ended it. */
export type End = number | NodeJS.Signals;

export interface WorkerEvents {
  onMessage(message: FromWorker): void;
  /** Once, after its last message. */
  onEnd(end: End): void;
}

const PROGRAM = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** Its stdout and stderr are ours. */
export function startWorker({ onMessage, onEnd }: WorkerEvents): WorkerProcess {
  const child = Bun.spawn([process.execPath, PROGRAM], {
    stdio: ["ignore", "inherit", "inherit"],
    serialization: "advanced",
    ipc: onMessage,
    onExit: (ended, code) => onEnd(code ?? ended.signalCode ?? "SIGKILL"),
  });
  return {
    pid: child.pid,
    send(message) {
      try {
        child.send(message);
      } catch {
        // Its channel is closed: that it has ended is told by onEnd.
      }
    },
    kill: () => child.kill("SIGKILL"),
  };
}
