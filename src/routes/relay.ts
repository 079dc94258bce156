/**
 * relay: two roles, center and local, meet in a group and talk through us. For plain clients.
 *
 * Life of a peer: open; its first envelope claims a role in a group; then its messages go to its partner; it leaves once, because
 * it closed, was silent for `timeout`, or said `disconnect`. A role has one holder; who comes later is turned away with 4409.
 * Limits: `paired-flow.ts` bounds what waits for a peer, MAX_AHEAD_OF_CLAIM what waits for an answer of the engine, and
 * MAX_BAD_IN_A_ROW our patience. Failure: a bad message is answered, never thrown; a claim that fails closes with 1013.
 */
import type { Clock, Timer } from "../clock.ts";
import type { RelayOptions } from "../config/kinds/relay.ts";
import type { Connection, Data } from "../connection.ts";
import type { Claim, Claims, EngineError } from "../engine.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import { caughtUp, type FlowEnd, isHeldBack, keepsUp, regulate } from "../relay/paired-flow.ts";
import { type Watched, watchSilence } from "../relay/silence.ts";
import type { Route } from "../route.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import type { Envelope, Phrases, Problem, Registration, Role } from "../wire/envelope.ts";
import {
  endEnvelope,
  otherRole,
  PHRASES,
  parseEnvelope,
  parseRegistration,
  startEnvelope,
} from "../wire/envelope.ts";

/** A client that talks something else is told a few times, then let go. */
const MAX_BAD_IN_A_ROW = 10;
/** Messages kept while a claim is answered. The peer is paused meanwhile, so their bytes are those of one read. */
const MAX_AHEAD_OF_CLAIM = 1_024;

export interface RelayDeps {
  readonly options: RelayOptions;
  readonly claims: Claims;
  readonly counters: RouteCounters;
  readonly log: Log;
  readonly clock: Clock;
  /** The configured path: two relay routes never share a group. */
  readonly name: string;
}

interface Relay extends RelayDeps {
  readonly phrases: Phrases;
  readonly peers: Set<Peer>;
  readonly groups: Map<string, Partial<Record<Role, Peer>>>;
}

/** One connection until it leaves. */
interface Peer extends FlowEnd, Watched {
  readonly conn: Connection<Peer>;
  partner: Peer | undefined;
  /** Undefined until its claim was granted. */
  seat: Seat | undefined;
  /** Its claim has no answer yet; what it says meanwhile is kept in `ahead`. */
  isWaiting: boolean;
  ahead: string[];
  badInARow: number;
}

/** A role held in a group, and the texts that stay the same for as long as it is held. */
interface Seat extends Registration {
  readonly claim: Claim;
  /** How each message to the partner starts. */
  readonly toPartner: string;
  readonly sent: string;
  readonly heartbeat: string;
}

type Refused = { readonly takenBy: string } | EngineError;

/** The route of kind relay under `deps.name`. It owns one timer (none when `timeout` is 0) from `start` to `dispose`. */
export function createRelay(deps: RelayDeps): Route {
  const { options } = deps;
  const relay: Relay = {
    ...deps,
    phrases: PHRASES[options.language],
    peers: new Set(),
    groups: new Map(),
  };
  let watch: Timer | undefined;
  return {
    kind: "relay",
    start() {
      watch ??= watchForSilence(relay);
    },
    open: (connection: Connection<Peer>) => open(relay, connection),
    message: (connection: Connection<Peer>, data) => message(relay, connection.state, data),
    drain: (connection: Connection<Peer>) => caughtUp(connection.state, options.slow),
    close: (connection: Connection<Peer>) => leave(relay, connection.state),
    describe: (connection: Connection<Peer | undefined>) => describe(connection.state),
    stats: () => statsOf(relay),
    async dispose() {
      watch?.cancel();
    },
  };
}

function watchForSilence(relay: Relay): Timer {
  const { clock, options } = relay;
  return watchSilence<Peer>({
    clock,
    timeout: options.timeout,
    members: relay.peers,
    excused: isHeldBack,
    silent: (peer) => end(relay, peer, 4408, `no message within ${options.timeout} ms`),
  });
}

function open(relay: Relay, conn: Connection<Peer>): void {
  const peer: Peer = {
    conn,
    heard: false,
    deadline: relay.clock.now() + relay.options.timeout,
    partner: undefined,
    lagging: false,
    seat: undefined,
    isWaiting: false,
    ahead: [],
    badInARow: 0,
  };
  conn.state = peer;
  relay.peers.add(peer);
}

function message(relay: Relay, peer: Peer, data: Data): void {
  peer.heard = true;
  if (typeof data !== "string") drop(relay, "ignored");
  else if (!peer.isWaiting) read(relay, peer, data);
  else if (peer.ahead.length < MAX_AHEAD_OF_CLAIM) peer.ahead.push(data);
  else end(relay, peer, 1008, `more than ${MAX_AHEAD_OF_CLAIM} messages before the first was answered`);
}

function read(relay: Relay, peer: Peer, text: string): void {
  const parsed = parseEnvelope(text);
  if ("problem" in parsed) complain(relay, peer, parsed.problem);
  else if (peer.seat === undefined) register(relay, peer, parsed.envelope);
  else dispatch(relay, peer, peer.seat, parsed.envelope);
}

/** What a registered peer says. Any other `message_type` is between the partners and passes as it is. */
function dispatch(relay: Relay, peer: Peer, seat: Seat, envelope: Envelope): void {
  peer.badInARow = 0;
  if (envelope.message_type === "heartbeat") tell(relay, peer, seat.heartbeat);
  else if (envelope.message_type === "disconnect") end(relay, peer, 1000, "disconnect");
  // A role talks to the other one only; what it addresses to itself has no reader.
  else if (envelope.receiver_type === seat.role) drop(relay, "ignored");
  else forward(relay, peer, seat, envelope);
}

/** Three fields are constant per sender, so only content and type are encoded here. */
function forward(relay: Relay, peer: Peer, seat: Seat, envelope: Envelope): void {
  const { counters, options } = relay;
  const { partner } = peer;
  if (partner?.conn.isOpen) {
    counters.due += 1;
    counters.delivered += 1;
    tell(relay, partner, seat.toPartner + endEnvelope(envelope.content, envelope.message_type));
    if (options.confirm !== false) tell(relay, peer, seat.sent);
  } else {
    drop(relay, "absent");
    if (options.confirm === "always") tell(relay, peer, seat.sent);
  }
}

/** due = delivered + dropped: what found no reader was due to one all the same. */
function drop({ counters }: Relay, reason: "absent" | "ignored"): void {
  counters.due += 1;
  counters.dropped[reason] += 1;
}

function complain(relay: Relay, peer: Peer, problem: Problem): void {
  const { group, role } = peer.seat ?? { group: "", role: "" as const };
  tell(
    relay,
    peer,
    startEnvelope(group, "server", role) + endEnvelope(relay.phrases.problem(problem), "error"),
  );
  peer.badInARow += 1;
  if (peer.badInARow < MAX_BAD_IN_A_ROW) return;
  end(relay, peer, 1008, `${MAX_BAD_IN_A_ROW} messages in a row were not envelopes`);
}

/** The first envelope asks for a role, whatever else it says. */
function register(relay: Relay, peer: Peer, envelope: Envelope): void {
  const wanted = parseRegistration(envelope);
  if ("problem" in wanted) {
    complain(relay, peer, wanted.problem);
    return;
  }
  peer.badInARow = 0;
  peer.isWaiting = true;
  const name = `${relay.name}\0${wanted.group}\0${wanted.role}`;
  const onLost = () => end(relay, peer, 4409, "the role went to another client");
  relay.claims.claim(name, { holder: peer.conn.id, lease: 0, takeOver: false, onLost }, (result) =>
    answer(relay, peer, wanted, result),
  );
  regulate(peer);
}

/** A claim's answer; the peer may have left since it asked. */
function answer(relay: Relay, peer: Peer, wanted: Registration, result: Claim | Refused): void {
  const { ahead } = peer;
  peer.ahead = [];
  peer.isWaiting = false;
  if (!relay.peers.has(peer)) {
    if ("release" in result) result.release();
  } else if ("release" in result) {
    sit(relay, peer, wanted, result);
    for (const text of ahead) if (relay.peers.has(peer)) read(relay, peer, text);
    regulate(peer);
  } else {
    // A paused connection would not see the client's answer to the close.
    regulate(peer);
    turnAway(relay, peer, wanted, result);
  }
}

function turnAway(relay: Relay, peer: Peer, { group, role }: Registration, why: Refused): void {
  if ("takenBy" in why) {
    const rejection = endEnvelope(relay.phrases.rejected, "rejection");
    tell(relay, peer, startEnvelope(group, "server", role) + rejection);
    end(relay, peer, 4409, `the group has a ${role} already`);
  } else {
    relay.log.warn({ conn: peer.conn.id, route: relay.name, code: 1013, reason: why.text }, "! no claim");
    end(relay, peer, 1013, "roles cannot be given out now, try again later");
  }
}

/** Gives a peer the role it claimed: it is told first, then the partner that was there before it. */
function sit(relay: Relay, peer: Peer, { group, role }: Registration, claim: Claim): void {
  const { phrases, groups } = relay;
  const fromServer = startEnvelope(group, "server", role);
  peer.seat = {
    group,
    role,
    claim,
    toPartner: startEnvelope(group, role, otherRole(role)),
    sent: fromServer + endEnvelope(phrases.sent, null),
    heartbeat: fromServer + endEnvelope(phrases.heartbeat, "heartbeat"),
  };
  const members = groups.get(group) ?? {};
  groups.set(group, members);
  members[role] = peer;
  tell(relay, peer, fromServer + endEnvelope(phrases.connected(crypto.randomUUID()), null));
  const partner = members[otherRole(role)];
  // The policy `close` may have ended the peer over its first message.
  if (partner === undefined || !relay.peers.has(peer)) return;
  peer.partner = partner;
  partner.partner = peer;
  const online = endEnvelope(phrases.online(role), "connect");
  tell(relay, partner, startEnvelope(group, "server", otherRole(role)) + online);
}

/** Leaving comes first: when the client hears of its close, the role is free and the partner has been told. */
function end(relay: Relay, peer: Peer, code: CloseCode, reason: string): void {
  leave(relay, peer);
  peer.conn.close(code, reason);
}

/** Gives back everything a peer holds. Without effect the second time: our own closes come back through the `close` hook. */
function leave(relay: Relay, peer: Peer): void {
  const { seat, partner } = peer;
  if (!relay.peers.delete(peer) || seat === undefined) return;
  const { group, role } = seat;
  const members = relay.groups.get(group);
  delete members?.[role];
  if (members?.[otherRole(role)] === undefined) relay.groups.delete(group);
  seat.claim.release();
  if (partner === undefined) return;
  peer.partner = undefined;
  partner.partner = undefined;
  const offline = endEnvelope(relay.phrases.offline(role), "disconnect");
  tell(relay, partner, startEnvelope(group, "server", otherRole(role)) + offline);
  regulate(partner);
}

/** Every message to a peer goes through here, so that its queue is seen when it grows. */
function tell(relay: Relay, peer: Peer, text: string): void {
  const { slow, maxMessage } = relay.options;
  if (peer.conn.send(text) || keepsUp(peer, slow, maxMessage)) return;
  end(relay, peer, 1013, `slow consumer: more than ${slow.highWater} bytes wait`);
}

/** Asked for before `open` too. */
function describe(peer: Peer | undefined): Readonly<Record<string, string>> {
  return peer?.seat === undefined ? {} : { group: peer.seat.group, role: peer.seat.role };
}

/** `peers` have a role, `unregistered` not yet; `paused` of them all are not read from. */
function statsOf({ groups, peers }: Relay) {
  const all = [...peers];
  const registered = all.filter(({ seat }) => seat !== undefined).length;
  const paused = all.filter(({ conn }) => conn.isPaused).length;
  return { groups: groups.size, peers: registered, unregistered: peers.size - registered, paused };
}
