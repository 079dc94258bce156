/**
 * Targets that clients ask for by `?host=` and `?port=`, as far as the rules of `allow` go. A name is resolved once, each of its addresses is
 * checked, and the first of those is what is dialled, so that no second answer of its DNS can lead elsewhere. An address in a special range
 * (network.ts) needs a rule for a network of that range, also behind a name that a rule lists: whoever answers for a name is not who wrote the rule.
 * Limits: `dialTimeout` for the answer, `dialPending` questions under way. Failure: one refusal; nothing is asked that no rule could allow.
 */

import type { Clock } from "../../clock.ts";
import { parseAllowRule } from "../../config/allow-rule.ts";
import type { Target } from "../../config/target.ts";
import { codeOf } from "../../errors.ts";
import { createFairBound } from "../../limits/fair-bound.ts";
import { holderOf } from "../../limits/holder.ts";
import { isSpecial, type Network, networkOf } from "../../network.ts";
import type { Caller } from "../dial/connect.ts";
import { within } from "../within.ts";
import { type Address, isAddress } from "./address.ts";

/** Addresses of a name, at least one. Rejects when there is none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export type AskFailure = "forbidden" | "refused" | "timeout" | "busy" | "aborted";
/** `reason` is for the log. */
export type Asked = { readonly target: Target } | { readonly failure: AskFailure; readonly reason: string };

export interface AllowedOptions {
  readonly rules: readonly string[];
  /** Milliseconds; 0 = as long as the system asks. */
  readonly timeout: number;
  /** Questions under way at once, shared by those who ask; 0 = no bound. One that has timed out counts until it has its answer. */
  readonly maxPending: number;
  readonly clock: Clock;
  /** Default: by DNS and the system's file of hosts. */
  readonly resolve?: Resolve;
}

type Asking = Pick<Caller, "user" | "remoteAddress" | "signal">;

export interface Allowed {
  ask(address: Address, caller: Asking): Promise<Asked>;
}

interface Rules {
  readonly names: readonly string[];
  readonly networks: readonly Network[];
}

/**
 * Not the system's own function: each call of that holds a thread of the runtime until it has its answer, and names whose servers are silent
 * would leave none for files, recordings among them. The name is in lower case: the file of hosts is searched for it letter for letter.
 */
const resolveByDns: Resolve = async (name) =>
  (await Bun.dns.lookup(name, { backend: "c-ares" })).map(({ address }) => address);

export function createAllowed(options: AllowedOptions): Allowed {
  const { timeout, maxPending, clock, resolve = resolveByDns } = options;
  const rulesFor = compile(options.rules);
  const pending = createFairBound(maxPending);

  async function count(holder: string, question: Promise<readonly string[]>): Promise<readonly string[]> {
    pending.take(holder, 1);
    try {
      return await question;
    } finally {
      pending.give(holder, 1);
    }
  }

  async function ofName({ host, port, name }: Address, rules: Rules, caller: Asking): Promise<Asked> {
    const isListed = rules.names.includes(host);
    if (!isListed && rules.networks.length === 0) return forbidden("no rule has this name and port");
    const holder = holderOf(caller);
    if (!pending.fits(holder, 1)) return { failure: "busy", reason: `names under way: ${pending.used}` };
    const answer = await within(count(holder, resolve(host)), { timeout, clock, signal: caller.signal });
    if ("cut" in answer) return { failure: answer.cut, reason: `its name: ${answer.detail}` };
    // Who may not reach a name does not learn whether there is one.
    if ("error" in answer)
      return { failure: isListed ? "refused" : "forbidden", reason: codeOf(answer.error) };
    const refused = answer.value.find((address) => !permits(rules, address, isListed));
    if (refused !== undefined) return forbidden(`it leads to ${refused}, which no rule allows`);
    const [address] = answer.value;
    if (address === undefined) return forbidden("it leads nowhere");
    return targetAt(address, port, `${name} (${address})`);
  }

  return {
    async ask(address, caller) {
      const { host, port, isName, name } = address;
      const rules = rulesFor(port);
      if (isName) return ofName(address, rules, caller);
      return permits(rules, host, false)
        ? targetAt(host, port, name)
        : forbidden("no rule allows this address and port");
    },
  };
}

/** The rules that count for a port. */
function compile(texts: readonly string[]): (port: number) => Rules {
  const rules = texts.map(parseAllowRule).filter((rule) => rule !== undefined);
  const compiled = rules.map(({ port, of }) => ({
    port,
    names: "name" in of ? [of.name] : [],
    networks: "name" in of ? [] : [networkOf(of)],
  }));
  return (asked) => {
    const here = compiled.filter(({ port }) => port === undefined || port === asked);
    return {
      names: here.flatMap(({ names }) => names),
      networks: here.flatMap(({ networks }) => networks),
    };
  };
}

function permits({ networks }: Rules, address: string, isListed: boolean): boolean {
  if (!isAddress(address)) return false;
  const having = networks.filter((network) => network.has(address));
  return isSpecial(address) ? having.some((network) => network.isSpecial) : isListed || having.length > 0;
}

function forbidden(reason: string): Asked {
  return { failure: "forbidden", reason };
}

function targetAt(hostname: string, port: number, label: string): Asked {
  return { target: { kind: "tcp", label, hostname, port } };
}
