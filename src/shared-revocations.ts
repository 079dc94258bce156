/**
 * Contract: revocations that nodes share through their engine. Each node remembers all of them (auth/revocations.ts) and judges by that alone;
 * the engine keeps them for nodes that start later, and tells those that are there.
 *
 * A revocation is never taken back, so one that is heard twice, or late, does no harm, and what several nodes know adds up.
 */
import type { Revocation } from "./identity.ts";

export interface SharedRevocation {
  readonly what: Revocation;
  /** Unix milliseconds: what was issued later counts. */
  readonly until: number;
  /** ms for which it is still to be remembered; Infinity: always. */
  readonly left: number;
}

/** What this node remembers. */
export interface RevocationMemory {
  /** How many may be kept for all nodes together. */
  readonly max: number;
  all(): readonly SharedRevocation[];
  /** Of any node, this one too, and maybe again. MUST NOT throw. */
  take(several: readonly SharedRevocation[]): void;
}

export interface SharedRevocations {
  /** MUST be called once at most, before the engine starts. */
  keep(memory: RevocationMemory): void;
  /**
   * True: it is kept, and all nodes that are there are told. False: as many as may be are kept already.
   * Rejects with ENGINE_DOWN: what `all()` has by then is shared as soon as the engine is back.
   */
  share(revocation: SharedRevocation): Promise<boolean>;
  /**
   * Undefined: what was revoked anywhere is known here, or this node is cut off and knows what was until then.
   * Else it is being asked for: resolves when a token may be trusted (true), or when nothing was ever known here (false).
   */
  settled(): Promise<boolean> | undefined;
}
