/**
 * A loaded config runs until a signal ends it, or its lifetime: in this process, or in several that this one watches. Everything a server
 * command does after reading its arguments.
 */
import { systemClock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import { usage } from "./arguments.ts";
import { printData, printTalk } from "./output.ts";
import { untilStopped } from "./signals.ts";
import { tryLines } from "./try-lines.ts";
import { countWorkers } from "./workers/count.ts";
import type { Address, Source } from "./workers/messages.ts";

export interface Running {
  /** Resolves with the reason for an end that nobody asked for by a signal. */
  readonly over?: Promise<string> | undefined;
  /** Where the config comes from, for processes that cannot be told its functions. */
  readonly source?: Source | undefined;
}

/** Returns the exit code. @throws FairleadError LISTEN_FAILED, ENGINE_DOWN */
export async function runGateway(config: Config, { over, source }: Running = {}): Promise<number> {
  const workers = countWorkers(config.workers);
  if (workers > 1) return runWorkers(config, workers, { over, source });
  const { gatewayOf } = await import("../gateway.ts"); // `--help` and `config` need none of it
  const gateway = gatewayOf(config);
  await gateway.start();
  return untilEnded(config, gateway.address, () => gateway.stop(), over);
}

async function runWorkers(config: Config, workers: number, { over, source }: Running): Promise<number> {
  if (over !== undefined) {
    throw usage(
      `nobody counts the connections of ${workers} workers together; set workers: 1 for a server that ends by itself`,
    );
  }
  const { startCrew } = await import("./workers/supervise.ts");
  const crew = await startCrew(config, workers, source);
  let isOrderly = true;
  const stop = async () => {
    isOrderly = await crew.stop();
  };
  try {
    const code = await untilEnded(config, crew.address, stop);
    return code === 0 && !isOrderly ? 1 : code;
  } finally {
    crew.kill();
  }
}

function untilEnded(
  config: Config,
  address: Address,
  stop: () => Promise<void>,
  over?: Promise<string>,
): Promise<number> {
  const ended = untilStopped(
    process,
    systemClock,
    stop,
    () => printTalk("fairlead: stopping; once more to end at once"),
    over?.then((reason) => printTalk(`fairlead: stopping, for ${reason}`)),
  );
  // It never rejects, and a server does not wait for whoever reads its stdout.
  void printData(tryLines(config, address).join("\n"));
  return ended;
}
