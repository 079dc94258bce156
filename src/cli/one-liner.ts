/** `fairlead echo | room | feed | relay | bridge`: one route of one kind without a config file, on its seed's address. */

import { systemClock } from "../clock.ts";
import type { Setting } from "../config/layers.ts";
import { loadConfig } from "../config/load.ts";
import type { ConfigInput } from "../config/schema.ts";
import type { RouteKind } from "../route.ts";
import { listenSettings } from "./address.ts";
import type { Arguments, Command } from "./command.ts";
import { type Flag, gatewayFlags, routeFlags } from "./flags.ts";
import { type Lifetime, withLifetime } from "./lifetime.ts";
import { runGateway } from "./run-gateway.ts";

/** Of pages that `python3 -m http.server` gives out: with the seed of echo and feed they are opened from there. */
export const TRIAL_ORIGINS = ["http://127.0.0.1:8000", "http://localhost:8000"];

export interface OneLiner extends Pick<Command, "summary" | "notes" | "examples"> {
  readonly kind: RouteKind;
  readonly preset: ConfigInput;
  /** Flags beside those that the schema gives. */
  readonly shortcuts?: readonly Flag[];
  /** A second operand: the target of a bridge. */
  readonly takesTarget?: boolean;
  /** What flags set together. */
  settings?(args: Arguments): Setting[];
  /** When it ends by itself. */
  lifetime?(args: Arguments): Lifetime | undefined;
}

export function oneLiner(options: OneLiner): Command {
  const { kind, preset, shortcuts = [], takesTarget = false, summary, notes, examples } = options;
  const ownFlags = [...shortcuts, ...routeFlags(preset)];
  return {
    summary,
    notes,
    examples,
    name: kind,
    operands: takesTarget ? "[listen] [target]" : "[listen]",
    maxOperands: takesTarget ? 2 : 1,
    flags: [...ownFlags, ...gatewayFlags(preset)],
    async run(args) {
      const [listen, target] = args.operands;
      const operands = [
        ...(listen === undefined ? [] : listenSettings(listen)),
        ...(target === undefined ? [] : targetSettings(ownFlags, target)),
      ];
      const { config } = await loadConfig({
        base: { name: `fairlead ${kind}`, preset },
        folder: process.cwd(),
        env: process.env,
        flags: [...operands, ...args.settings, ...(options.settings?.(args) ?? [])],
      });
      const lifetime = options.lifetime?.(args);
      if (lifetime === undefined) return runGateway(config);
      const watched = withLifetime(config, lifetime, systemClock);
      return runGateway(watched.config, { over: watched.over });
    },
  };
}

function targetSettings(flags: readonly Flag[], target: string) {
  return flags.find(({ name }) => name === "target")?.read([target]) ?? [];
}
