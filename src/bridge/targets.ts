/**
 * Which target a client gets: the route's only one, or the one that the path names. Clients choose among targets of the config,
 * they never name an address. A name that leads nowhere is a refusal, before anything is dialled.
 */
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import { paramsOf } from "../config/route-path.ts";
import { type Target, targetOf } from "../config/target.ts";
import { refusal } from "../refusals.ts";
import type { AdmitRequest, Refusal } from "../route.ts";

export type Choice = { readonly target: Target } | { readonly refusal: Refusal };

export interface Chooser {
  choose(request: AdmitRequest): Choice | Promise<Choice>;
}

export interface ChooserOptions {
  readonly options: Pick<BridgeOptions, "target" | "targets">;
  /** The route's path: its parameter is the target's name. */
  readonly route: string;
}

export function createChooser({ options, route }: ChooserOptions): Chooser {
  if (options.targets !== undefined) return byName(options.targets, route);
  if (options.target === undefined) throw new Error("a bridge that leads nowhere was not refused");
  const choice = { target: targetOf(options.target) };
  return { choose: () => choice };
}

/** A map, because names come from strangers: `constructor` is a name like any other. */
function byName(targets: NonNullable<BridgeOptions["targets"]>, route: string): Chooser {
  const [param = ""] = paramsOf(route);
  const choices = new Map(
    Object.entries(targets).map(([name, written]) => [name, { target: named(name, targetOf(written)) }]),
  );
  return {
    choose: ({ params }) => choices.get(params[param] ?? "") ?? { refusal: refusal("unknown_target") },
  };
}

function named(name: string, target: Target): Target {
  return { ...target, label: `${name} (${target.label})` };
}
