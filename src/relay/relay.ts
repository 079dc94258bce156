/** What all peers of one relay route have in common. It owns the timer that looks for what waits too long, as long as anything does. */
import type { Clock, Timer } from "../clock.ts";
import type { Cluster } from "../cluster.ts";
import type { RelayOptions } from "../config/kinds/relay.ts";
import type { Claims } from "../engine.ts";
import { createFairBound } from "../limits/fair-bound.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Relays } from "../relays.ts";
import { PHRASES, type Phrases } from "../wire/envelope.ts";
import { createGroups } from "./groups.ts";
import type { Mailbox, PostOffice } from "./mailbox.ts";
import { type Roles, sessionExpired } from "./roles.ts";
import { createSessions } from "./sessions.ts";

export interface RelayDeps {
  readonly options: RelayOptions;
  readonly claims: Claims;
  /** The nodes that share the claims; undefined: there is this one only. */
  readonly cluster?: Pick<Cluster, "self" | "find"> | undefined;
  readonly counters: RouteCounters;
  readonly log: Log;
  readonly clock: Clock;
  /** The configured path: two relay routes never share a group. */
  readonly name: string;
  /** Where several nodes share an engine; undefined: the groups are this process's own. Pipes always are. */
  readonly relays?: Relays | undefined;
}

export interface Relay extends Roles, RelayDeps {
  readonly options: RelayOptions;
  readonly phrases: Phrases;
  /** Milliseconds that a message may wait; Infinity = without end. */
  readonly ttl: number;
  /** Messages in all mailboxes that were not handed over. */
  queued(): number;
  dispose(): void;
}

/** A message expires at most so late, in ms. */
const SWEEP_MS = 250;

export function createRelayParts(deps: RelayDeps): Relay {
  const { options, clock, counters } = deps;
  const waiting = new Set<Mailbox>();
  let sweep: Timer | undefined;

  function expire(): void {
    const now = clock.now();
    for (const mailbox of waiting) mailbox.expire(now);
    if (waiting.size > 0) return;
    sweep?.cancel();
    sweep = undefined;
  }

  const office: PostOffice = {
    limits: options.queue,
    clock,
    counters,
    total: createFairBound(options.queue.total),
    waits(mailbox) {
      waiting.add(mailbox);
      sweep ??= clock.every(SWEEP_MS, expire);
    },
    rests: (mailbox) => void waiting.delete(mailbox),
  };
  const relay: Relay = {
    ...deps,
    phrases: PHRASES[options.language],
    ttl: options.queue.ttl || Number.POSITIVE_INFINITY,
    groups: createGroups(office),
    sessions: createSessions({
      clock,
      ...options.session,
      expired: (session) => sessionExpired(relay, session),
    }),
    queued: () => waiting.values().reduce((sum, { queued }) => sum + queued, 0),
    dispose() {
      sweep?.cancel();
      relay.sessions.dispose();
    },
  };
  return relay;
}
