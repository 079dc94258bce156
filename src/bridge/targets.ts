/**
 * Which target a client gets: the route's only one, or the one that the path or a token names. Clients choose among targets of the
 * config and name no address, except where `allow` says which (allowed.ts). What leads nowhere is a refusal, before anything is dialled.
 * The right `connect` is asked for the name of what is asked for, before it is looked up: who lacks it does not learn whether there is one.
 */
import { lacks } from "../access.ts";
import type { Clock } from "../clock.ts";
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import { paramsOf } from "../config/route-path.ts";
import { type Target, targetOf } from "../config/target.ts";
import type { Connection } from "../connection.ts";
import { createAttempts } from "../log/attempts.ts";
import type { Log } from "../log.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { AdmitRequest, Refusal } from "../route.ts";
import { shown } from "../wire/shown.ts";
import { type Address, parseAddress, readAddress, type Unreadable } from "./targets/address.ts";
import { type AskFailure, createAllowed, type Resolve } from "./targets/allowed.ts";
import { createTokens } from "./targets/tokens.ts";

const TOKEN_PARAM = "token";

/** What the right `connect` is asked for where a client names nothing, or a secret. */
const ONLY_TARGET = { name: "target" };
const BY_TOKEN = { name: "token" };

type Refused = { readonly refusal: Refusal };
type Found = { readonly target: Target } | Refused;
/** `name`: what the right was asked for. */
export type Choice = { readonly target: Target; readonly name: string } | Refused;

export interface Chooser {
  choose(request: AdmitRequest): Choice | Promise<Choice>;
  /** What the right is asked for, of one who asks for this; undefined: the request does not say. */
  named(request: AdmitRequest): string | undefined;
  /** Why somebody may not be led to what this bridge calls `name`; undefined: it may. */
  lacks(somebody: Pick<Connection, "identity" | "may">, name: string): string | undefined;
  dispose(): void;
}

/** One of the ways in which a bridge may be told where to lead. */
interface Way<Asked extends { readonly name: string }> {
  /** What a client asks for. */
  asked(request: AdmitRequest): Asked | Refused;
  /** The name of that, where it has one. */
  named(request: AdmitRequest): string | undefined;
  find(asked: Asked, request: AdmitRequest): Found | Promise<Found>;
  /** The name of the one target that a token may be for. Absent: as the token has it. */
  claimed?(target: string): string | undefined;
  /** Ends its timers. */
  dispose?(): void;
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
  if (options.targets !== undefined) return chooserOf(byName(options.targets, house.route));
  if (options.tokens !== undefined) return chooserOf(byToken(options.tokens, house));
  if (options.allow !== undefined) return chooserOf(byAddress(options.allow, options, house));
  if (options.target === undefined) throw new Error("a bridge that leads nowhere was not refused");
  const found = { target: targetOf(options.target) };
  return chooserOf({ asked: () => ONLY_TARGET, named: () => ONLY_TARGET.name, find: () => found });
}

const FORBIDDEN = { refusal: refusal("forbidden") };
const UNKNOWN = { refusal: refusal("unknown_target") };

function chooserOf<Asked extends { readonly name: string }>(way: Way<Asked>): Chooser {
  const { claimed = (target) => target } = way;

  function lacksLead({ identity, may }: Pick<Connection, "identity" | "may">, name: string) {
    const { target } = identity;
    if (target !== undefined && claimed(target) !== name) return "the token is for another target";
    return lacks(may, "connect", name);
  }

  return {
    lacks: lacksLead,
    named: (request) => way.named(request),
    dispose: () => way.dispose?.(),
    choose(request) {
      const asked = way.asked(request);
      if ("refusal" in asked) return asked;
      const { name } = asked;
      if (lacksLead(request, name) !== undefined) return FORBIDDEN;
      const choiceOf = (found: Found): Choice => ("target" in found ? { ...found, name } : found);
      const found = way.find(asked, request);
      return found instanceof Promise ? found.then(choiceOf) : choiceOf(found);
    },
  };
}

/** A map, because names come from strangers: `constructor` is a name like any other. */
function byName(
  targets: NonNullable<BridgeOptions["targets"]>,
  route: string,
): Way<{ readonly name: string }> {
  const [param = ""] = paramsOf(route);
  const all = new Map(
    Object.entries(targets).map(([name, written]) => [name, { target: named(name, targetOf(written)) }]),
  );
  const nameOf = ({ params }: AdmitRequest) => params[param] ?? "";
  return {
    asked: (request) => ({ name: nameOf(request) }),
    named: nameOf,
    find: ({ name }) => all.get(name) ?? UNKNOWN,
  };
}

/** The token of the path's `:token`, where it has one, else of `?token=`, where websockify's clients write it. */
function byToken(source: string, { route, clock, log }: House): Way<typeof BY_TOKEN> {
  const tokens = createTokens({ source, route, clock, log });
  const inPath = paramsOf(route).includes(TOKEN_PARAM);
  const guesses = createAttempts(clock, (many) => log.warn({ route, ...many }, "! tokens are guessed"));
  return {
    asked: () => BY_TOKEN,
    named: () => BY_TOKEN.name,
    find(_, { params, query, remoteAddress }) {
      const settle = (target: Target | undefined): Found => {
        if (target !== undefined) return { target };
        guesses.count(remoteAddress);
        return UNKNOWN;
      };
      const target = tokens.find((inPath ? params[TOKEN_PARAM] : query.get(TOKEN_PARAM)) ?? "");
      return target instanceof Promise ? target.then(settle) : settle(target);
    },
    dispose: guesses.dispose,
  };
}

const REFUSALS: Record<AskFailure | Unreadable["failure"], RefusalCode> = {
  bad: "bad_request",
  aborted: "bad_request",
  forbidden: "target_forbidden",
  refused: "upstream_refused",
  timeout: "upstream_timeout",
  busy: "upstream_busy",
};
const HOW_TO_ASK = "a target is asked for by ?host=NAME&port=NUMBER";

/** The one kind of bridge whose clients say where they want to go. One whose token says it need not. */
function byAddress(
  rules: readonly string[],
  { dialTimeout: timeout, dialPending: maxPending }: ChooserOptions["options"],
  { route, clock, log, resolve }: House,
): Way<Address> {
  const allowed = createAllowed({ rules, timeout, maxPending, clock, ...(resolve && { resolve }) });

  function refused(failure: keyof typeof REFUSALS, reason: string, asked: readonly string[], ip: string) {
    const [host, port] = asked.map(shown);
    log.info({ route, host, port, reason, ip }, "! target: not to be had");
    return { refusal: refusal(REFUSALS[failure], failure === "bad" ? HOW_TO_ASK : undefined) };
  }

  return {
    asked({ query, identity, remoteAddress: ip }) {
      const [host, port] = [query.get("host") ?? "", query.get("port") ?? ""];
      const isSilent = host === "" && port === "" && identity.target !== undefined;
      const address = isSilent ? parseAddress(identity.target) : readAddress(host, port);
      return "failure" in address ? refused(address.failure, address.reason, [host, port], ip) : address;
    },
    named({ query }) {
      const address = readAddress(query.get("host") ?? "", query.get("port") ?? "");
      return "failure" in address ? undefined : address.name;
    },
    async find(address, request) {
      const found = await allowed.ask(address, request);
      if ("target" in found) return found;
      const { host, port } = address;
      return refused(found.failure, found.reason, [host, String(port)], request.remoteAddress);
    },
    claimed(target) {
      const address = parseAddress(target);
      return "failure" in address ? undefined : address.name;
    },
  };
}

function named(name: string, target: Target): Target {
  return { ...target, label: `${name} (${target.label})` };
}
