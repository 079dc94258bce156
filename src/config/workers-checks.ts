/** What several processes on one port cannot share: an engine of one process, a socket of the file system, a certificate made at the start. */
import { FairleadError } from "../errors.ts";
import { type KeyPath, valueAt } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import type { Config } from "./schema.ts";

/** `auto` counts as several, so that a config does not depend on the machine that checks it. */
export function workersProblems(input: unknown): Problem[] {
  const listen = valueAt(input, ["listen"]);
  const workers = valueAt(input, ["workers"]);
  return [
    ...unixProblems(listen),
    ...(isSeveral(workers)
      ? [
          ...sharedProblems(input),
          ...ownProblems(listen),
          ...advertiseProblems(input),
          ...rangeProblems(listen, workers),
        ]
      : []),
  ];
}

/** For a gateway in the process of whoever makes it. @throws FairleadError CONFIG_INVALID */
export function ofOneProcess(config: Config): Config {
  if (!isSeveral(config.workers)) return config;
  const text = `workers: ${config.workers} is for the command line, which starts the processes; from code a gateway is one process`;
  throw new FairleadError("CONFIG_INVALID", `${text}. Start it with fairlead serve, or leave workers out.`);
}

function isSeveral(workers: unknown): boolean {
  return workers === "auto" || (typeof workers === "number" && workers > 1);
}

function unixProblems(listen: unknown): Problem[] {
  if (valueAt(listen, ["unix"]) === undefined) return [];
  const hint = " A socket of the file system has one process; leave it out.";
  const asked = [
    ...(valueAt(listen, ["reusePort"]) === true ? ["reusePort"] : []),
    ...(valueAt(listen, ["workerPort"]) === undefined ? [] : ["workerPort"]),
  ];
  return asked.map((key) => ({ path: ["listen", key], text: "stands beside unix", hint }));
}

/** Whoever is sent to the port that all share meets one of them by chance, and may be sent there again. */
function advertiseProblems(input: unknown): Problem[] {
  const received = valueAt(input, ["advertise"]);
  if (received === undefined || valueAt(input, ["listen", "workerPort"]) !== undefined) return [];
  const text = "is one address, and leads to any of several workers";
  const hint = " Set listen.workerPort, which gives each a port of its own, or leave it out.";
  return [{ path: ["advertise"], text, received, hint }];
}

/** The last worker's port. */
function rangeProblems(listen: unknown, workers: unknown): Problem[] {
  const received = valueAt(listen, ["workerPort"]);
  const last = Number(received) + Number(workers) - 1;
  if (typeof received !== "number" || received === 0 || !(last > 65_535)) return [];
  const text = `leaves no port for the last of ${workers} workers`;
  return [{ path: ["listen", "workerPort"], text, received, hint: " There are 65535." }];
}

/** Each worker would have its own rooms, and a client would reach those of one of them by chance. */
function sharedProblems(input: unknown): Problem[] {
  if (valueAt(input, ["engine", "redis"]) !== undefined) return [];
  const engine = valueAt(input, ["engine", "sqlite"]) === undefined ? "memory" : "sqlite";
  const received = valueAt(input, ["workers"]);
  const text = `needs an engine that processes share, and engine ${engine} is of one process`;
  const hint = ' Set engine: { redis: "redis://127.0.0.1:6379" }, or workers: 1.';
  return [{ path: ["workers"], text, received, hint }];
}

function ownProblems(listen: unknown): Problem[] {
  const at = (key: string, text: string, hint: string): Problem[] => {
    const path: KeyPath = ["listen", key];
    return [{ path, text, hint }];
  };
  return [
    ...(valueAt(listen, ["unix"]) === undefined
      ? []
      : at(
          "unix",
          "is a socket of one process",
          " Listen on a port of 127.0.0.1 in its place, or set workers: 1.",
        )),
    ...(valueAt(listen, ["devTls"]) === true
      ? at(
          "devTls",
          "would make another certificate in each worker",
          " Name the files of one with listen.tls, or set workers: 1.",
        )
      : []),
  ];
}
