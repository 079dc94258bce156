/** The peers of a relay route whose groups are this process's own. */

import type { RelayPeers } from "./peers.ts";
import { PlainPeer } from "./plain-peer.ts";
import { createRelayParts, type RelayDeps } from "./relay.ts";
import { V1Peer } from "./v1-peer.ts";

export function createLocalPeers(deps: RelayDeps): RelayPeers {
  const relay = createRelayParts(deps);
  return {
    plain: (connection) => new PlainPeer(relay, connection),
    v1: (connection) => new V1Peer(relay, connection),
    stats: () => ({ groups: relay.groups.size, away: relay.sessions.away, queued: relay.queued() }),
    revoked: (counts) => relay.sessions.revoked(counts),
    dispose: () => relay.dispose(),
  };
}
