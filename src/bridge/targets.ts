/**
 * Which target a client gets: the route's only one, or the one that the path or a token names. Clients choose among targets of the
 * config and name no address, except where `allow` says which (allowed.ts). What leads nowhere is a refusal, before anything is dialled.
 */
import type { Clock } from "../clock.ts";
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import { paramsOf } from "../config/route-path.ts";
import { type Target, targetOf } from "../config/target.ts";
import type { Log } from "../log.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { AdmitRequest, Refusal } from "../route.ts";
import { shown } from "../wire/shown.ts";
import { type AskFailure, createAllowed, type Resolve } from "./targets/allowed.ts";
import { createTokens } from "./targets/tokens.ts";

const TOKEN_PARAM = "token";

export type Choice = { readonly target: Target } | { readonly refusal: Refusal };

export interface Chooser {
  choose(request: AdmitRequest): Choice | Promise<Choice>;
}

export interface ChooserOptions {
  readonly options: Pick<
    BridgeOptions,
    "target" | "targets" | "tokens" | "allow" | "dialTimeout" | "dialPending"
  >;
  /** The route's path: its parameter is the target's name. */
  readonly route: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: by DNS and the system's file of hosts. */
  readonly resolve?: Resolve | undefined;
}
type House = Omit<ChooserOptions, "options">;

/** Throws CONFIG_INVALID when the token file cannot be read. */
export function createChooser({ options, ...house }: ChooserOptions): Chooser {
  if (options.targets !== undefined) return byName(options.targets, house.route);
  if (options.tokens !== undefined) return byToken(options.tokens, house);
  if (options.allow !== undefined) return byAddress(options.allow, options, house);
  if (options.target === undefined) throw new Error("a bridge that leads nowhere was not refused");
  const choice = { target: targetOf(options.target) };
  return { choose: () => choice };
}

const UNKNOWN = { refusal: refusal("unknown_target") };

/** A map, because names come from strangers: `constructor` is a name like any other. */
function byName(targets: NonNullable<BridgeOptions["targets"]>, route: string): Chooser {
  const [param = ""] = paramsOf(route);
  const choices = new Map(
    Object.entries(targets).map(([name, written]) => [name, { target: named(name, targetOf(written)) }]),
  );
  return {
    choose: ({ params }) => choices.get(params[param] ?? "") ?? UNKNOWN,
  };
}

/** The token of the path's `:token`, where it has one, else of `?token=`, where websockify's clients write it. */
function byToken(source: string, { route, clock, log }: House): Chooser {
  const tokens = createTokens({ source, route, clock, log });
  const inPath = paramsOf(route).includes(TOKEN_PARAM);
  return {
    choose({ params, query }) {
      const target = tokens.find((inPath ? params[TOKEN_PARAM] : query.get(TOKEN_PARAM)) ?? "");
      return target === undefined ? UNKNOWN : { target };
    },
  };
}

const REFUSALS: Record<AskFailure, RefusalCode> = {
  bad: "bad_request",
  aborted: "bad_request",
  forbidden: "target_forbidden",
  refused: "upstream_refused",
  timeout: "upstream_timeout",
  busy: "upstream_busy",
};

/** The one kind of bridge whose clients say where they want to go. */
function byAddress(
  rules: readonly string[],
  { dialTimeout: timeout, dialPending: maxPending }: ChooserOptions["options"],
  { route, clock, log, resolve }: House,
): Chooser {
  const allowed = createAllowed({ rules, timeout, maxPending, clock, ...(resolve && { resolve }) });
  return {
    async choose({ query, signal, remoteAddress: ip }) {
      const [host, port] = [query.get("host") ?? "", query.get("port") ?? ""];
      const asked = await allowed.ask(host, port, signal);
      if ("target" in asked) return asked;
      const { failure, reason } = asked;
      log.info({ route, host: shown(host), port: shown(port), reason, ip }, "! target: not to be had");
      const detail = failure === "bad" ? "a target is asked for by ?host=NAME&port=NUMBER" : undefined;
      return { refusal: refusal(REFUSALS[failure], detail) };
    },
  };
}

function named(name: string, target: Target): Target {
  return { ...target, label: `${name} (${target.label})` };
}
