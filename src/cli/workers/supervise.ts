/**
 * The process that watches the workers: it checks what they share once, starts them, starts anew whoever ends, and stops them all. It
 * serves nobody itself. Failure: LISTEN_FAILED and what the first start of a worker fails with; when it is killed outright, the workers drain.
 */
import { randomBytes } from "node:crypto";
import { systemClock } from "../../clock.ts";
import type { Config } from "../../config/schema.ts";
import { FairleadError } from "../../errors.ts";
import { SHARE_OF_CGROUP } from "../../limits/bounds.ts";
import { cgroupMemory } from "../../limits/cgroup.ts";
import { provePorts } from "../../listener/prove-ports.ts";
import { createLog, type Log } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { createCensus } from "./census.ts";
import type { Address, Share, Source } from "./messages.ts";
import { createSlot, type Slot } from "./slot.ts";
import { startWorker } from "./worker-process.ts";

export interface Crew {
  /** Where clients find them. */
  readonly address: Address;
  /** Drains all. Resolves with whether each of them ended in order. */
  stop(): Promise<boolean>;
  /** For an end at once, and for the end of this process. */
  kill(): void;
}

/** What follows the drain in each worker: requests that are being answered, the engine's goodbye. */
const GOODBYE_MS = 10_000;

/** Resolves once all listen. `source`: where a config with functions comes from. @throws FairleadError */
export async function startCrew(config: Config, of: number, source?: Source): Promise<Crew> {
  if (process.platform !== "linux") throw notSpread(of);
  const told = isData(config) ? config : source;
  if (told === undefined) throw notTold(of);
  const log = createLog(config.log);
  const shares = await sharesOf(config, of);
  const slots: Slot[] = [];
  const census = createCensus({ slots: () => slots, isStarted: () => isStarted, clock: systemClock });
  let isStarted = false;
  for (const [place, share] of shares.entries()) {
    slots.push(
      createSlot({
        worker: share.worker,
        begin: { t: "begin", share, config: told, version: VERSION },
        start: startWorker,
        onMessage: (message) => census.hear(place, message),
        onEnd: () => census.forget(place),
        clock: systemClock,
        log,
      }),
    );
  }
  const kill = () => {
    for (const slot of slots) slot.kill();
  };
  // Whatever ends this process ends those that could not notice: one that is still starting, one that hangs.
  const [address] = await Promise.all(slots.map(({ ready }) => ready)).catch((error: unknown) => {
    kill();
    throw error;
  });
  isStarted = true;
  log.info({ ...address, pids: slots.map(({ pid }) => pid) }, "all workers listen");
  const { delay, window } = config.drain;
  return {
    address: address ?? config.listen,
    kill,
    stop: () => stopAll(slots, delay + window + GOODBYE_MS, log),
  };
}

async function stopAll(slots: readonly Slot[], within: number, log: Log): Promise<boolean> {
  const ends = await Promise.all(slots.map((slot) => slot.stop(within)));
  // A signal that reached all processes ends one that has not begun to listen as the system does.
  const isOrderly = ends.every((end) => end === undefined || end === 0 || end === "SIGTERM");
  if (isOrderly) log.info({ workers: slots.length }, "all workers have ended");
  else log.error({ ends }, "! not all workers ended in order");
  return isOrderly;
}

async function sharesOf({ listen, node, memory: { max } }: Config, of: number): Promise<Share[]> {
  const mark = max ?? Math.floor(cgroupMemory() * SHARE_OF_CGROUP);
  const { port, plainPort, workerPorts } = await portsOf(listen, of);
  const whole = {
    of,
    node: node ?? randomBytes(6).toString("base64url"),
    memory: mark > 0 ? mark : undefined,
    ...{ port, plainPort },
  };
  return Array.from({ length: of }, (_, at) => ({ ...whole, worker: at + 1, workerPort: workerPorts[at] }));
}

async function portsOf({ host, port, plainPort, workerPort }: Config["listen"], of: number) {
  const isPlain = plainPort !== undefined;
  const own = Array.from({ length: workerPort === undefined ? 0 : of }, (_, at) =>
    workerPort === undefined || workerPort === 0 ? 0 : workerPort + at,
  );
  const [found = port, ...others] = await provePorts([
    { host, port },
    ...(isPlain ? [{ host, port: plainPort, plainPort }] : []),
    ...own.map((port) => ({ host, port, workerPort: port })),
  ]);
  return {
    port: found,
    plainPort: isPlain ? others[0] : undefined,
    workerPorts: isPlain ? others.slice(1) : others,
  };
}

/** Functions of a config in TypeScript cannot be told to another process. */
function isData(config: Config): boolean {
  try {
    structuredClone(config);
    return true;
  } catch {
    return false;
  }
}

function notSpread(of: number): FairleadError {
  const text = `workers: ${of} needs Linux, where the system spreads connections over them; this is ${process.platform}`;
  return new FairleadError("CONFIG_INVALID", `${text}. Set workers: 1.`);
}

function notTold(of: number): FairleadError {
  const text = `workers: ${of} cannot be given the functions of this config`;
  return new FairleadError(
    "CONFIG_INVALID",
    `${text}. Put them into a config file in TypeScript, or set workers: 1.`,
  );
}
