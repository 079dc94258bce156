/** A door for tests that are about something else: no shares, no rate, nobody trusted, unless they say otherwise. */

import { createDoor, type Door, type DoorOptions } from "../src/limits/door.ts";
import type { Capacity } from "../src/limits.ts";
import { testClock } from "./clock.ts";

export function testDoor(capacity: Capacity, options: Partial<DoorOptions> = {}): Door {
  return createDoor({
    capacity,
    perAddress: 0,
    perUser: 0,
    perSecond: 0,
    isTrusted: () => false,
    isShort: () => false,
    clock: testClock(),
    ...options,
  });
}
