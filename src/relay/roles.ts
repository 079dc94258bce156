/**
 * Who holds a role: claims, the third peer, sessions that go on, standbys, and what the partner is told of it.
 *
 * A role is taken while its holder's connection is open. A join that names the holder's own session goes on at once; any other one
 * asks the engine for the role. Whoever takes a role whose session is away ends that session.
 * Limits: MAX_STANDBY per role; `session.ttl`, `session.max`. Failure: a claim that the engine does not grant refuses that peer only.
 */
import type { Clock } from "../clock.ts";
import type { RelayOptions } from "../config/kinds/relay.ts";
import type { Claim, Claims, EngineError } from "../engine.ts";
import type { Registration } from "../wire/envelope.ts";
import type { PeerState } from "../wire/v1.ts";
import type { Groups, Peer, RelaySession, Seat } from "./groups.ts";
import { claimName } from "./role-claims.ts";
import type { Sessions } from "./sessions.ts";

export interface Roles {
  readonly options: Pick<RelayOptions, "third" | "grace">;
  readonly claims: Claims;
  readonly clock: Clock;
  readonly groups: Groups;
  readonly sessions: Sessions;
  /** The configured path: two relay routes never share a group. */
  readonly name: string;
}

/** More of them wait for one role than anybody has use for. */
const MAX_STANDBY = 16;

/** Asks for a role; `peer` hears of it by `seated`, `standsBy` or `refused`, at once or later. `session`: to go on with, not over. */
export function arrive(roles: Roles, peer: Peer, place: Registration, session?: RelaySession): void {
  if (session?.seat.holder !== undefined) goOn(roles, session.seat, peer, session);
  else claim(roles, place, peer, session);
}

/**
 * Gives back all that a peer holds. `reason`: for its partner. `isForGood`: its session ends now, instead of waiting for its return.
 * Without effect the second time: our own closes come back through the `close` hook.
 */
export function depart(roles: Roles, peer: Peer, reason: string, isForGood: boolean): void {
  const { seat } = peer;
  if (seat === undefined) return;
  peer.seat = undefined;
  if (seat.holder === peer) vacate(roles, seat, reason, isForGood);
  else seat.standby.splice(seat.standby.indexOf(peer), 1);
  roles.groups.tidy(seat);
}

/** Its session was away for too long. */
export function sessionExpired(roles: Roles, session: RelaySession): void {
  endSession(roles, session, "abandoned");
  roles.groups.tidy(session.seat);
}

/** The older connection of the same session may not have been noticed as dead: it loses its place, and nothing more is taken from it. */
function goOn(roles: Roles, seat: Seat, peer: Peer, session: RelaySession): void {
  const { holder } = seat;
  if (holder !== undefined) {
    holder.seat = undefined;
    holder.dismissed(4590, "the session goes on over another connection");
  }
  sit(roles, seat, peer, session);
}

function claim(roles: Roles, place: Registration, peer: Peer, session: RelaySession | undefined): void {
  const bid = {};
  const name = claimName(roles.name, place);
  const takeOver = roles.options.third === "replace";
  const onLost = () => displace(roles, roles.groups.seat(place), bid);
  roles.claims.claim(name, { holder: peer.conn.id, lease: 0, takeOver, onLost }, (result) => {
    const seat = roles.groups.seat(place);
    if ("release" in result) granted(roles, seat, peer, session, result, bid);
    else denied(roles, seat, peer, session, result);
    peer.answered();
    roles.groups.tidy(seat);
  });
}

function granted(
  roles: Roles,
  seat: Seat,
  peer: Peer,
  session: RelaySession | undefined,
  claim: Claim,
  bid: object,
): void {
  if (peer.isGone || session?.isOver) {
    claim.release();
    if (!peer.isGone) peer.refused(seat, { gone: true });
    return;
  }
  seat.claim = claim;
  seat.bid = bid;
  sit(roles, seat, peer, session);
}

function denied(
  roles: Roles,
  seat: Seat,
  peer: Peer,
  session: RelaySession | undefined,
  why: { takenBy: string } | EngineError,
): void {
  if (peer.isGone) return;
  const mayWait = roles.options.third === "standby" && seat.holder !== undefined;
  if (session !== undefined && seat.holder !== undefined && seat.session === session) {
    // Another connection of the same session has asked too, and was answered first.
    goOn(roles, seat, peer, session);
  } else if ("takenBy" in why && mayWait && seat.standby.length < MAX_STANDBY) {
    seat.standby.push(peer);
    peer.seat = seat;
    peer.standsBy(seat);
  } else {
    peer.refused(seat, why);
  }
}

/** The newcomer hears first, then the partner that was there before it, then what waited comes. */
function sit(roles: Roles, seat: Seat, peer: Peer, resumed: RelaySession | undefined): void {
  const { opposite, mailbox } = seat;
  if (seat.session !== undefined && seat.session !== resumed) {
    endSession(roles, seat.session, roles.options.third === "replace" ? "inherited" : "abandoned");
  }
  seat.holder = peer;
  peer.seat = seat;
  seat.session = resumed ?? peer.newSession(seat);
  if (seat.session !== undefined) roles.sessions.attach(seat.session, peer.conn);
  dropNotice(opposite);
  peer.seated({
    seat,
    partner: stateOf(opposite),
    queued: mailbox.pending,
    info: opposite.holder === undefined ? undefined : opposite.session?.info,
  });
  // Its own greeting may have been too much for it.
  if (seat.holder !== peer) return;
  face(seat, opposite.holder);
  announce(seat, resumed !== undefined);
  mailbox.handAgain(peer);
  mailbox.flush(peer);
}

/** The engine gave the claim to somebody else. */
function displace(roles: Roles, seat: Seat, bid: object): void {
  const { holder } = seat;
  if (seat.bid !== bid || holder === undefined) {
    roles.groups.tidy(seat);
    return;
  }
  const isReplaced = roles.options.third === "replace";
  holder.seat = undefined;
  leaveSeat(roles, seat, "replaced");
  if (seat.session !== undefined) {
    // Whoever takes over ends it. Nobody may come, so it must not wait for ever.
    if (isReplaced) roles.sessions.outlive(seat.session);
    else endSession(roles, seat.session, "abandoned");
  }
  holder.dismissed(isReplaced ? 4590 : 4409, "the role went to another client");
}

function vacate(roles: Roles, seat: Seat, reason: string, isForGood: boolean): void {
  const { session, standby } = seat;
  seat.claim?.release();
  leaveSeat(roles, seat, reason);
  const next = standby.shift();
  if (session !== undefined) {
    if (isForGood || next !== undefined) endSession(roles, session, "abandoned");
    else roles.sessions.park(session);
  }
  if (next === undefined) return;
  next.seat = undefined;
  claim(roles, seat, next, undefined);
}

function leaveSeat(roles: Roles, seat: Seat, reason: string): void {
  seat.holder = undefined;
  seat.claim = undefined;
  face(seat, undefined);
  dropNotice(seat.opposite);
  noticeOffline(roles, seat, reason);
}

/** What it was handed and nobody acknowledged is for the one who takes its place, or for nobody. */
function endSession(roles: Roles, session: RelaySession, handed: "abandoned" | "inherited"): void {
  roles.sessions.end(session);
  const { seat } = session;
  if (seat.session === session) seat.session = undefined;
  if (handed === "abandoned") seat.mailbox.abandon();
}

/** Both of a pair see each other, or neither does. */
function face(seat: Seat, partner: Peer | undefined): void {
  seat.holder?.faces(partner);
  seat.opposite.holder?.faces(seat.holder);
}

/** Somebody else than before is first told as gone, also within the grace. */
function announce(seat: Seat, isResumed: boolean): void {
  const { notice } = seat;
  notice?.timer.cancel();
  seat.notice = undefined;
  if (isResumed && seat.known === "online") return;
  tell(seat, "offline", notice?.reason ?? "replaced");
  tell(seat, "online", isResumed ? "resumed" : "joined");
}

function noticeOffline({ options, clock }: Roles, seat: Seat, reason: string): void {
  if (seat.known === "offline") return;
  if (options.grace === 0 || seat.opposite.holder === undefined) {
    tell(seat, "offline", reason);
    return;
  }
  seat.notice?.timer.cancel();
  const timer = clock.after(options.grace, () => {
    seat.notice = undefined;
    tell(seat, "offline", reason);
  });
  seat.notice = { timer, reason };
}

/** Whoever was to hear of this seat has gone; the next one there learns how things stand when it gets its role. */
function dropNotice(seat: Seat): void {
  seat.notice?.timer.cancel();
  seat.notice = undefined;
  seat.known = stateOf(seat);
}

function tell(seat: Seat, state: PeerState, reason: string): void {
  if (seat.known === state) return;
  seat.known = state;
  const info = state === "online" ? seat.session?.info : undefined;
  seat.opposite.holder?.told(seat.role, state, reason, info);
}

function stateOf({ holder }: Seat): PeerState {
  return holder === undefined ? "offline" : "online";
}
