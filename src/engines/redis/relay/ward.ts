/**
 * What one node does at one home: sends its peers' steps, hears what they are told, keeps its lease.
 *
 * When the lease has run out by this node's own count, nothing that was told is believed any more: everybody looks first. Failure: while
 * Redis is away nothing is asked but what has to be done once it is back; then all is looked at anew.
 */
import type { Clock, Timer } from "../../../clock.ts";
import type { Candidate, Guest, RelaySums, RelaysDown, RelayTally, SharedSeat } from "../../../relays.ts";
import type { Home, Homes } from "../homes.ts";
import type { Script } from "../script.ts";
import { createLease } from "./lease.ts";
import { CHECK_SCRIPT, STEP_SCRIPT, SWEEP_SCRIPT } from "./scripts.ts";
import { RedisSeat, type SeatHost } from "./seat.ts";
import { createSteps, type Step } from "./steps.ts";
import { type Event, type StepAnswer, type SweepAnswer, shortRole } from "./wire.ts";

export interface WardOptions {
  readonly home: Home;
  readonly homes: Pick<Homes, "now">;
  /** This node. */
  readonly self: string;
  readonly clock: Clock;
  /** ms */
  readonly lease: number;
  /** As the scripts read them. */
  readonly rules: string;
  readonly newId: (conn: string) => string;
  readonly newSession: () => string;
  readonly counted: (tally: RelayTally) => void;
  /** A guest that threw. MUST NOT throw. */
  readonly onThrow: (error: unknown) => void;
}

export interface Ward {
  enter(candidate: Candidate, guest: Guest): SharedSeat;
  /** Redis is back. */
  recover(): void;
  sums(): RelaySums;
  close(): Promise<void>;
}

const RENEWALS_PER_LEASE = 3;
/** Between two attempts to do what has to be done. */
const RETRY_MS = 250;
/** Peers that have heard nothing, looked at in one call. */
const CHECKED_AT_ONCE = 200;
const AWAY: RelaysDown = { code: "engine_down", text: "the engine cannot be reached; try again later" };

export function createWard(options: WardOptions): Ward {
  const { home, homes, self, clock, counted, newSession } = options;
  const seats = new Map<string, RedisSeat>();
  /** To be done, whatever has become of those who asked. */
  const later: { readonly group: string; readonly step: Step }[] = [];
  let isReady = false;
  let recovering: Promise<void> | undefined;
  let retry: Timer | undefined;
  let isClosed = false;

  const run = async <Answer>(script: Script, args: readonly (string | number)[]): Promise<Answer> =>
    JSON.parse(String(await home.run(script, [], [homes.now(), options.rules, self, ...args])));
  const lease = createLease({ ...options, call: (ms) => run<SweepAnswer>(SWEEP_SCRIPT, [ms]) });
  const steps = createSteps({
    call: (group, words, kept) => run<StepAnswer>(STEP_SCRIPT, [group, words, ...kept]),
    problem: () => (isReady && isUp(home) ? undefined : AWAY),
    failure: AWAY,
    onThrow: options.onThrow,
    answered([next, tally]) {
      counted(tally);
      lease.schedule(next);
    },
  });
  const host: SeatHost = {
    step: steps.add,
    forget: ({ id }) => void seats.delete(id),
    behind,
    later(group, step) {
      later.push({ group, step });
      behind();
    },
    newSession,
  };

  function behind(): void {
    if (isClosed) return;
    retry ??= clock.after(RETRY_MS, () => {
      retry = undefined;
      void recover();
    });
  }

  async function recover(): Promise<void> {
    if (isClosed) return;
    recovering ??= catchUp()
      .catch(behind)
      .finally(() => {
        recovering = undefined;
      });
    await recovering;
  }

  async function catchUp(): Promise<void> {
    if (!isUp(home) || !(await lease.renew())) {
      behind();
      return;
    }
    isReady = true;
    for (const { group, step } of later.splice(0)) steps.add(group, step);
    await check([...seats.values()].filter((seat) => seat.isPlaced()));
    for (const seat of [...seats.values()]) seat.recover();
  }

  async function renew(): Promise<void> {
    if (!(await lease.renew())) behind();
    else await check([...seats.values()].filter((seat) => seat.isQuiet()));
  }

  /** Whether they have missed anything. */
  async function check(quiet: readonly RedisSeat[]): Promise<void> {
    for (let from = 0; from < quiet.length; from += CHECKED_AT_ONCE) {
      const some = quiet.slice(from, from + CHECKED_AT_ONCE);
      const asked = some.map(({ who, id, position }) => [who.group, shortRole(who.role), id, position]);
      for (const index of await run<number[]>(CHECK_SCRIPT, [JSON.stringify(asked)])) some[index]?.look();
    }
  }

  const listening = home.listen(`${home.base}:relay:${self}`, (payload) => {
    // A node that stood still may have been given up: what was told to it meanwhile is not its own any more.
    if (lease.runs) tellSeats(seats, payload, options.onThrow);
    else behind();
  });
  const begun = listening.ready.then(recover, behind);
  const renewal = clock.every(options.lease / RENEWALS_PER_LEASE, () => {
    renew().catch(behind);
  });

  return {
    enter(candidate, guest) {
      const seat = new RedisSeat(options.newId(candidate.conn), candidate, guest, host);
      seats.set(seat.id, seat);
      if (isReady) seat.join();
      else void begun.then(() => seat.join());
      return seat;
    },
    recover: () => void recover(),
    sums: () => lease.sums,
    async close() {
      renewal.cancel();
      retry?.cancel();
      isClosed = true;
      // Who left last may not have been told of yet.
      await steps.rest();
      listening.close();
      await lease.close();
    },
  };
}

/** On a Cluster nobody may be known to have it. */
function isUp(home: Home): boolean {
  try {
    return home.server.problem === undefined;
  } catch {
    return false;
  }
}

/** Those of a seat come in a row. */
function tellSeats(
  seats: ReadonlyMap<string, RedisSeat>,
  payload: Buffer,
  onThrow: (error: unknown) => void,
): void {
  const events: Event[] = JSON.parse(payload.toString());
  for (let from = 0; from < events.length; ) {
    const id = events[from]?.[0] ?? "";
    let to = from + 1;
    while (to < events.length && events[to]?.[0] === id) to += 1;
    try {
      seats.get(id)?.heard(events.slice(from, to));
    } catch (error) {
      onThrow(error);
    }
    from = to;
  }
}
