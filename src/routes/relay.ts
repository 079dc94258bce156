/**
 * relay: two roles, center and local, meet in a group and talk through us, in envelopes or in fairlead.v1; or, in mode pipe, as they like.
 * Limits: `queue`, `session`, `timeout`, `slow`. Failure: what cannot be handed over is told to its sender, or counted where that is plain.
 */
import type { Clock, Timer } from "../clock.ts";
import type { RelayOptions } from "../config/kinds/relay.ts";
import type { CloseInfo, Connection } from "../connection.ts";
import { createLocalPeers } from "../relay/local-peers.ts";
import { isHeldBack } from "../relay/paired-flow.ts";
import type { RelayPeers } from "../relay/peers.ts";
import { createPipeRelay } from "../relay/pipe-pairs.ts";
import { PlainVoice } from "../relay/plain-voice.ts";
import type { RelayDeps } from "../relay/relay.ts";
import { createSharedPeers } from "../relay/shared/peers.ts";
import { watchSilence } from "../relay/silence.ts";
import { V1Voice } from "../relay/v1-voice.ts";
import type { Route } from "../route.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import { PROTOCOL } from "../wire/v1.ts";

/** The route of kind relay under `deps.name`. It owns its timers from `start` to `dispose`. */
export function createRelay(deps: RelayDeps): Route {
  if (deps.options.mode === "pipe") return createPipeRelay(deps);
  const { relays } = deps;
  const peers = relays === undefined ? createLocalPeers(deps) : createSharedPeers(deps, relays);
  const plain = new Set<PlainVoice>();
  const speaking = new Set<V1Voice>();
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
        const peer = peers.v1(connection);
        connection.state = peer;
        speaking.add(peer);
        welcomed();
      },
      command({ state }: Connection, command, reply, size) {
        if (state instanceof V1Voice) return state.command(command, reply, size);
      },
      lacks: ({ state }: Connection, may) => (state instanceof V1Voice ? state.lacks(may) : undefined),
    },
    admit: ({ protocols }) => ({ admitted: protocols.includes(PROTOCOL) ? { protocol: PROTOCOL } : {} }),
    start() {
      watch ??= watchForSilence(deps, plain);
    },
    open(connection: Connection) {
      const peer = peers.plain(connection);
      connection.state = peer;
      plain.add(peer);
    },
    message({ state }: Connection, data) {
      if (state instanceof PlainVoice) state.message(data);
    },
    drain(connection: Connection) {
      if (connection.state instanceof PlainVoice) connection.state.drained();
      if (leaving.has(connection)) closeWhenEmpty(connection);
    },
    close(connection: Connection, info) {
      const { state } = connection;
      leaving.delete(connection);
      if (state instanceof PlainVoice) {
        plain.delete(state);
        state.leave(reasonOf(info));
      } else if (state instanceof V1Voice) {
        speaking.delete(state);
        state.closed(reasonOf(info), info.local && info.code === 3003);
      }
    },
    finish(connection: Connection, code: CloseCode, reason) {
      const { state } = connection;
      if (state instanceof PlainVoice || state instanceof V1Voice) state.withdraw();
      leaving.set(connection, () => connection.close(code, reason));
      closeWhenEmpty(connection);
    },
    revoked: (counts) => peers.revoked(counts),
    describe: ({ state }: Connection) => describe(state),
    stats: () => statsOf(peers, [...plain, ...speaking]),
    async dispose() {
      watch?.cancel();
      await peers.dispose();
    },
  };
}

interface Watching {
  readonly clock: Clock;
  readonly options: RelayOptions;
}

function watchForSilence({ clock, options }: Watching, members: Set<PlainVoice>): Timer {
  const { timeout } = options;
  return watchSilence<PlainVoice>({
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
  const place = state instanceof PlainVoice || state instanceof V1Voice ? state.place : undefined;
  return place === undefined ? {} : { group: place.group, role: place.role };
}

/** `peers` have a role, `unregistered` not; `paused` of them all are not read from. */
function statsOf(peers: RelayPeers, all: readonly (PlainVoice | V1Voice)[]) {
  const { groups, away, queued } = peers.stats();
  const placed = all.filter(({ hasRole }) => hasRole).length;
  return {
    groups,
    peers: placed,
    unregistered: all.length - placed,
    paused: all.filter(({ conn }) => conn.isPaused).length,
    away,
    queued,
  };
}
