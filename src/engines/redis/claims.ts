/**
 * Names with one holder at most, on all nodes that share a Redis. A claim lives as long as its node is heard of (tenure.ts); a lease of its
 * own is kept by that node, which releases it when it ends. So a renewal costs nothing, and the claim of a node that died is free when the
 * node's lease is over, also if its own was shorter.
 *
 * Fences grow with the clock of Redis, so they grow across lost data too. Whose name is taken over hears of it by pub/sub, at once; whose
 * node cannot reach Redis loses it by its own clock, before anybody else may take it. After lost data a node registers what it holds
 * again, and loses what somebody else has or may have had since.
 * Failure: a claim that Redis did not answer is answered `engine_down`; should it have been given, it is given back when Redis is there.
 */
import type { Clock, Timer } from "../../clock.ts";
import type { Claim, ClaimOptions, Claims, EngineError } from "../../engine.ts";
import type { Report } from "../in-process/down.ts";
import { CLAIM, REGISTER, RELEASE, SWEEP_CLAIMS } from "./claims/scripts.ts";
import { downAnswer, downError } from "./down.ts";
import type { Home, Homes } from "./homes.ts";
import { ENTRIES_PER_CALL, STALE } from "./tenure/lua.ts";
import { createTenure, type Send, type Tenure } from "./tenure/tenure.ts";

export interface RedisClaimsOptions {
  readonly homes: Homes;
  readonly clock: Clock;
  /** ms after which a node that was not heard of has no claims any more. */
  readonly lease: number;
  /** Of this run of this process, and without a dot. */
  readonly node: string;
  readonly report: Report;
}

export interface RedisClaims extends Claims {
  /** Held by this node. */
  readonly count: number;
  /** All of this node's are free, and nobody is told of a loss. Resolves also when Redis cannot be told. */
  close(): Promise<void>;
}

type Reason = "taken" | "expired";
type Done = Parameters<Claims["claim"]>[2];

interface Held {
  readonly name: string;
  readonly holder: string;
  readonly id: string;
  readonly fence: number;
  readonly lease: number;
  readonly onLost: ClaimOptions["onLost"];
  /** Monotonic milliseconds; Infinity without a lease of its own. */
  due: number;
  timer: Timer | undefined;
}

/** What is held in one home. */
interface Place {
  readonly tenure: Tenure;
  readonly names: Map<string, Held>;
}

export function createClaims(options: RedisClaimsOptions): RedisClaims {
  const { homes, clock, report } = options;
  const places = new Map<Home, Place>();
  let ids = 0;
  let isClosed = false;

  const placeOf = (name: string): Place => {
    const home = homes.of("claims", name);
    const place = places.get(home) ?? createPlace(home, options);
    places.set(home, place);
    return place;
  };

  /** Moved by renewals; the timer looks again when it fires. */
  function watch(place: Place, held: Held): void {
    if (held.lease === 0) return;
    held.timer = clock.after(held.due - clock.now(), () => {
      if (!expireIfDue(place, held)) watch(place, held);
    });
  }

  function expireIfDue(place: Place, held: Held): boolean {
    if (held.due > clock.now()) return false;
    if (place.names.get(held.name) === held) {
      giveBack(place, held);
      lose(place, held, "expired", report);
    }
    return true;
  }

  function hold(place: Place, name: string, fence: number, asked: Asked): Claim {
    const { holder, lease, onLost } = asked.options;
    const due = lease > 0 ? asked.at + lease : Number.POSITIVE_INFINITY;
    const held: Held = { name, holder, id: asked.id, fence, lease, onLost, due, timer: undefined };
    const before = place.names.get(name);
    if (before !== undefined) lose(place, before, "taken", report);
    place.names.set(name, held);
    watch(place, held);
    const isHeld = () => place.names.get(name) === held;
    return {
      holder,
      fence,
      renew() {
        if (!isHeld() || !place.tenure.isSure || expireIfDue(place, held)) return false;
        if (lease > 0) held.due = clock.now() + lease;
        return true;
      },
      release() {
        if (!isHeld()) return;
        held.timer?.cancel();
        place.names.delete(name);
        giveBack(place, held);
      },
    };
  }

  async function ask(place: Place, name: string, asked: Asked): Promise<Parameters<Done>[0]> {
    const { holder, takeOver } = asked.options;
    const args = [name, asked.id, holder, takeOver ? "1" : "0", options.lease];
    const { tenure } = place;
    let [kind, value = ""] = answerOf(await tenure.run(CLAIM, args));
    if (kind === STALE) {
      tenure.doubt();
      [kind, value = ""] = answerOf(await tenure.run(CLAIM, args));
    }
    if (kind === "taken") return { takenBy: value };
    // The answer came so late that somebody else may have the name.
    if (kind !== "given" || isClosed || !tenure.isSure || tenure.isSettling)
      throw downError("this node was held up; try again");
    return hold(place, name, Number(value), asked);
  }

  async function answered(place: Place, name: string, asked: Asked): Promise<Parameters<Done>[0]> {
    try {
      return await ask(place, name, asked);
    } catch (error) {
      place.tenure.doubt();
      return downAnswer(error);
    }
  }

  return {
    claim(name, asked, done) {
      const tell = (result: Parameters<Done>[0]) => {
        try {
          done(result);
        } catch (error) {
          report({ stage: "done", name, error });
        }
      };
      if (isClosed) return tell(CLOSED);
      const place = placeOf(name);
      const overdue = place.names.get(name);
      if (overdue !== undefined) expireIfDue(place, overdue);
      ids += 1;
      void answered(place, name, { id: String(ids), at: clock.now(), options: asked }).then(tell);
    },
    get count() {
      let count = 0;
      for (const { names } of places.values()) count += names.size;
      return count;
    },
    async close() {
      isClosed = true;
      for (const { names } of places.values()) {
        for (const { timer } of names.values()) timer?.cancel();
        names.clear();
      }
      await Promise.all([...places.values()].map(({ tenure }) => tenure.close()));
    },
  };
}

const CLOSED: EngineError = downAnswer(downError("the engine is closed"));

/** A claim under way: `id` is this node's own number for it, `at` when it was asked for. */
interface Asked {
  readonly id: string;
  readonly at: number;
  readonly options: ClaimOptions;
}

function createPlace(home: Home, options: RedisClaimsOptions): Place {
  const { homes, clock, lease, node, report } = options;
  const names = new Map<string, Held>();
  const lost = home.listen(`${home.base}:lost:${node}`, (payload) => {
    const [name, id] = told(payload);
    const held = names.get(name);
    if (held?.id === id) lose(place, held, "taken", report);
  });
  const given = home.listen(`${home.base}:given`, (payload) => {
    const [name, fence] = told(payload);
    const held = names.get(name);
    if (held !== undefined && held.fence < Number(fence)) lose(place, held, "expired", report);
  });
  // Who is not there yet hears from the next time on that all is up, and then everything is registered again.
  const ready = Promise.allSettled([lost.ready, given.ready]).then(() => {});
  const tenure = createTenure({
    homes,
    home,
    clock,
    lease,
    node,
    sweep: SWEEP_CLAIMS,
    ready,
    settle: (send) => registerAll(place, send, report),
    onOverdue() {
      for (const held of [...names.values()]) lose(place, held, "expired", report);
    },
  });
  const place: Place = { tenure, names };
  return place;
}

async function registerAll(place: Place, send: Send, report: Report): Promise<void> {
  const all = [...place.names.values()];
  for (let at = 0; at < all.length; at += ENTRIES_PER_CALL) {
    const batch = all.slice(at, at + ENTRIES_PER_CALL);
    const args = batch.flatMap(({ name, id, fence, holder }) => [name, id, fence, holder]);
    const answers = answerOf(await send(REGISTER, args));
    if (answers[0] === STALE) throw downError("this node was held up");
    for (const [index, held] of batch.entries()) {
      const answer = answers[index];
      // One that was released meanwhile is given back after this.
      if (answer === "taken" || answer === "expired") lose(place, held, answer, report);
    }
  }
}

/** Redis is told that it is free. */
function giveBack({ tenure }: Place, { name, id }: Held): void {
  tenure.run(RELEASE, [name, id]).catch(() => tenure.doubt());
}

function lose({ names }: Place, held: Held, reason: Reason, report: Report): void {
  if (names.get(held.name) !== held) return;
  held.timer?.cancel();
  names.delete(held.name);
  try {
    held.onLost(reason);
  } catch (error) {
    report({ stage: "lost", name: held.name, error });
  }
}

const answerOf = (answer: unknown): readonly string[] => (Array.isArray(answer) ? answer.map(String) : []);

/** What our scripts publish: two texts. */
function told(payload: Buffer): readonly [string, string] {
  const [name, value]: unknown[] = JSON.parse(payload.toString());
  return [String(name), String(value)];
}
