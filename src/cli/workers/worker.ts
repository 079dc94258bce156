/**
 * One of several processes on the port: a program of its own, started by `slot.ts`, which tells it what it is. It drains when it is told
 * to, on SIGTERM, and when whoever watches is gone, and is no end of a terminal's Ctrl-C. A start that fails is told, in one line, not printed.
 */
import { systemClock } from "../../clock.ts";
import { loadConfig } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { FairleadError } from "../../errors.ts";
import { gatewayOf } from "../../gateway.ts";
import { createLog } from "../../log.ts";
import { VERSION } from "../../version.ts";
import { crash, crashClearly } from "../crash.ts";
import { survivePipes } from "../output.ts";
import { type Signals, untilStopped } from "../signals.ts";
import type { FromWorker, Source, ToWorker } from "./messages.ts";
import { shareOf } from "./share.ts";
import { createSiblings } from "./siblings.ts";

type Begin = Extract<ToWorker, { t: "begin" }>;

const siblings = createSiblings(send, systemClock);
const stop = Promise.withResolvers<void>();
let isServing = false;

function send(message: FromWorker): void {
  // Whoever watches may be gone; that is told by `disconnect`.
  if (!process.connected) return;
  try {
    // With a callback: otherwise a channel that broke just now is an error of the process, which ends it.
    process.send?.(message, undefined, undefined, () => {});
  } catch {
    // The same, where the runtime throws it.
  }
}

/** Nobody is connected before it listens, so there is nothing to end in order. */
function end(): void {
  if (!isServing) process.exit(0);
  stop.resolve();
}

async function work({ config: told, share, version }: Begin): Promise<number> {
  if (version !== VERSION) {
    throw new FairleadError("USAGE", `version ${VERSION} was installed while ${version} runs; restart it`);
  }
  const config = shareOf(await configOf(told), share);
  const log = createLog(config.log, { worker: share.worker });
  const gateway = gatewayOf(config, { log, siblings: siblings.speak });
  await gateway.start();
  isServing = true;
  send({ t: "listening", address: gateway.address });
  return untilStopped(
    terminations,
    systemClock,
    () => gateway.stop(),
    () => {},
    stop.promise,
  );
}

async function configOf(told: Config | Source): Promise<Config> {
  return "routes" in told ? told : (await loadConfig({ ...told, env: process.env })).config;
}

/** SIGINT comes from a terminal, to all of its processes: whoever watches decides what it means. */
const terminations: Signals = {
  on: (signal, handler) => signal === "SIGTERM" && process.on(signal, handler),
  off: (signal, handler) => process.off(signal, handler),
};

function fail(error: unknown): number {
  if (!(error instanceof FairleadError)) return crash(error);
  send({ t: "failed", code: error.code, text: error.message });
  return 1;
}

survivePipes();
crashClearly();
process.on("SIGINT", () => {});
process.on("disconnect", end);
process.on("message", (message: ToWorker) => {
  siblings.hear(message);
  if (message.t === "stop") end();
  if (message.t === "begin")
    void work(message)
      .catch(fail)
      .then((code) => process.exit(code));
});
