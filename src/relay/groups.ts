/**
 * Contract and table: groups, their two seats, who sits there, and the sessions that keep a seat's memory while nobody does.
 * Peers are plain or speak fairlead.v1; all that is decided about roles (`roles.ts`) is the same for both.
 *
 * A group exists as long as somebody sits, waits or is expected in it, or something is on its way there.
 */
import { randomBytes } from "node:crypto";
import type { Timer } from "../clock.ts";
import type { Connection } from "../connection.ts";
import type { Claim, EngineError } from "../engine.ts";
import { holderOf } from "../limits/holder.ts";
import { otherRole, type Registration, type Role } from "../wire/envelope.ts";
import { receiptFrame } from "../wire/frames.ts";
import type { PeerState, ReceiptState } from "../wire/v1.ts";
import { Mailbox, type Message, type PostOffice, type Receiver, type Sender } from "./mailbox.ts";
import { Receipts } from "./receipts.ts";

/** How a peer finds things when it gets its role. `info`: of its partner, as JSON. */
export interface Seated {
  readonly seat: Seat;
  readonly partner: PeerState;
  /** Messages that follow at once. */
  readonly queued: number;
  readonly info: string | undefined;
}

/** Why a peer did not get a role. `gone`: nobody knows its session any more. */
export type Refused = { readonly takenBy: string } | { readonly gone: true } | EngineError;

/** One connection that wants or holds a role. */
export interface Peer extends Receiver {
  readonly conn: Connection;
  /** Where it sits or stands by. */
  seat: Seat | undefined;
  /** It has left, or its connection is closed. */
  isGone: boolean;
  /** The session that it begins with a role; undefined: it has none, and is forgotten when it leaves. */
  newSession(seat: Seat): RelaySession | undefined;
  /** It sits now. */
  seated(at: Seated): void;
  /** The engine has answered its claim, and all that follows from it is done. */
  answered(): void;
  /** It waits until the role is free. */
  standsBy(seat: Seat): void;
  refused(place: Registration, why: Refused): void;
  /** The one opposite has changed, or come closer; called before anything is said to either. */
  faces(partner: Peer | undefined): void;
  /** Tells of the partner. */
  told(role: Role, state: PeerState, reason: string, info: string | undefined): void;
  /** Somebody else has its role: it has to go. */
  dismissed(code: 4409 | 4590, reason: string): void;
  /** Less waits for its partner than before. */
  eased(): void;
}

/** One role of a group. A class, because the two of a group know each other. */
export class Seat implements Registration {
  /** What is on its way to this role. */
  readonly mailbox: Mailbox;
  readonly opposite: Seat;
  holder: Peer | undefined;
  claim: Claim | undefined;
  /** Tells the present claim's end from that of an older one. */
  bid: object | undefined;
  /** Of the holder, or of one who is away. */
  session: RelaySession | undefined;
  readonly standby: Peer[] = [];
  /** What the one opposite was told last. */
  known: PeerState = "offline";
  /** The offline notice that waits for its grace. */
  notice: { readonly timer: Timer; readonly reason: string } | undefined;

  constructor(
    readonly group: string,
    readonly role: Role,
    office: PostOffice,
    opposite?: Seat,
  ) {
    this.mailbox = new Mailbox(office, () => this.opposite.holder?.eased());
    this.opposite = opposite ?? new Seat(group, otherRole(role), office, this);
  }

  get isIdle(): boolean {
    return (
      this.holder === undefined &&
      this.session === undefined &&
      this.standby.length === 0 &&
      this.mailbox.isEmpty
    );
  }
}

/** What a peer of fairlead.v1 is to the relay over one connection after another. A class, because there is one per peer. */
export class RelaySession implements Sender {
  /** 128 bits: whoever knows it is believed, if the user is the same. */
  readonly id = randomBytes(16).toString("base64url");
  readonly receipts = new Receipts();
  /** Undefined while it is away. */
  conn: Connection | undefined;
  /** Ends it when it stays away. */
  expiry: Timer | undefined;
  isOver = false;

  readonly user: string | null;
  readonly owner: string;

  constructor(
    readonly seat: Seat,
    from: Pick<Connection, "user" | "remoteAddress">,
    /** JSON that its partner is shown. */
    readonly info: string | undefined,
  ) {
    this.user = from.user;
    this.owner = holderOf(from);
  }

  handed(): void {}

  settled({ idem }: Message, state: ReceiptState): void {
    const receipt = this.receipts.settle(idem, state);
    if (receipt !== undefined) this.conn?.send(receiptFrame(receipt.seq, idem, state));
  }
}

export interface Groups {
  readonly size: number;
  /** Made when it is not there yet. */
  seat(place: Registration): Seat;
  /** Forgets the group of a seat if it holds nothing any more. */
  tidy(seat: Seat): void;
}

export function createGroups(office: PostOffice): Groups {
  /** By name; of the two seats of a group, the one of center. */
  const groups = new Map<string, Seat>();
  return {
    get size() {
      return groups.size;
    },
    seat({ group, role }) {
      const center = groups.get(group) ?? new Seat(group, "center", office);
      groups.set(group, center);
      return role === "center" ? center : center.opposite;
    },
    tidy(seat) {
      if (seat.isIdle && seat.opposite.isIdle) groups.delete(seat.group);
    },
  };
}
