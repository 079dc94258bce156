/** The peers of a relay route whose groups several nodes share. */
import type { Relays } from "../../relays.ts";
import { PHRASES } from "../../wire/envelope.ts";
import type { RelayPeers } from "../peers.ts";
import type { RelayDeps } from "../relay.ts";
import { createAway } from "./away.ts";
import type { SharedParts } from "./parts.ts";
import { PlainGuest } from "./plain-guest.ts";
import { V1Guest } from "./v1-guest.ts";

export function createSharedPeers(deps: RelayDeps, relays: Relays): RelayPeers {
  const { options, counters, clock, name } = deps;
  const groups = relays.open(name, options, ({ due = 0, delivered = 0, ...lost }) => {
    counters.due += due;
    counters.delivered += delivered;
    for (const reason of ["expired", "full", "ignored"] as const)
      counters.dropped[reason] += lost[reason] ?? 0;
  });
  const now = () => clock.now();
  const away = createAway({ now, ...options.session });
  const parts: SharedParts = {
    ...deps,
    phrases: PHRASES[options.language],
    groups,
    away,
    ttl: options.queue.ttl || Number.POSITIVE_INFINITY,
    now,
  };
  return {
    plain: (connection) => new PlainGuest(parts, connection),
    v1: (connection) => new V1Guest(parts, connection),
    stats: () => groups.sums(),
    revoked: (counts) => away.revoked(counts),
    dispose: () => groups.close(),
  };
}
