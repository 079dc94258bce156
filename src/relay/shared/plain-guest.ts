/**
 * A relay's client that speaks envelopes, in a group that several nodes share. To the engine it is a peer like any other: it has a
 * session, which ends with its connection, names its messages, and acknowledges what its connection has.
 * Limits: as many messages without a receipt as a queue holds; then no more is read from it, and what was read already is kept.
 * Failure: what the engine does not take is counted as refused, and not confirmed.
 */
import type { Connection } from "../../connection.ts";
import { holderOf } from "../../limits/holder.ts";
import type { Guest, HandedMessage, JoinRefusal, Sent, SharedPlace, SharedSeat } from "../../relays.ts";
import { type Envelope, endEnvelope, otherRole, type Registration } from "../../wire/envelope.ts";
import type { PeerState, ReceiptState } from "../../wire/v1.ts";
import { caughtUp, regulate } from "../paired-flow.ts";
import { type Place, placeOf } from "../place.ts";
import { PlainVoice } from "../plain-voice.ts";
import { MAX_UNRELEASED } from "../receipts.ts";
import type { SharedParts } from "./parts.ts";
import { Window } from "./window.ts";

/** A class, because there is one per connection. */
export class PlainGuest extends PlainVoice implements Guest {
  hasRole = false;
  private seat: SharedSeat | undefined;
  private asked: Registration | undefined;
  private count = 0;
  private readonly window: Window;
  /** What was read while no more could be sent. */
  private backlog: Envelope[] = [];
  /** What its connection has, and what the engine knows of that. */
  private taken = 0;
  private acknowledged = 0;

  constructor(
    private readonly parts: SharedParts,
    conn: Connection,
  ) {
    super(parts, conn, parts.now() + parts.options.timeout);
    const { size, bytes } = parts.options.queue;
    // Half of what may be without a receipt: what an earlier one left in the queue has room beside it.
    this.window = new Window({ count: Math.min(size || MAX_UNRELEASED, MAX_UNRELEASED) / 2, bytes });
  }

  drained(): void {
    caughtUp(this, this.parts.options.slow);
    this.acknowledge();
  }

  leave(why: string): void {
    if (this.isGone) return;
    this.isGone = true;
    this.hasRole = false;
    for (const envelope of this.backlog.splice(0)) this.post(envelope);
    this.seat?.leave(why, true);
  }

  /** It waits for its partner at whatever node that comes to. */
  withdraw(): void {}

  gather(run: () => void): void {
    this.conn.cork(run);
  }

  seated(_: SharedPlace): void {
    const { asked } = this;
    if (asked === undefined || this.isGone) return;
    this.hasRole = true;
    this.greet(asked);
    this.answered();
  }

  standsBy(): void {
    if (this.asked !== undefined) this.place = placeOf(this.asked, this.parts.phrases);
    this.answered();
  }

  refused(why: JoinRefusal): void {
    if (this.asked !== undefined) this.refuse(this.asked, typeof why === "string" ? undefined : why.text);
  }

  handed({ seq, data, type }: HandedMessage): void {
    if (this.place !== undefined) this.tell(this.place.fromPartner + endEnvelope(String(data), type));
    this.taken = seq;
    this.acknowledge();
  }

  settled(seq: number, _: string, state: ReceiptState): void {
    if (state === "delivered" && this.parts.options.confirm === "delivered") this.confirm();
    this.window.settled(seq);
    this.goOn();
  }

  sees(state: PeerState): void {
    if (this.place !== undefined) this.told(otherRole(this.place.role), state);
  }

  lost(code: 4590 | 1012, reason: string): void {
    this.end(code, reason);
  }

  protected ask(wanted: Registration): void {
    const { conn } = this;
    this.asked = wanted;
    const from = { conn: conn.id, user: conn.user, owner: holderOf(conn), isPlain: true };
    this.seat = this.parts.groups.enter({ ...wanted, ...from, info: undefined, resumed: undefined }, this);
  }

  protected forward(_: Place, envelope: Envelope): void {
    if (!this.hasRole) this.lose("absent");
    else if (this.isAhead) this.backlog.push(envelope);
    else this.post(envelope);
    if (this.parts.options.confirm === "always") this.confirm();
  }

  private post({ content, message_type }: Envelope): void {
    const { options, ttl } = this.parts;
    this.count += 1;
    const size = Buffer.byteLength(content) + Buffer.byteLength(message_type ?? "");
    const type = message_type ?? undefined;
    const message = { data: content, json: false, type, idem: `${this.count}`, size, ttl };
    this.window.begin(size);
    const more = { done: this.window.released, isForPresent: !options.queue.plain };
    this.seat?.send({ ...message, ...more }, (sent) => this.sent(sent, size));
    this.regulate();
  }

  private sent(sent: Sent, size: number): void {
    if (typeof sent === "object" && "seq" in sent) {
      this.window.accepted(sent.seq, size);
    } else {
      this.window.ended(size);
      if (sent !== "lost") this.lose(sent === "absent" ? "absent" : "refused");
    }
    this.goOn();
  }

  private goOn(): void {
    while (this.backlog.length > 0 && !this.window.isFull) {
      const [next] = this.backlog.splice(0, 1);
      if (next !== undefined) this.post(next);
    }
    this.regulate();
  }

  private regulate(): void {
    this.isAhead = this.isAhead ? !this.window.hasEased || this.backlog.length > 0 : this.window.isFull;
    if (!this.isGone) regulate(this);
  }

  /** Not while too much waits for it: what it was handed is bounded by what it has not acknowledged. */
  private acknowledge(): void {
    if (this.lagging || this.isGone || this.taken <= this.acknowledged) return;
    this.acknowledged = this.taken;
    this.seat?.acknowledge(this.taken, this.window.released);
  }
}
