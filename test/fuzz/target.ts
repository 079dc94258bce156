/** What the fuzzer needs to know of a thing that it fuzzes. */
import type { Chance } from "./chance.ts";
import type { House } from "./house.ts";

/** What one input consists of, such as the head of a handshake and each frame behind it: what a shorter input may lack. */
export type Input = readonly Uint8Array[];

export interface Target {
  readonly name: string;
  /** An input of the gateway, over TCP; else one of a function in this process. */
  readonly isOnTheWire: boolean;
  /** Known from the chance alone. */
  make(chance: Chance): Input;
  /** Throws what is wrong. True: the input got past the first check. */
  run(input: Input, house: House): boolean | Promise<boolean>;
}
