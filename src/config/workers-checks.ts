/** What several processes on one port cannot share: an engine of one process, a socket of the file system, a certificate made at the start. */
import { FairleadError } from "../errors.ts";
import { type KeyPath, valueAt } from "./key-path.ts";
import type { Problem } from "./problems.ts";
import type { Config } from "./schema.ts";

/** `auto` counts as several, so that a config does not depend on the machine that checks it. */
export function workersProblems(input: unknown): Problem[] {
  const listen = valueAt(input, ["listen"]);
  return [
    ...reuseProblems(listen),
    ...(isSeveral(valueAt(input, ["workers"])) ? [...sharedProblems(input), ...ownProblems(listen)] : []),
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

function reuseProblems(listen: unknown): Problem[] {
  if (valueAt(listen, ["reusePort"]) !== true || valueAt(listen, ["unix"]) === undefined) return [];
  const hint = " A socket of the file system has one process; leave it out.";
  return [{ path: ["listen", "reusePort"], text: "stands beside unix", hint }];
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
