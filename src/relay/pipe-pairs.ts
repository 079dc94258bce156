/**
 * relay, mode pipe: two sockets meet in a group that their URLs name. From then on what one says the other gets, frame for frame, and
 * nothing else; nobody hears a word of ours but the close code.
 *
 * Life of an end: open, its role is claimed; it waits for its partner, and what it says meanwhile is kept; they are joined; one leaves,
 * and the other is closed with 1000 once all that was said has been handed over. The group is free from the moment the first one leaves.
 * Limits: `waitTimeout`, KEPT_BYTES and MAX_KEPT for who waits; `slow.highWater` and one read (512 KiB) for who is joined. Each
 * direction pauses its own sender only. Failure: a URL that says nothing usable is closed with 4500, a third peer or the one it
 * replaces as `third` says, one whose group is at another node with 4011, a claim that fails or is lost with 1013.
 */
import type { Timer } from "../clock.ts";
import type { Connection, Data } from "../connection.ts";
import { hasRoom, holdBack } from "../outbox.ts";
import { type Recorder, type Recordings, recordingsOf } from "../recording/recorder.ts";
import { refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Route } from "../route.ts";
import { createTurn, type Turn } from "../turn.ts";
import { otherRole, type Registration, type Role } from "../wire/envelope.ts";
import { lostWith, type Parting, refusedWith } from "./pipe-partings.ts";
import { readPipeQuery } from "./pipe-query.ts";
import { createPipeRoles, type PipeRoles, type Refused, type Seat } from "./pipe-roles.ts";
import type { RelayDeps } from "./relay.ts";
import { placeLacks } from "./role-claims.ts";
import { type Watched, watchSilence } from "./silence.ts";

/** Of what a waiting end says, each message counted with KEPT_OVERHEAD: past it the end is not read from. Most only greet. */
const KEPT_BYTES = 64 * 1_024;
/** An empty message takes memory too. */
const KEPT_OVERHEAD = 64;
/** What one read still brings after the pause may be as many frames as fit in 512 KiB; nobody who means well says so much in so little. */
const MAX_KEPT = 16_384;

interface Pipes extends RelayDeps {
  readonly turn: Turn<End, Data>;
  readonly roles: PipeRoles;
  /** Those without a partner, also while their claim has no answer. */
  readonly waiting: Set<End>;
  /** Undefined: nothing is recorded. */
  readonly recordings: Recordings | undefined;
  readonly groups: Map<string, Partial<Record<Role, End>>>;
}

/** What a URL asks for. */
type Asked = (Registration & { readonly protocol: string | undefined }) | { readonly problem: string };

/** One connection, from `open` to its close. */
interface End extends Registration, Watched {
  readonly conn: Connection;
  readonly protocol: string | undefined;
  /** Undefined before it was granted, and again once the role is free. */
  claim: Seat | undefined;
  partner: End | undefined;
  /** Said before the partner came. */
  kept: Data[];
  keptBytes: number;
  /** The same one for both of a pair. */
  recorder: Recorder | undefined;
  /** Close it with this once nothing waits for it. */
  ending: Parting | undefined;
}

/** The route of kind relay in mode pipe. It owns one timer (none when `waitTimeout` is 0) from `start` to `dispose`. */
export function createPipeRelay(deps: RelayDeps): Route {
  const turn = createTurn<End, Data>((to, messages) => handOver(pipes, to, messages));
  const recordings = recordingsOf(deps.options.record, { ...deps, route: deps.name });
  const roles = createPipeRoles(deps);
  const pipes: Pipes = { ...deps, turn, roles, recordings, waiting: new Set(), groups: new Map() };
  let watch: Timer | undefined;
  return {
    kind: "relay",
    admit: (request) => admit(pipes, request),
    start() {
      watch ??= watchForPartners(pipes);
    },
    open: (connection: Connection) => open(pipes, connection, connection.state as Asked),
    message: (connection: Connection<End>, data, size) => message(pipes, connection.state, data, size),
    drain: (connection: Connection<End>) => drained(pipes, connection.state),
    close: (connection: Connection<End | undefined>, { code }) => leave(pipes, connection.state, code),
    finish: (connection: Connection<End>, code, reason) => finish(pipes, connection.state, { code, reason }),
    describe: ({ state }: Connection<End | undefined>) =>
      state === undefined ? {} : { group: state.group, role: state.role },
    stats: () => statsOf(pipes),
    async dispose() {
      watch?.cancel();
      await recordings?.dispose();
    },
  };
}

/** Nobody is heard while it waits, so the time is that since it came. */
function watchForPartners(pipes: Pipes): Timer {
  const { waitTimeout } = pipes.options;
  return watchSilence<End>({
    clock: pipes.clock,
    timeout: waitTimeout,
    members: pipes.waiting,
    excused: () => false,
    silent: (end) => turnAway(end, { code: 4408, reason: `no partner within ${waitTimeout} ms` }),
  });
}

/** Browsers fail when none of the subprotocols they offer is chosen, so one always is; partners get the same if they can. */
function admit({ groups }: Pipes, { query, protocols, may }: AdmitRequest): Admission {
  const asked = readPipeQuery(query);
  if ("problem" in asked) return { admitted: { state: asked } };
  if (placeLacks(may, asked) !== undefined) return { refusal: refusal("forbidden") };
  const usable = protocols.filter((name) => !name.startsWith("fairlead."));
  const partners = groups.get(asked.group)?.[otherRole(asked.role)]?.protocol;
  const protocol = usable.find((name) => name === partners) ?? usable[0];
  return { admitted: { state: { ...asked, protocol }, ...(protocol === undefined ? {} : { protocol }) } };
}

function open(pipes: Pipes, conn: Connection, asked: Asked): void {
  conn.state = undefined;
  if ("problem" in asked) {
    conn.close(4500, asked.problem);
    return;
  }
  const { options, clock, waiting, roles } = pipes;
  const end: End = {
    ...asked,
    conn,
    heard: false,
    deadline: clock.now() + options.waitTimeout,
    claim: undefined,
    partner: undefined,
    kept: [],
    keptBytes: 0,
    recorder: undefined,
    ending: undefined,
  };
  conn.state = end;
  waiting.add(end);
  const onLost = (how: "taken" | "expired") => lose(pipes, end, how);
  const takeOver = options.third === "replace";
  roles.claim(asked, { holder: conn.id, takeOver, onLost }, (result) => answer(pipes, end, result));
}

/** A claim's answer; the end may have left since it asked. */
function answer(pipes: Pipes, end: End, result: Seat | Refused): void {
  if ("release" in result) {
    end.claim = result;
    if (pipes.waiting.has(end)) sit(pipes, end);
    else release(pipes, end);
  } else {
    const { conn, role } = end;
    const where = { conn: conn.id, route: pipes.name, code: 1013 };
    if ("text" in result) pipes.log.warn({ ...where, reason: result.text }, "! no claim");
    turnAway(end, refusedWith(role, result));
  }
}

function lose(pipes: Pipes, end: End, how: "taken" | "expired"): void {
  const parting = lostWith(end.role, how);
  if (how === "taken") turnAway(end, parting);
  else finish(pipes, end, parting);
}

function sit(pipes: Pipes, end: End): void {
  const { group, role } = end;
  const seats = pipes.groups.get(group) ?? {};
  pipes.groups.set(group, seats);
  seats[role] = end;
  const partner = seats[otherRole(role)];
  if (partner !== undefined) join(pipes, end, partner);
}

function join(pipes: Pipes, one: End, other: End): void {
  for (const end of [one, other]) pipes.waiting.delete(end);
  one.partner = other;
  other.partner = one;
  one.recorder = startRecording(pipes, one.role === "center" ? [one, other] : [other, one]);
  other.recorder = one.recorder;
  handOverKept(pipes, one, other);
  handOverKept(pipes, other, one);
}

function startRecording({ recordings }: Pipes, [center, local]: readonly [End, End]): Recorder | undefined {
  return recordings?.start({ conn: center.conn.id, partner: local.conn.id, group: center.group });
}

function handOverKept(pipes: Pipes, from: End, to: End): void {
  const { kept } = from;
  from.kept = [];
  for (const data of kept) record(from, data);
  if (kept.length > 0) handOver(pipes, to, kept);
  letGoOn(pipes, from, to);
}

function message(pipes: Pipes, end: End, data: Data, size: number): void {
  const { counters, turn } = pipes;
  counters.due += 1;
  if (end.partner !== undefined) {
    record(end, data);
    turn.add(end.partner, data);
  } else if (end.ending === undefined) keep(end, data, size);
  else counters.dropped.closed += 1;
}

function record({ recorder, role }: End, data: Data): void {
  recorder?.frame(role === "center" ? "in" : "out", data);
}

function keep(end: End, data: Data, size: number): void {
  end.kept.push(data);
  end.keptBytes += size + KEPT_OVERHEAD;
  if (end.kept.length > MAX_KEPT)
    turnAway(end, { code: 1008, reason: `more than ${MAX_KEPT} messages before the partner came` });
  else if (end.keptBytes > KEPT_BYTES) end.conn.pause();
}

function handOver({ counters, options }: Pipes, to: End, messages: readonly Data[]): void {
  const { conn } = to;
  let sent = 0;
  let taken = true;
  conn.cork(() => {
    for (const data of messages) {
      if (!conn.isOpen) return;
      sent += 1;
      taken = conn.send(data) && taken;
    }
  });
  counters.delivered += sent;
  counters.dropped.closed += messages.length - sent;
  if (!taken && to.partner !== undefined) holdBack(conn, to.partner.conn, options.slow);
}

/** Some of what waited for this end has been taken. */
function drained(pipes: Pipes, end: End): void {
  if (end.ending !== undefined) endGently(pipes, end, end.ending);
  else if (end.partner !== undefined) letGoOn(pipes, end.partner, end);
}

function letGoOn({ options }: Pipes, from: End, to: End): void {
  if (from.conn.isPaused && hasRoom(to.conn, options.slow)) from.conn.resume();
}

/** Gives back all that an end holds. */
function leave(pipes: Pipes, end: End | undefined, code: number): void {
  if (end === undefined) return;
  pipes.waiting.delete(end);
  release(pipes, end);
  pipes.counters.dropped.absent += end.kept.length;
  end.kept = [];
  part(pipes, end, { code: 1000, reason: `${end.role} has left with ${code}` });
}

/** Sets the partner free. What this end still says reaches nobody. */
function part(pipes: Pipes, end: End, ending: Parting): void {
  const { partner } = end;
  if (partner === undefined) return;
  end.partner = undefined;
  partner.partner = undefined;
  end.recorder?.end();
  release(pipes, partner);
  endGently(pipes, partner, ending);
}

function release({ groups }: Pipes, end: End): void {
  const seats = groups.get(end.group);
  if (seats?.[end.role] === end) {
    delete seats[end.role];
    if (seats[otherRole(end.role)] === undefined) groups.delete(end.group);
  }
  end.claim?.release();
  end.claim = undefined;
}

/** The gateway stops, or has lost the group: that is what both hear of, because neither of them has left. */
function finish(pipes: Pipes, end: End, ending: Parting): void {
  part(pipes, end, ending);
  endGently(pipes, end, ending);
}

/** The runtime may lose what waits at a close, so that goes first. Called again whenever some of it went out. */
function endGently({ turn }: Pipes, end: End, ending: Parting): void {
  const { conn } = end;
  end.ending ??= ending;
  turn.flush(end);
  // What it says goes nowhere, but its own close must be seen.
  if (conn.isPaused) conn.resume();
  if (conn.buffered() === 0) conn.close(end.ending.code, end.ending.reason);
}

/** A paused connection would not see the client's answer to the close. */
function turnAway({ conn }: End, { code, reason }: Parting): void {
  if (conn.isPaused) conn.resume();
  conn.close(code, reason);
}

/** `queued` are messages of those who wait. */
function statsOf({ groups, waiting }: Pipes) {
  const seated = [...groups.values()].flatMap((seats) => Object.values(seats));
  const paused = seated.filter(({ conn }) => conn.isPaused).length;
  const queued = [...waiting].reduce((sum, { kept }) => sum + kept.length, 0);
  return { pairs: (seated.length - waiting.size) / 2, waiting: waiting.size, paused, queued };
}
