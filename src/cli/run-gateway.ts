/** A loaded config runs until a signal ends it, or its lifetime. Everything a server command does after reading its arguments. */
import { systemClock } from "../clock.ts";
import type { Config } from "../config/schema.ts";
import { printData, printTalk } from "./output.ts";
import { untilStopped } from "./signals.ts";
import { tryLines } from "./try-lines.ts";

/** Returns the exit code. `over` resolves with the reason for an end that nobody asked for by a signal. @throws FairleadError LISTEN_FAILED, ENGINE_DOWN */
export async function runGateway(config: Config, over?: Promise<string>): Promise<number> {
  const { gatewayOf } = await import("../gateway.ts"); // `--help` and `config` need none of it
  const gateway = gatewayOf(config);
  await gateway.start();
  const ended = untilStopped(
    process,
    systemClock,
    () => gateway.stop(),
    () => printTalk("fairlead: stopping; once more to end at once"),
    over?.then((reason) => printTalk(`fairlead: stopping, for ${reason}`)),
  );
  // It never rejects, and a server does not wait for whoever reads its stdout.
  void printData(tryLines(config, gateway.address).join("\n"));
  return ended;
}
