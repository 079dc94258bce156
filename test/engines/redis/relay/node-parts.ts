/** What a test puts between a node and the rest of the world: a clock that can be stopped, and homes that say what is under way. */
import type { Clock } from "../../../../src/clock.ts";
import type { Home, Homes } from "../../../../src/engines/redis/homes.ts";

export interface Activity {
  begun: number;
  underWay: number;
}

/** Whose timers wait while it is stopped. */
export function stoppable(clock: Clock) {
  let waiting: Set<() => void> | undefined;
  const guarded = (run: () => void) => () => void (waiting === undefined ? run() : waiting.add(run));
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    after: (ms: number, run: () => void) => clock.after(ms, guarded(run)),
    every: (ms: number, run: () => void) => clock.every(ms, guarded(run)),
    get isStopped() {
      return waiting !== undefined;
    },
    stop() {
      waiting ??= new Set();
    },
    go() {
      const due = [...(waiting ?? [])];
      waiting = undefined;
      for (const run of due) run();
    },
  };
}

export function watched(homes: Homes, activity: Activity, loss: { left: number }): Homes {
  const seen = new Map<Home, Home>();
  const wrap = (home: Home): Home => {
    const run: Home["run"] = async (...args) => {
      activity.begun += 1;
      activity.underWay += 1;
      try {
        return await home.run(...args);
      } finally {
        activity.underWay -= 1;
      }
    };
    const wrapped = seen.get(home) ?? {
      base: home.base,
      get server() {
        return home.server;
      },
      run,
      runBinary: home.runBinary,
      listen(channel, heard) {
        const listening = home.listen(channel, (payload) => {
          if (loss.left > 0) loss.left -= 1;
          else heard(payload);
        });
        const end = () => {
          activity.underWay -= 1;
        };
        activity.begun += 1;
        activity.underWay += 1;
        listening.ready.then(end, end);
        return listening;
      },
    };
    seen.set(home, wrapped);
    return wrapped;
  };
  return {
    get problem() {
      return homes.problem;
    },
    now: () => homes.now(),
    stamp: () => homes.stamp(),
    of: (kind, name) => wrap(homes.of(kind, name)),
    all: (kind) => homes.all(kind).map(wrap),
    onUp: (run) => homes.onUp(run),
    start: () => homes.start(),
    close: () => homes.close(),
  };
}

export interface Life {
  readonly activity: Activity;
  readonly isStopped: boolean;
  stop(): Promise<void>;
  /** Resolves when it has heard what it was told so far. */
  echo(): Promise<void>;
}

/** Of those that have any. */
export function activityOf(living: Iterable<Life>): Activity {
  const sum = { begun: 0, underWay: 0 };
  for (const { activity, isStopped } of living) {
    if (isStopped) continue;
    sum.begun += activity.begun;
    sum.underWay += activity.underWay;
  }
  return sum;
}
