/** Forgets topics that nobody needs, a few at a time: all at once would hold everybody up. */
import type { Clock, Timer } from "../../clock.ts";
import type { FileKeeper } from "./file-keeper.ts";
import type { Route } from "./route.ts";

/** From the end of one round over all topics to the beginning of the next. */
const ROUND_MS = 10_000;
const STEP_MS = 1_000;

export interface SweeperDeps {
  readonly clock: Clock;
  readonly keeper: FileKeeper;
  readonly routes: readonly Route[];
  readonly kept: () => number;
}

export function createSweeper({ clock, keeper, routes, kept }: SweeperDeps): Timer {
  let nth = 0;
  let after = 0;
  let due = clock.now() + ROUND_MS;

  /** False: the step's time is used up, or nothing can be written. */
  const sweep = (route: Route): boolean => {
    const isWritten = keeper.write(() => {
      after = route.sweep(after, kept());
    });
    if (isWritten) route.confirm();
    else route.undo();
    return isWritten && after === 0;
  };

  return clock.every(STEP_MS, () => {
    if (clock.now() < due || keeper.problem !== undefined) return;
    for (let route = routes[nth]; route !== undefined; route = routes[nth]) {
      if (!sweep(route)) return;
      nth += 1;
    }
    nth = 0;
    due = clock.now() + ROUND_MS;
  });
}
