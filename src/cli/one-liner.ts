/** `fairlead echo | room | feed | relay | bridge`: one route of one kind without a config file, on its seed's address. */
import { loadConfig } from "../config/load.ts";
import type { ConfigInput } from "../config/schema.ts";
import type { RouteKind } from "../route.ts";
import { listenSettings } from "./address.ts";
import type { Command } from "./command.ts";
import { type Flag, gatewayFlags, routeFlags } from "./flags.ts";
import { runGateway } from "./run-gateway.ts";

export interface OneLiner extends Pick<Command, "summary" | "notes" | "examples"> {
  readonly kind: RouteKind;
  readonly preset: ConfigInput;
  /** Flags beside those that the schema gives. */
  readonly shortcuts?: readonly Flag[];
  /** A second operand: the target of a bridge. */
  readonly takesTarget?: boolean;
}

export function oneLiner({ kind, preset, shortcuts = [], takesTarget = false, ...texts }: OneLiner): Command {
  const ownFlags = [...shortcuts, ...routeFlags(preset)];
  return {
    ...texts,
    name: kind,
    operands: takesTarget ? "[listen] [target]" : "[listen]",
    maxOperands: takesTarget ? 2 : 1,
    flags: [...ownFlags, ...gatewayFlags(preset)],
    async run({ operands: [listen, target], settings }) {
      const operands = [
        ...(listen === undefined ? [] : listenSettings(listen)),
        ...(target === undefined ? [] : targetSettings(ownFlags, target)),
      ];
      const { config } = await loadConfig({
        base: { name: `fairlead ${kind}`, preset },
        folder: process.cwd(),
        env: process.env,
        flags: [...operands, ...settings],
      });
      return runGateway(config);
    },
  };
}

function targetSettings(flags: readonly Flag[], target: string) {
  return flags.find(({ name }) => name === "target")?.read([target]) ?? [];
}
