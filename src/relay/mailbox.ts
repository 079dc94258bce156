/**
 * What is on its way to one role of a group: queued, then handed over, then settled, each message exactly once.
 * A receiver that acknowledges holds what it was handed until it says so; for any other one, handing over is the end.
 *
 * Bounds: `size` messages and `bytes` queued, as many again handed over and not acknowledged, `total` bytes in all mailboxes of
 * the route, shared by their senders, each message with MESSAGE_BYTES on top. Failure: what does not fit or waits too long is settled as dropped or expired, and its sender is told.
 */
import type { Clock } from "../clock.ts";
import type { FairBound } from "../limits/fair-bound.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Payload, ReceiptState } from "../wire/v1.ts";

export interface Message extends Payload {
  /** Counts up per mailbox, from 1. */
  readonly seq: number;
  /** Bytes of all that is kept of what was sent. */
  readonly size: number;
  readonly sender: Sender;
  /** The sender's own name for it; empty for a plain one, who has none. */
  readonly idem: string;
  /** A plain sender's `message_type`. */
  readonly type: string | undefined;
  /** Clock time in ms up to which it may be queued. */
  due: number;
}

export interface Sender {
  /** Whose share of the route's bound its messages take (limits/holder.ts). */
  readonly owner: string;
  /** It was handed over for the first time. */
  handed(message: Message): void;
  settled(message: Message, state: ReceiptState): void;
}

export interface Receiver {
  readonly acknowledges: boolean;
  /** False also when it is gone. */
  isReady(): boolean;
  /** Whether it can be told such a message at all. */
  takes(message: Message): boolean;
  hand(message: Message): void;
}

/** What the mailboxes of a route have in common. Bounds of 0 bound nothing. */
export interface PostOffice {
  readonly limits: { readonly size: number; readonly bytes: number };
  /** Bytes in all mailboxes, MESSAGE_BYTES for each message among them, by their owners. */
  readonly total: FairBound;
  readonly clock: Clock;
  readonly counters: RouteCounters;
  /** Something is queued here, which may come to wait too long. */
  waits(mailbox: Mailbox): void;
  /** Nothing is queued here any more. */
  rests(mailbox: Mailbox): void;
}

/** What a message takes in memory beside what it says: strangers may send empty ones to as many groups as they like. */
export const MESSAGE_BYTES = 256;

/** A class, because there are two per group. */
export class Mailbox {
  private lastSeq = 0;
  private lastHanded = 0;
  private queue: Message[] = [];
  private queueBytes = 0;
  private held: Message[] = [];
  private heldBytes = 0;

  constructor(
    private readonly office: PostOffice,
    /** Fewer are queued than before. */
    private readonly eased: () => void,
  ) {}

  get queued(): number {
    return this.queue.length;
  }

  /** Nothing waits, here or for an acknowledgement. */
  get isEmpty(): boolean {
    return this.queue.length === 0 && this.held.length === 0;
  }

  /** Messages that a new holder of the role is going to get. */
  get pending(): number {
    return this.queue.length + this.held.length;
  }

  /** One more message of so many bytes is more than may be queued. */
  isFull(from: Sender, bytes: number): boolean {
    const { limits } = this.office;
    return (
      isOver(this.queue.length + 1, limits.size) ||
      isOver(this.queueBytes + bytes, limits.bytes) ||
      this.isRouteFull(from, bytes)
    );
  }

  /** One more message of so many bytes is more than all mailboxes of the route may hold of this sender's. */
  isRouteFull({ owner }: Sender, bytes: number): boolean {
    return !this.office.total.fits(owner, bytes + MESSAGE_BYTES);
  }

  /** Half of the bounds are free again: who was stopped may go on. */
  hasEased(): boolean {
    const { limits } = this.office;
    return !isOver(this.queue.length * 2, limits.size) && !isOver(this.queueBytes * 2, limits.bytes);
  }

  nextSeq(): number {
    this.lastSeq += 1;
    return this.lastSeq;
  }

  /** Hands a new message over if it is its turn. False: it has to wait. */
  offer(message: Message, receiver: Receiver): boolean {
    if (this.queue.length > 0 || !this.canHand(receiver)) return false;
    // Who acknowledges nothing has it and we do not.
    if (receiver.acknowledges && this.isRouteFull(message.sender, message.size)) return false;
    this.count(message);
    this.handOver(message, receiver);
    return true;
  }

  /** `ttl` in ms; Infinity = until somebody comes. */
  enqueue(message: Message, ttl: number): void {
    const { office } = this;
    message.due = office.clock.now() + ttl;
    this.queue.push(message);
    this.queueBytes += message.size;
    this.count(message);
    office.waits(this);
  }

  /** Hands over what is queued, as far as the receiver is ready for it. */
  flush(receiver: Receiver): void {
    if (this.queue.length === 0) return;
    const now = this.office.clock.now();
    while (this.queue.length > 0 && this.canHand(receiver)) {
      const message = this.dequeue();
      if (message === undefined) break;
      if (message.due <= now) this.expireOne(message);
      else this.handOver(message, receiver);
    }
    this.eased();
  }

  /** The role has a holder again, of the same session or one that inherits: it is handed what nobody has acknowledged. */
  handAgain(receiver: Receiver): void {
    const held = [...this.held];
    if (!receiver.acknowledges) this.forget(held.length);
    for (const message of held) {
      const isTaken = receiver.isReady() && receiver.takes(message);
      if (isTaken) receiver.hand(message);
      if (!receiver.acknowledges) message.sender.settled(message, isTaken ? "delivered" : "unknown");
    }
  }

  /** False: nothing so late was ever handed over. */
  acknowledge(upto: number): boolean {
    if (upto > this.lastHanded) return false;
    const after = this.held.findIndex(({ seq }) => seq > upto);
    for (const message of this.forget(after === -1 ? this.held.length : after)) {
      message.sender.settled(message, "delivered");
    }
    return true;
  }

  /** Who was handed these will never say whether they were taken. */
  abandon(): void {
    for (const message of this.forget(this.held.length)) message.sender.settled(message, "unknown");
  }

  expire(now: number): void {
    if (!this.queue.some(({ due }) => due <= now)) return;
    for (const message of this.take(({ due }) => due <= now)) this.expireOne(message);
  }

  /** Its sender has to go, and the relay with it: what was never handed over never will be. */
  withdraw(sender: Sender): void {
    for (const message of this.take((queued) => queued.sender === sender)) {
      this.discount(message);
      this.drop(message, "closed");
    }
  }

  /** For a message that was neither handed over nor queued, too. */
  drop(message: Message, reason: "full" | "ignored" | "closed"): void {
    this.office.counters.dropped[reason] += 1;
    message.sender.settled(message, "dropped");
  }

  private canHand(receiver: Receiver): boolean {
    if (!receiver.isReady()) return false;
    const { size, bytes } = this.office.limits;
    if (!receiver.acknowledges || this.held.length === 0) return true;
    return !isOver(this.held.length + 1, size) && !isOver(this.heldBytes, bytes);
  }

  private handOver(message: Message, receiver: Receiver): void {
    const { office } = this;
    if (!receiver.takes(message)) {
      this.discount(message);
      this.drop(message, "ignored");
      return;
    }
    office.counters.delivered += 1;
    this.lastHanded = message.seq;
    // Held first: a send that fails may end the receiver, and what it was handed with it.
    if (receiver.acknowledges) this.hold(message);
    else this.discount(message);
    receiver.hand(message);
    message.sender.handed(message);
    if (!receiver.acknowledges) message.sender.settled(message, "delivered");
  }

  private count({ size, sender }: Message): void {
    this.office.total.take(sender.owner, size + MESSAGE_BYTES);
  }

  private discount({ size, sender }: Message): void {
    this.office.total.give(sender.owner, size + MESSAGE_BYTES);
  }

  private hold(message: Message): void {
    this.held.push(message);
    this.heldBytes += message.size;
  }

  /** The first so many of those held, which are so no more. */
  private forget(count: number): Message[] {
    const forgotten = this.held.splice(0, count);
    for (const message of forgotten) {
      this.heldBytes -= message.size;
      this.discount(message);
    }
    return forgotten;
  }

  private expireOne(message: Message): void {
    this.discount(message);
    this.office.counters.dropped.expired += 1;
    message.sender.settled(message, "expired");
  }

  /** The first of the queue; its bytes are still counted. */
  private dequeue(): Message | undefined {
    const message = this.queue.shift();
    if (message !== undefined) this.queueBytes -= message.size;
    if (this.queue.length === 0) this.office.rests(this);
    return message;
  }

  /** All of the queue that `chosen` says. */
  private take(chosen: (message: Message) => boolean): Message[] {
    const taken = this.queue.filter(chosen);
    this.queue = this.queue.filter((message) => !chosen(message));
    for (const { size } of taken) this.queueBytes -= size;
    if (this.queue.length === 0) this.office.rests(this);
    this.eased();
    return taken;
  }
}

function isOver(value: number, bound: number): boolean {
  return bound > 0 && value > bound;
}
