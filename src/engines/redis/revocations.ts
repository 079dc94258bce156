/**
 * Revocations that all nodes share, kept in Redis (shared-revocations.ts of the contract). Each is told to the nodes that are there; whoever was
 * not, or missed one, sees it by the version and reads them all. That happens whenever the link is up again, and is looked after once a lease.
 *
 * Failure: while Redis is away a node knows what it knew, and what it revokes itself is shared afterwards. What Redis has lost every node
 * gives back. One that starts and cannot read them trusts no token.
 */
import type { Clock, Timer } from "../../clock.ts";
import { isEngineDown } from "../../errors.ts";
import type { RevocationMemory, SharedRevocations } from "../../shared-revocations.ts";
import type { Report } from "../in-process/down.ts";
import type { Listening } from "./channels.ts";
import type { Homes } from "./homes.ts";
import { toldOf } from "./revocations-scripts.ts";
import { createStore } from "./revocations-store.ts";

export interface RedisRevocations extends SharedRevocations {
  close(): void;
}

export interface RevocationsOptions {
  readonly homes: Pick<Homes, "of" | "now" | "onUp">;
  readonly clock: Clock;
  /** ms */
  readonly lease: number;
  readonly report: Report;
}

const LATE_LEASES = 2;
/** Somebody revokes all the time: what is missed then is told, and looked for later. */
const ROUNDS = 5;

export function createRevocations({ homes, clock, lease, report }: RevocationsOptions): RedisRevocations {
  const home = homes.of("revocations", "");
  const store = createStore(homes);
  let memory: RevocationMemory | undefined;
  let listening: Listening | undefined;
  let timer: Timer | undefined;
  /** Up to which version all is known here; undefined: nothing was ever read. */
  let known: string | undefined;
  /** What was revoked here and Redis did not take. */
  let hasUnshared = false;
  let reading: Promise<boolean> | undefined;
  let isProbing = false;
  let probedAt = clock.now();

  async function giveAll({ all, max }: RevocationMemory): Promise<void> {
    // One that fails to be shared meanwhile may not be among these.
    hasUnshared = false;
    try {
      await store.add(all(), max);
    } catch (error) {
      hasUnshared = true;
      throw error;
    }
  }

  async function readAll(present: RevocationMemory): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await store.version();
      if (before === known && !hasUnshared) return;
      // Of another generation: Redis may have lost what this node has.
      const isLost = known === undefined || generationOf(known) !== generationOf(before);
      if (isLost || hasUnshared) await giveAll(present);
      await store.read(present.take);
      known = before;
    }
  }

  /** The link says that Redis is down, and it is asked again when it is up. */
  function failed(error: unknown): void {
    if (!isEngineDown(error)) report({ stage: "told", name: "revocations", error });
  }

  /** Something may have been missed: no token is trusted until it is known. Whoever asks meanwhile waits for the same answer. */
  function read(): void {
    if (memory === undefined || reading !== undefined) return;
    reading = readAll(memory)
      .catch(failed)
      .then(() => {
        reading = undefined;
        return known !== undefined;
      });
  }

  /** Nothing should have been missed, so nobody waits for it; but in a process that stood still anything may have. */
  function probe(): void {
    const isLate = clock.now() - probedAt > lease * LATE_LEASES;
    probedAt = clock.now();
    if (isLate) read();
    if (isProbing || reading !== undefined) return;
    isProbing = true;
    store
      .version()
      .then((present) => {
        if (present !== known || hasUnshared) read();
      })
      .catch(failed)
      .finally(() => {
        isProbing = false;
      });
  }

  function heard(payload: Buffer): void {
    const { before, after, revocations } = toldOf(payload.toString(), homes.now());
    memory?.take(revocations);
    if (known === before) known = after;
    else if (known !== after) read();
  }

  const up = homes.onUp(read);

  return {
    keep(kept) {
      memory = kept;
      listening = home.listen(store.channel, heard);
      probedAt = clock.now();
      timer = clock.every(lease, probe);
      read();
    },
    async share(revocation) {
      try {
        return (await store.add([revocation], memory?.max ?? 0)) === 0;
      } catch (error) {
        hasUnshared = true;
        throw error;
      }
    },
    settled() {
      if (reading !== undefined) return reading;
      return memory === undefined || known !== undefined ? undefined : Promise.resolve(false);
    },
    close() {
      up.close();
      timer?.cancel();
      listening?.close();
      memory = undefined;
    },
  };
}

const generationOf = (version: string): string => version.slice(0, version.lastIndexOf("."));
