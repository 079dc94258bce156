/**
 * Connects to what is behind a bridge, before the client's upgrade is answered.
 * A dial that outlives its timeout counts as pending until the system gives it up, so a black hole cannot pile up sockets.
 */

import type { Clock } from "../clock.ts";
import type { Target } from "../config/target.ts";
import { codeOf } from "../errors.ts";
import { createFairBound, type FairBound } from "../limits/fair-bound.ts";
import { holderOf } from "../limits/holder.ts";
import type { Capacity } from "../limits.ts";
import type { Caller, Connect } from "./dial/connect.ts";
import type { Upstream, UpstreamSlot } from "./upstream.ts";
import { within } from "./within.ts";

export type DialFailure = "refused" | "untrusted" | "timeout" | "busy" | "full" | "aborted";
export type Dialed =
  | { readonly upstream: Upstream }
  | { readonly failure: DialFailure; readonly detail: string };

export interface Dialer {
  dial(target: Target, caller: Caller): Promise<Dialed>;
  /** To all targets. */
  readonly pending: number;
}

export interface DialerOptions {
  /** Milliseconds; 0 = as long as the system tries. */
  readonly timeout: number;
  /** Dials to one target under way at once, shared by those who ask (limits/fair-bound.ts); 0 = no bound. */
  readonly maxPending: number;
  /** An upstream costs descriptors, from the first packet on until it is closed. */
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly connect: Connect;
  /** Of an upstream's handler that threw. */
  readonly onBug: (error: unknown, target: string) => void;
}

/** Codes that mean "no way there", as opposed to "somebody said no". */
const UNROUTABLE = ["EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"];

/** What OpenSSL calls a certificate that does not count: CERT_HAS_EXPIRED, UNABLE_TO_VERIFY_LEAF_SIGNATURE, INVALID_CA ... */
const UNTRUSTED = /CERT|_CRL|_SIGNATURE|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/;

export function createDialer(options: DialerOptions): Dialer {
  const { timeout, maxPending, capacity, clock, connect, onBug } = options;
  const pending = createPending(maxPending);

  async function begin(target: Target, caller: Caller): Promise<Upstream> {
    const done = pending.begin(target, holderOf(caller));
    const release = once(() => capacity.give(costOf(target)));
    try {
      return await connect(target, slotFor(target, release), caller);
    } catch (error) {
      release();
      throw error;
    } finally {
      done();
    }
  }

  function slotFor({ label: target }: Target, release: () => void): UpstreamSlot {
    return { handler: undefined, target, release, failed: (error) => onBug(error, target) };
  }

  async function dial(target: Target, caller: Caller): Promise<Dialed> {
    const { user, remoteAddress, remotePort, local, signal } = caller;
    if (signal.aborted) return { failure: "aborted", detail: "the client went away" };
    if (!pending.fits(target, holderOf(caller)))
      return { failure: "busy", detail: `${pending.of(target)} dials are under way` };
    if (!capacity.take(costOf(target))) return { failure: "full", detail: "no descriptor is left" };
    const waiting = new AbortController();
    const upstream = begin(target, { user, remoteAddress, remotePort, local, signal: waiting.signal });
    const outcome = await within(upstream, { timeout, clock, signal }, (late) => late.terminate());
    if ("value" in outcome) return { upstream: outcome.value };
    if ("error" in outcome) return failureOf(outcome.error);
    waiting.abort();
    return { failure: outcome.cut, detail: outcome.detail };
  }

  return {
    dial,
    get pending() {
      return pending.total;
    },
  };
}

/** A program has three pipes and a descriptor by which the runtime hears of its end. */
function costOf({ kind }: Target): number {
  return kind === "exec" ? 4 : 1;
}

/** Dials under way, by where they go and whom they are for. No more entries than dials, and each dial holds a descriptor. */
function createPending(max: number) {
  const bounds = new Map<string, FairBound>();
  let total = 0;
  const boundOf = (target: Target) => bounds.get(placeOf(target)) ?? createFairBound(max);
  return {
    of: (target: Target) => boundOf(target).used,
    fits: (target: Target, holder: string) => boundOf(target).fits(holder, 1),
    /** The result ends it. */
    begin(target: Target, holder: string): () => void {
      const [place, bound] = [placeOf(target), boundOf(target)];
      bounds.set(place, bound);
      bound.take(holder, 1);
      total += 1;
      return () => {
        total -= 1;
        bound.give(holder, 1);
        if (bound.used === 0) bounds.delete(place);
      };
    },
    get total() {
      return total;
    },
  };
}

/** One service is one place, whatever names lead to it. No host and no kind has a blank, so no two services are one place. */
function placeOf(target: Target): string {
  if (target.kind === "unix") return `unix ${target.path}`;
  if (target.kind === "exec") return `exec ${target.command.join("\0")}`;
  return `tcp ${target.hostname} ${target.port}`;
}

function failureOf(error: unknown): Dialed {
  const code = codeOf(error);
  if (UNTRUSTED.test(code)) return { failure: "untrusted", detail: code };
  return { failure: UNROUTABLE.includes(code) ? "timeout" : "refused", detail: code };
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (!done) run();
    done = true;
  };
}
