/**
 * One peer on this node and its seat in Redis: what it asks for as steps, what it is told in order. Events of a seat are counted, so one
 * that was lost is missed, and then the peer looks at everything anew.
 *
 * Limits: what was handed to it and what it may have sent without a receipt. Failure: what may or may not have been done is asked again
 * once Redis is back (`recover`), but for a join: it is refused, and left.
 */
import type { Candidate, Guest, RelaysDown, Sent, SharedMessage, SharedSeat } from "../../../relays.ts";
import type { PeerState } from "../../../wire/v1.ts";
import { Acks, type AcksHost } from "./acks.ts";
import { Outgoing, type OutgoingHost } from "./outgoing.ts";
import type { Step } from "./steps.ts";
import { UnderWay } from "./under-way.ts";
import {
  type Event,
  type JoinAnswer,
  joinWords,
  type LookAnswer,
  lossOf,
  messageOf,
  type ReceiptWords,
  type SeatEvent,
  type SeatedWords,
  type ShortRole,
  shortRole,
} from "./wire.ts";

export interface SeatHost {
  step(group: string, step: Step): void;
  /** Nothing comes for this seat any more. */
  forget(seat: RedisSeat): void;
  /** Somebody has to look again once Redis answers. */
  behind(): void;
  /** A step that has to be done once Redis answers, though its seat is forgotten. */
  later(group: string, step: Step): void;
  /** A session that is new, should this peer begin one. */
  newSession(): string;
}

/** A class, because there is one per connection. */
export class RedisSeat implements SharedSeat, OutgoingHost, AcksHost {
  private phase: "asking" | "waiting" | "seated" | "over" = "asking";
  /** Events that were heard. */
  private heardEvents = 0;
  /** It has asked or heard something since `isQuiet` was asked last. */
  private isFresh = true;
  private fence = 0;
  private session = "";
  private lastHanded = 0;
  private isLooking = false;
  /** What came while it asked or looked. */
  private stash: Event[] = [];
  private partner: { state: PeerState; since: number } = { state: "offline", since: 0 };
  private readonly outgoing = new Outgoing(this);
  private readonly acks = new Acks(this);
  private readonly underWay = new UnderWay();
  private readonly role: ShortRole;

  constructor(
    /** Of its own, because a connection may ask for a role again. */
    readonly id: string,
    readonly who: Candidate,
    private readonly guest: Guest,
    private readonly host: SeatHost,
  ) {
    this.role = shortRole(who.role);
  }

  get isOver(): boolean {
    return this.phase === "over";
  }

  get room(): Promise<void> | undefined {
    return this.underWay.room;
  }

  /** What it has heard, as the scripts count it; below 0 it stands by. */
  get position(): number {
    return this.phase === "waiting" ? -1 : this.heardEvents;
  }

  /** It has its role, or waits for it. */
  isPlaced(): boolean {
    return this.phase === "waiting" || this.phase === "seated";
  }

  /** Whether nothing came or went since this was asked last, and it is worth a look. */
  isQuiet(): boolean {
    const isQuiet = !this.isFresh && !this.isLooking && this.isPlaced();
    this.isFresh = false;
    return isQuiet;
  }

  join(): void {
    // It left before this node was ready to ask.
    if (this.isOver) return;
    const { resumed } = this.who;
    this.ask({
      words: joinWords(this.id, this.who, this.host.newSession()),
      answered: (answer) => this.joined(answer as JoinAnswer),
      failed: (error, wasSent) => {
        if (this.isOver) return;
        this.end();
        // It may have the role all the same.
        if (wasSent) this.letGo("closed", resumed === undefined);
        this.guest.refused(error);
      },
    });
  }

  send(message: SharedMessage, done: (sent: Sent) => void): void {
    if (this.phase === "seated") this.outgoing.send(message, done);
    else done("lost");
  }

  acknowledge(upto: number, released: number, done?: (known: boolean | RelaysDown) => void): void {
    if (this.phase === "seated") this.acks.add(upto, released, done);
  }

  leave(reason: string, isForGood: boolean): void {
    if (this.isOver) return;
    this.end();
    this.letGo(reason, isForGood);
  }

  endSession(): void {
    if (this.fence > 0) this.surely({ k: "e", s: this.session, ...this.place() });
  }

  /** Events of one message. */
  heard(events: readonly Event[]): void {
    if (events.length === 1) for (const event of events) this.one(event);
    else
      this.guest.gather(() => {
        for (const event of events) this.one(event);
      });
  }

  /** What nobody knows is asked again. */
  recover(): void {
    this.outgoing.retry();
    this.acks.retry();
  }

  look(): void {
    if (this.isLooking || !this.isPlaced()) return;
    this.isLooking = true;
    this.ask({
      words: { k: "o", d: this.lastHanded, s: this.session, ...this.place() },
      answered: (answer) => {
        this.isLooking = false;
        this.guest.gather(() => this.looked(answer as LookAnswer));
      },
      failed: () => {
        this.isLooking = false;
        this.stash = [];
        this.behind();
      },
    });
  }

  place() {
    return { r: this.role, c: this.id, f: this.fence };
  }

  behind(): void {
    this.host.behind();
  }

  ask(step: Step): void {
    this.isFresh = true;
    this.host.step(this.who.group, this.underWay.counted(step));
  }

  settled([seq, idem, state]: ReceiptWords): void {
    this.guest.settled(seq, idem, state);
  }

  private joined(answer: JoinAnswer): void {
    if (this.phase !== "asking") return;
    if (answer[0] === "s") {
      const [, ...words] = answer;
      this.guest.gather(() => {
        this.sit(words);
        this.replay();
      });
    } else if (answer[0] === "w") {
      this.phase = "waiting";
      this.guest.standsBy();
      this.replay();
    } else {
      this.end();
      this.guest.refused(answer[0] === "t" ? "taken" : answer[0] === "g" ? "gone" : "beyond");
    }
  }

  private sit([event, fence, session, partner, queued, since, info]: SeatedWords): void {
    this.phase = "seated";
    this.heardEvents = event;
    this.fence = fence;
    this.session = session;
    this.partner = { state: partner, since };
    this.guest.seated({ session, partner, queued, info: info ?? undefined });
  }

  private replay(): void {
    for (const event of this.stash.splice(0)) this.one(event);
  }

  private one(event: Event): void {
    if (this.phase === "asking" || this.isLooking) this.stash.push(event);
    else if (!this.isOver) this.take(event);
  }

  private take(event: Event): void {
    const [, count, ...what] = event;
    this.isFresh = true;
    if (what[0] === "s") {
      const [, ...words] = what;
      if (this.phase !== "waiting") return;
      this.sit(words);
      this.heardEvents = count;
    } else if (this.phase === "waiting" || count > this.heardEvents + 1) {
      this.look();
      this.stash.push(event);
    } else if (count > this.heardEvents) {
      this.heardEvents = count;
      this.hear(what);
    }
  }

  private hear(what: SeatEvent): void {
    if (what[0] === "d") {
      const [, seq, ...kept] = what;
      this.hand(seq, kept);
    } else if (what[0] === "r") {
      const [, ...words] = what;
      this.outgoing.receipt(words);
    } else if (what[0] === "p") this.see(what[1], what[2], what[3], what[4]);
    else if (what[0] === "x") this.lose(what[1], what[2]);
  }

  private hand(seq: number, kept: Parameters<typeof messageOf>[1]): void {
    if (seq <= this.lastHanded) return;
    this.lastHanded = seq;
    this.guest.handed(messageOf(seq, kept));
  }

  private see(state: PeerState, reason: string, since: number, info: string | null): void {
    this.partner = { state, since };
    this.guest.sees(state, reason, state === "online" ? (info ?? undefined) : undefined);
  }

  private lose(code: 4590 | 1012, reason: string): void {
    this.end();
    this.guest.lost(code, reason);
  }

  private looked(answer: LookAnswer): void {
    if (this.isOver) return;
    if (answer[0] === "x") {
      this.lose(...lossOf(answer[1]));
      return;
    }
    if (answer[0] === "s") {
      const [, event, fence, session, partner, queued, since, info, data, receipts] = answer;
      if (this.phase === "waiting") this.sit([event, fence, session, partner, queued, since, info]);
      this.heardEvents = event;
      this.compare(partner, since, info);
      this.outgoing.receipts(receipts);
      for (const [seq, ...kept] of data) this.hand(seq, kept);
    }
    this.replay();
  }

  /** What was missed of the partner. */
  private compare(state: PeerState, since: number, info: string | null): void {
    const isOther = state === "online" && since !== this.partner.since;
    if (this.partner.state === "online" && (state === "offline" || isOther))
      this.see("offline", isOther ? "replaced" : "closed", 0, null);
    if (isOther) this.see("online", "joined", since, info);
  }

  private letGo(reason: string, isForGood: boolean): void {
    this.surely({ k: "l", c: this.id, r: this.role, y: reason, g: isForGood });
  }

  /** Also when Redis is away, and this seat forgotten. */
  private surely(words: Step["words"]): void {
    const { host, who } = this;
    const step: Step = { words, answered: () => {}, failed: () => host.later(who.group, step) };
    host.step(who.group, step);
  }

  private end(): void {
    this.phase = "over";
    this.host.forget(this);
    this.outgoing.end();
  }
}
