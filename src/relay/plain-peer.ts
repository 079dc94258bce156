/**
 * A relay's client that speaks envelopes: its first one claims a role, then its messages go to its partner. It leaves once, because
 * it closed, was silent for `timeout`, said `disconnect`, or lost its role.
 * Limits: `paired-flow.ts` bounds what waits for a peer, MAX_AHEAD_OF_CLAIM what waits for an answer of the engine, and
 * MAX_BAD_IN_A_ROW our patience. Failure: a bad message is answered, never thrown; a claim that fails closes with 1013.
 */
import type { Connection, Data } from "../connection.ts";
import { holderOf } from "../limits/holder.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import type { Envelope, Problem, Registration, Role } from "../wire/envelope.ts";
import { endEnvelope, parseEnvelope, parseRegistration, startEnvelope } from "../wire/envelope.ts";
import type { PeerState } from "../wire/v1.ts";
import type { Peer, Refused, Seat, Seated } from "./groups.ts";
import type { Mailbox, Message, Sender } from "./mailbox.ts";
import { caughtUp, type FlowEnd, keepsUp, regulate } from "./paired-flow.ts";
import { type Place, placeOf } from "./place.ts";
import type { Relay } from "./relay.ts";
import { NO_ROLES, placeLacks, takenText } from "./role-claims.ts";
import { arrive, depart } from "./roles.ts";
import type { Watched } from "./silence.ts";

/** A client that talks something else is told a few times, then let go. */
const MAX_BAD_IN_A_ROW = 10;
/** Messages kept while a claim is answered. The peer is paused meanwhile, so their bytes are those of one read. */
const MAX_AHEAD_OF_CLAIM = 1_024;

/** A class, because there is one per connection. */
export class PlainPeer implements Peer, Sender, FlowEnd, Watched {
  readonly acknowledges = false;
  seat: Seat | undefined;
  isGone = false;
  readonly owner: string;
  heard = false;
  deadline: number;
  lagging = false;
  /** Its end of a plain pair. One that speaks fairlead.v1 is never paused: what waits for it is bounded by its mailbox. */
  partner: PlainPeer | undefined;
  private opposite: Peer | undefined;
  /** Where it sits or stands by. */
  place: Place | undefined;
  /** Its claim has no answer yet; what it says meanwhile is kept in `ahead`. */
  private isClaiming = false;
  /** Its partner's mailbox is full. */
  private isAhead = false;
  private readonly ahead: string[] = [];
  private badInARow = 0;

  constructor(
    private readonly relay: Relay,
    readonly conn: Connection,
  ) {
    this.owner = holderOf(conn);
    this.deadline = relay.clock.now() + relay.options.timeout;
  }

  get isWaiting(): boolean {
    return this.isClaiming || this.isAhead;
  }

  /** What it says, from the wire. */
  message(data: Data): void {
    this.heard = true;
    if (typeof data !== "string") this.lose("ignored");
    else if (!this.isClaiming) this.read(data);
    else if (this.ahead.length < MAX_AHEAD_OF_CLAIM) this.ahead.push(data);
    else this.end(1008, `more than ${MAX_AHEAD_OF_CLAIM} messages before the first was answered`);
  }

  /** Some of what waited for it has gone. */
  drained(): void {
    caughtUp(this, this.relay.options.slow);
    this.seat?.mailbox.flush(this);
  }

  /** Leaving comes first: when the client hears of its close, the role is free and the partner has been told. */
  end(code: CloseCode, reason: string, why = "closed"): void {
    this.leave(why);
    this.conn.close(code, reason);
  }

  /** `why`: for the partner. */
  leave(why: string): void {
    this.isGone = true;
    depart(this.relay, this, why, true);
  }

  /** What it said and nobody was handed will not be handed over any more. */
  withdraw(): void {
    this.seat?.opposite.mailbox.withdraw(this);
  }

  begin(): undefined {}

  seated({ seat }: Seated): void {
    this.place ??= placeOf(seat, this.relay.phrases);
    const { phrases } = this.relay;
    this.tell(this.place.fromServer + endEnvelope(phrases.connected(crypto.randomUUID()), null));
  }

  standsBy(seat: Seat): void {
    this.place = placeOf(seat, this.relay.phrases);
  }

  answered(): void {
    if (!this.isClaiming) return;
    this.isClaiming = false;
    for (const text of this.ahead.splice(0)) if (!this.isGone) this.read(text);
    if (!this.isGone) regulate(this);
  }

  refused({ group, role }: Registration, why: Refused): void {
    const { phrases, log, name } = this.relay;
    // A paused connection would not see the client's answer to the close.
    this.isClaiming = false;
    regulate(this);
    if ("text" in why) {
      log.warn({ conn: this.conn.id, route: name, code: 1013, reason: why.text }, "! no claim");
      this.end(1013, NO_ROLES);
    } else {
      this.tell(startEnvelope(group, "server", role) + endEnvelope(phrases.rejected, "rejection"));
      this.end(4409, takenText(role));
    }
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

  told(role: Role, state: PeerState): void {
    const { phrases } = this.relay;
    if (state === "online") this.inform(endEnvelope(phrases.online(role), "connect"));
    else this.inform(endEnvelope(phrases.offline(role), "disconnect"));
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

  private read(text: string): void {
    const parsed = parseEnvelope(text);
    if ("problem" in parsed) this.complain(parsed.problem);
    else if (this.place === undefined) this.register(parsed.envelope);
    else this.dispatch(this.place, parsed.envelope);
  }

  /** The first envelope asks for a role, whatever else it says. */
  private register(envelope: Envelope): void {
    const wanted = parseRegistration(envelope);
    if ("problem" in wanted) {
      this.complain(wanted.problem);
      return;
    }
    const lacking = placeLacks(this.conn.may, wanted);
    if (lacking !== undefined) {
      this.relay.counters.denied += 1;
      this.end(3003, lacking);
      return;
    }
    this.badInARow = 0;
    this.isClaiming = true;
    arrive(this.relay, this, wanted);
    if (!this.isGone) regulate(this);
  }

  /** What a registered peer says. Any other `message_type` is between the partners and passes as it is. */
  private dispatch(place: Place, envelope: Envelope): void {
    this.badInARow = 0;
    if (envelope.message_type === "heartbeat") this.tell(place.heartbeat);
    else if (envelope.message_type === "disconnect") this.end(1000, "disconnect", "left");
    // A role talks to the other one only; what it addresses to itself has no reader.
    else if (envelope.receiver_type === place.role) this.lose("ignored");
    else this.forward(place, envelope);
  }

  private forward(place: Place, envelope: Envelope): void {
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

  private confirm(): void {
    if (this.place !== undefined) this.tell(this.place.sent);
  }

  /** due = delivered + dropped + queued: what found no reader was due to one all the same. */
  private lose(reason: "absent" | "ignored"): void {
    const { counters } = this.relay;
    counters.due += 1;
    counters.dropped[reason] += 1;
  }

  private complain(problem: Problem): void {
    const start = this.place?.fromServer ?? startEnvelope("", "server", "");
    this.tell(start + endEnvelope(this.relay.phrases.problem(problem), "error"));
    this.badInARow += 1;
    if (this.badInARow >= MAX_BAD_IN_A_ROW)
      this.end(1008, `${MAX_BAD_IN_A_ROW} messages in a row were not envelopes`);
  }

  private inform(rest: string): void {
    if (this.place !== undefined) this.tell(this.place.fromServer + rest);
  }

  /** Every message to a peer goes through here, so that its queue is seen when it grows. */
  private tell(text: string): void {
    const { slow, maxMessage } = this.relay.options;
    if (this.conn.send(text) || keepsUp(this, slow, maxMessage)) return;
    this.end(1013, `slow consumer: more than ${slow.highWater} bytes wait`);
  }
}
