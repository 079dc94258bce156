/**
 * Who still finds a place: WebSockets and event streams share the descriptors of the process, and each address and user has its share of them.
 * A bridge that dials holds its place already. Failure: one refusal, and nothing was taken.
 */
import type { Clock } from "../clock.ts";
import { bytesOfV6 } from "../ip-bytes.ts";
import type { Capacity } from "../limits.ts";
import { isLoopback } from "../network.ts";
import { refusal } from "../refusals.ts";
import type { AdmitRequest, Refusal } from "../route.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";
import type { Laggard } from "./memory.ts";
import { createTally, type Tally } from "./tally.ts";

/** All 0: no limit. */
export interface DoorLimits {
  /** Connections of one address; IPv6 by its /64. */
  readonly perAddress: number;
  /** Connections of one user. */
  readonly perUser: number;
  /** New connections a second, from all addresses. */
  readonly perSecond: number;
}

export interface DoorOptions extends DoorLimits {
  /** Nobody more may come in: memory is short. */
  isShort(): boolean;
  readonly capacity: Capacity;
  /** A proxy whose word counts. */
  isTrusted(peer: { readonly address: string }): boolean;
  readonly clock: Clock;
}

export type Entrant = Pick<AdmitRequest, "remoteAddress" | "headers" | "user">;

/** What one connection takes of what is shared. */
export interface Place {
  /** Whoever sits there, once that is known. */
  holder: Laggard | undefined;
  /** It turned out whose connection this is. False: that user has as many as one may, and nothing has changed. */
  belongTo(user: string): boolean;
  /** Gives everything back, once. */
  leave(): void;
  /** As `leave`, for one who did not show who it is: it has not used up the rate of others, only its address's. */
  turnAway(): void;
}

export interface Door {
  enter(from: Entrant): { readonly place: Place } | { readonly refusal: Refusal };
  /** Everybody who is in. */
  holders(): Laggard[];
}

export function createDoor(options: DoorOptions): Door {
  const { capacity } = options;
  const addresses = createTally(options.perAddress);
  const users = createTally(options.perUser);
  const arrivals = createArrivals(options.perSecond, options.clock);
  const taken = new Set<Place>();
  const shares = { capacity, addresses, users, taken, arrivals };

  /** Undefined: one that is not counted by its address, because others stand behind it, or nobody from outside. */
  function addressOf({ remoteAddress: address, headers }: Entrant): string | undefined {
    const isExempt = options.isTrusted({ address })
      ? // Whose address a proxy's headers do not tell is taken for the proxy, and must not be free by that.
        !headers.has("forwarded") && !headers.has("x-forwarded-for")
      : address === "" || isLoopback(address);
    return isExempt ? undefined : addressKey(address);
  }

  function takeShares(address: string | undefined, user: string | null): Refusal | undefined {
    // The rate comes last: who is refused for another reason has not used it up.
    if (address !== undefined && !addresses.take(address)) return refusal("too_many_connections");
    if (user !== null && !users.take(user)) {
      if (address !== undefined) addresses.give(address);
      return refusal("too_many_connections");
    }
    if (address === undefined || arrivals.take(address)) return undefined;
    addresses.give(address);
    if (user !== null) users.give(user);
    return refusal("too_fast");
  }

  return {
    enter(from) {
      if (options.isShort()) return { refusal: refusal("memory") };
      if (!capacity.take()) return { refusal: refusal("full") };
      const address = addressOf(from);
      const refused = takeShares(address, from.user);
      if (refused === undefined) return { place: new Taken(shares, address, from.user) };
      capacity.give();
      return { refusal: refused };
    },
    holders: () => [...taken].flatMap(({ holder }) => (holder === undefined ? [] : [holder])),
  };
}

interface Shares {
  readonly capacity: Capacity;
  readonly addresses: Tally;
  readonly users: Tally;
  readonly arrivals: Arrivals;
  readonly taken: Set<Place>;
}

/** A class, because there is one for each connection. */
class Taken implements Place {
  holder: Laggard | undefined = undefined;
  private isTaken = true;

  constructor(
    private readonly shares: Shares,
    private readonly address: string | undefined,
    private user: string | null,
  ) {
    shares.taken.add(this);
  }

  belongTo(user: string): boolean {
    if (user === this.user || !this.isTaken) return true;
    const { users } = this.shares;
    if (!users.take(user)) return false;
    if (this.user !== null) users.give(this.user);
    this.user = user;
    return true;
  }

  leave(): void {
    if (!this.isTaken) return;
    this.isTaken = false;
    const { capacity, addresses, users, taken } = this.shares;
    taken.delete(this);
    capacity.give();
    if (this.address !== undefined) addresses.give(this.address);
    if (this.user !== null) users.give(this.user);
  }

  turnAway(): void {
    if (this.isTaken && this.address !== undefined) this.shares.arrivals.giveBack();
    this.leave();
  }
}

/** Whoever has one address of IPv6 has at least the 2^64 beside it. */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const [withoutZone = ""] = address.split("%");
  return Buffer.from(bytesOfV6(withoutZone).slice(0, 8)).toString("hex");
}
