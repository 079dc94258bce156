/**
 * Finds peers that are gone. Each is pinged every `ping`; without a pong or a whole message within `pong` it is closed with 4008.
 * The deadline runs only while nothing waits for the peer and we are reading from it: a reader that merely pauses is not dead.
 * A peer that takes nothing of what waits for it for `stall` is cut (1013): the close frame would wait behind the rest.
 *
 * Peers are visited in slices, so that ten thousand of them do not hold the event loop at one moment.
 */
import type { Clock, Timer } from "./clock.ts";

export interface Peer {
  /** Set by whoever sees a pong or a whole message, taken back here. A single byte of a frame is no sign of life. */
  heard: boolean;
  /** Set by whoever sees the queue shrink, taken back here. */
  drained: boolean;
  /** Clock times in ms; 0 = not. Kept on the peer, because a Map entry would cost more memory than the peer. */
  pingedAt: number;
  waitingSince: number;
  stalledSince: number;
  /** We read nothing from it, so its pongs are not seen. */
  readonly isUnread: boolean;
  buffered(): number;
  ping(): void;
  close(code: 4008, reason: string): void;
  terminate(code: 1013, reason: string): void;
}

export interface HeartbeatOptions {
  readonly ping: number;
  readonly pong: number;
  readonly stall: number;
}

export interface Heartbeat {
  add(peer: Peer): void;
  remove(peer: Peer): void;
  stop(): void;
}

const SLICES = 8;
/** A deadline is noticed at most a fifth of the shortest period late, and at most a second. */
const VISITS_PER_PERIOD = 5;
const MAX_ROUND_MS = 1_000;
const MIN_ROUND_MS = 8 * SLICES;

export function createHeartbeat(clock: Clock, options: HeartbeatOptions): Heartbeat {
  const slices = Array.from({ length: SLICES }, () => new Set<Peer>());
  const round = roundOf(options);
  let timer: Timer | undefined;
  let peers = 0;
  let turn = 0;

  function visitSlice(): void {
    turn = (turn + 1) % SLICES;
    const now = clock.now();
    for (const peer of slices[turn] ?? []) visit(peer, now, options);
  }

  function stop(): void {
    timer?.cancel();
    timer = undefined;
  }

  return {
    add(peer) {
      peer.pingedAt = clock.now();
      slices[peers % SLICES]?.add(peer);
      peers += 1;
      if (round > 0) timer ??= clock.every(round / SLICES, visitSlice);
    },
    remove(peer) {
      if (!slices.some((slice) => slice.delete(peer))) return;
      peers -= 1;
      if (peers === 0) stop();
    },
    stop,
  };
}

/** Milliseconds in which every peer is looked at once; 0 when there is nothing to look for. */
function roundOf(options: HeartbeatOptions): number {
  const periods = [options.ping, options.ping > 0 ? options.pong : 0, options.stall].filter((ms) => ms > 0);
  if (periods.length === 0) return 0;
  return Math.max(MIN_ROUND_MS, Math.min(MAX_ROUND_MS, Math.min(...periods) / VISITS_PER_PERIOD));
}

function visit(peer: Peer, now: number, options: HeartbeatOptions): void {
  const waiting = peer.buffered() > 0;
  if (waiting ? checkStall(peer, now, options.stall) : endStall(peer)) return;
  if (peer.heard || waiting || peer.isUnread) {
    peer.heard = false;
    peer.waitingSince = 0;
  }
  if (options.pong > 0 && peer.waitingSince > 0 && now - peer.waitingSince >= options.pong) {
    peer.close(4008, "no pong");
  } else if (!waiting && options.ping > 0 && now - peer.pingedAt >= options.ping) {
    ping(peer, now);
  }
}

function ping(peer: Peer, now: number): void {
  peer.pingedAt = now;
  if (peer.waitingSince === 0) peer.waitingSince = now;
  peer.ping();
}

/** True: the peer was cut. */
function checkStall(peer: Peer, now: number, stall: number): boolean {
  if (peer.drained || peer.stalledSince === 0) {
    peer.drained = false;
    peer.stalledSince = now;
  } else if (stall > 0 && now - peer.stalledSince >= stall) {
    peer.terminate(1013, "slow consumer: nothing was read");
    return true;
  }
  return false;
}

function endStall(peer: Peer): boolean {
  peer.drained = false;
  peer.stalledSince = 0;
  return false;
}
