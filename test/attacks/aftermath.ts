/**
 * What must hold after every attack: the gateway's process lives, the next client is served, its memory is what it was to a tenth,
 * and nothing was thrown that nobody caught.
 */
import { expect } from "bun:test";
import { type House, openHouse } from "../fuzz/house.ts";
import type { State } from "../fuzz/server.ts";

const SHARE = 1.1;

/** The attack comes twice: what the first one made the process take once and for all is no leak. */
export async function survives(attack: (house: House) => Promise<unknown>): Promise<void> {
  await using house = await openHouse();
  const before = await stateAfter(house, attack);
  const after = await stateAfter(house, attack);
  await house.serveNext();
  expect(house.death).toBeUndefined();
  expect(after.faults).toEqual([]);
  expect(after.resident).toBeLessThan(before.resident * SHARE);
}

async function stateAfter(house: House, attack: (house: House) => Promise<unknown>): Promise<State> {
  await attack(house);
  await house.emptied();
  return await house.state();
}
