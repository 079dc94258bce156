/**
 * relay: two roles, center and local, meet in a group and talk through us, in envelopes or in fairlead.v1; or, in mode pipe, as they like.
 * Limits: `queue`, `session`, `timeout`, `slow`. Failure: what cannot be handed over is told to its sender, or counted where that is plain.
 */
import type { Timer } from "../clock.ts";
import type { CloseInfo, Connection } from "../connection.ts";
import { isHeldBack } from "../relay/paired-flow.ts";
import { createPipeRelay } from "../relay/pipe-pairs.ts";
import { PlainPeer } from "../relay/plain-peer.ts";
import { createRelayParts, type Relay, type RelayDeps } from "../relay/relay.ts";
import { watchSilence } from "../relay/silence.ts";
import { V1Peer } from "../relay/v1-peer.ts";
import type { Route } from "../route.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import { PROTOCOL } from "../wire/v1.ts";

/** The route of kind relay under `deps.name`. It owns its timers from `start` to `dispose`. */
export function createRelay(deps: RelayDeps): Route {
  if (deps.options.mode === "pipe") return createPipeRelay(deps);
  const relay = createRelayParts(deps);
  const plain = new Set<PlainPeer>();
  const speaking = new Set<V1Peer>();
  /** The gateway stops: to be closed once nothing waits for them. */
  const leaving = new Map<Connection, () => void>();
  let watch: Timer | undefined;

  function closeWhenEmpty(connection: Connection): void {
    if (connection.buffered() > 0) return;
    const close = leaving.get(connection);
    leaving.delete(connection);
    close?.();
  }

  return {
    kind: "relay",
    v1: {
      open(connection, welcomed) {
        const peer = new V1Peer(relay, connection);
        connection.state = peer;
        speaking.add(peer);
        welcomed();
      },
      command({ state }: Connection, command, reply, size) {
        if (state instanceof V1Peer) state.command(command, reply, size);
      },
      lacks: ({ state }: Connection, may) => (state instanceof V1Peer ? state.lacks(may) : undefined),
    },
    admit: ({ protocols }) => ({ admitted: protocols.includes(PROTOCOL) ? { protocol: PROTOCOL } : {} }),
    start() {
      watch ??= watchForSilence(relay, plain);
    },
    open(connection: Connection) {
      const peer = new PlainPeer(relay, connection);
      connection.state = peer;
      plain.add(peer);
    },
    message({ state }: Connection, data) {
      if (state instanceof PlainPeer) state.message(data);
    },
    drain(connection: Connection) {
      if (connection.state instanceof PlainPeer) connection.state.drained();
      if (leaving.has(connection)) closeWhenEmpty(connection);
    },
    close(connection: Connection, info) {
      const { state } = connection;
      leaving.delete(connection);
      if (state instanceof PlainPeer) {
        plain.delete(state);
        state.leave(reasonOf(info));
      } else if (state instanceof V1Peer) {
        speaking.delete(state);
        state.closed(reasonOf(info), info.local && info.code === 3003);
      }
    },
    finish(connection: Connection, code: CloseCode, reason) {
      const { state } = connection;
      if (state instanceof PlainPeer || state instanceof V1Peer) state.withdraw();
      leaving.set(connection, () => connection.close(code, reason));
      closeWhenEmpty(connection);
    },
    revoked: (counts) => relay.sessions.revoked(counts),
    describe: ({ state }: Connection) => describe(state),
    stats: () => statsOf(relay, [...plain, ...speaking]),
    async dispose() {
      watch?.cancel();
      relay.dispose();
    },
  };
}

function watchForSilence({ clock, options }: Relay, members: Set<PlainPeer>): Timer {
  const { timeout } = options;
  return watchSilence<PlainPeer>({
    clock,
    timeout,
    members,
    excused: (peer) => peer.isWaiting || isHeldBack(peer),
    silent: (peer) => peer.end(4408, `no message within ${timeout} ms`, "silent"),
  });
}

/** Why a partner is offline, in a word for the other one. */
function reasonOf({ code }: CloseInfo): string {
  return code === 4408 || code === 4008 ? "silent" : "closed";
}

/** Asked for before `open` too. */
function describe(state: unknown): Readonly<Record<string, string>> {
  const place = state instanceof PlainPeer || state instanceof V1Peer ? state.place : undefined;
  return place === undefined ? {} : { group: place.group, role: place.role };
}

/** `peers` have a role, `unregistered` not; `paused` of them all are not read from. `away`: sessions whose client is. */
function statsOf(relay: Relay, all: readonly (PlainPeer | V1Peer)[]) {
  const peers = all.filter((peer) => peer.seat?.holder === peer).length;
  return {
    groups: relay.groups.size,
    peers,
    unregistered: all.length - peers,
    paused: all.filter(({ conn }) => conn.isPaused).length,
    away: relay.sessions.away,
    queued: relay.queued(),
  };
}
