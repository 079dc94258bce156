/** A relay's client that speaks envelopes, in a group of this process: its messages go straight to a plain partner, or to a mailbox. */
import type { Connection } from "../connection.ts";
import { holderOf } from "../limits/holder.ts";
import { type Envelope, endEnvelope, type Registration } from "../wire/envelope.ts";
import type { Peer, Refused, Seat, Seated } from "./groups.ts";
import type { Mailbox, Message, Sender } from "./mailbox.ts";
import { caughtUp, regulate } from "./paired-flow.ts";
import { type Place, placeOf } from "./place.ts";
import { PlainVoice } from "./plain-voice.ts";
import type { Relay } from "./relay.ts";
import { arrive, depart } from "./roles.ts";

/** A class, because there is one per connection. */
export class PlainPeer extends PlainVoice implements Peer, Sender {
  readonly acknowledges = false;
  seat: Seat | undefined;
  readonly owner: string;
  /** Its end of a plain pair. One that speaks fairlead.v1 is never paused: what waits for it is bounded by its mailbox. */
  override partner: PlainPeer | undefined = undefined;
  private opposite: Peer | undefined;

  constructor(
    private readonly relay: Relay,
    conn: Connection,
  ) {
    super(relay, conn, relay.clock.now() + relay.options.timeout);
    this.owner = holderOf(conn);
  }

  get hasRole(): boolean {
    return this.seat?.holder === this;
  }

  drained(): void {
    caughtUp(this, this.relay.options.slow);
    this.seat?.mailbox.flush(this);
  }

  leave(why: string): void {
    this.isGone = true;
    depart(this.relay, this, why, true);
  }

  withdraw(): void {
    this.seat?.opposite.mailbox.withdraw(this);
  }

  newSession(): undefined {}

  seated({ seat }: Seated): void {
    this.greet(seat);
  }

  standsBy(seat: Seat): void {
    this.place = placeOf(seat, this.relay.phrases);
  }

  refused(place: Registration, why: Refused): void {
    this.refuse(place, "text" in why ? why.text : undefined);
  }

  dismissed(code: 4409 | 4590, reason: string): void {
    this.end(code, reason);
  }

  faces(partner: Peer | undefined): void {
    this.opposite = partner;
    this.partner = partner instanceof PlainPeer ? partner : undefined;
    this.isAhead = false;
    if (!this.isGone) regulate(this);
  }

  isReady(): boolean {
    return !this.isGone && this.conn.isOpen && !this.lagging;
  }

  takes({ data }: Message): boolean {
    return typeof data === "string";
  }

  hand({ data, type }: Message): void {
    if (this.place !== undefined) this.tell(this.place.fromPartner + endEnvelope(String(data), type));
  }

  handed(): void {
    if (this.relay.options.confirm === "delivered") this.confirm();
  }

  settled(): void {}

  eased(): void {
    if (!this.isAhead || this.seat?.opposite.mailbox.hasEased() === false) return;
    this.isAhead = false;
    regulate(this);
  }

  protected ask(wanted: Registration): void {
    arrive(this.relay, this, wanted);
  }

  protected forward(place: Place, envelope: Envelope): void {
    const { opposite, partner, relay, seat } = this;
    const { confirm } = relay.options;
    if (seat === undefined || seat.holder !== this || !opposite?.conn.isOpen) {
      this.forwardToNobody(envelope);
      if (confirm === "always") this.confirm();
    } else if (partner !== undefined && seat.opposite.mailbox.isEmpty) {
      // Three fields are constant per sender, so only content and type are encoded here.
      relay.counters.due += 1;
      relay.counters.delivered += 1;
      partner.tell(place.toPartner + endEnvelope(envelope.content, envelope.message_type));
      if (confirm !== false) this.confirm();
    } else {
      this.mail(seat.opposite, opposite, envelope);
      if (confirm === "always") this.confirm();
    }
  }

  /** By way of the partner's mailbox. It takes what was read already, unless all together are full; then no more is read. */
  private mail({ mailbox }: Seat, opposite: Peer, envelope: Envelope): void {
    const message = this.messageFor(mailbox, envelope);
    if (mailbox.offer(message, opposite)) return;
    const isTooMuch = mailbox.isRouteFull(this, message.size);
    if (isTooMuch) mailbox.drop(message, "full");
    else mailbox.enqueue(message, this.relay.ttl);
    if (isTooMuch || !mailbox.isFull(this, 0)) return;
    this.isAhead = true;
    regulate(this);
  }

  private forwardToNobody(envelope: Envelope): void {
    const { seat, relay } = this;
    if (!relay.options.queue.plain || seat?.holder !== this) {
      this.lose("absent");
      return;
    }
    const { mailbox } = seat.opposite;
    const message = this.messageFor(mailbox, envelope);
    if (mailbox.isFull(this, message.size)) mailbox.drop(message, "full");
    else mailbox.enqueue(message, relay.ttl);
  }

  private messageFor(mailbox: Mailbox, { content, message_type }: Envelope): Message {
    this.relay.counters.due += 1;
    return {
      seq: mailbox.nextSeq(),
      data: content,
      json: false,
      size: Buffer.byteLength(content) + Buffer.byteLength(message_type ?? ""),
      sender: this,
      idem: "",
      type: message_type ?? undefined,
      due: 0,
    };
  }
}
