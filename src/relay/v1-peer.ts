/**
 * A relay's client that speaks fairlead.v1, in a group of this process. What it is to the relay beyond this connection is its session.
 * It is never paused: what waits for it is bounded by its mailbox, what it may send by its receipts.
 */
import type { Connection } from "../connection.ts";
import type { Reply } from "../route.ts";
import { refused } from "../session.ts";
import { otherRole, type Registration, type Role } from "../wire/envelope.ts";
import { dataFrame, peerFrame, receiptFrame } from "../wire/frames.ts";
import type { Answer, CommandOf, PeerState } from "../wire/v1.ts";
import { type Peer, type Refused, RelaySession, type Seat, type Seated } from "./groups.ts";
import type { Message } from "./mailbox.ts";
import type { Relay } from "./relay.ts";
import { arrive, depart } from "./roles.ts";
import { beyond, DONE, GONE, NO_BINARY, notJoined, TOO_MANY, V1Voice } from "./v1-voice.ts";

/** A class, because there is one per connection. */
export class V1Peer extends V1Voice implements Peer {
  readonly acknowledges = true;
  seat: Seat | undefined;
  private session: RelaySession | undefined;
  private info: string | undefined;

  constructor(
    private readonly relay: Relay,
    conn: Connection,
  ) {
    super(relay, conn);
  }

  get hasRole(): boolean {
    return this.seat?.holder === this;
  }

  closed(why: string, isForGood: boolean): void {
    this.isGone = true;
    depart(this.relay, this, why, isForGood);
  }

  withdraw(): void {
    if (this.session !== undefined) this.seat?.opposite.mailbox.withdraw(this.session);
  }

  newSession(seat: Seat): RelaySession {
    return new RelaySession(seat, this.conn, this.info);
  }

  seated({ seat, partner, queued, info }: Seated): void {
    this.session = seat.session;
    this.welcome(seat, partner, queued, seat.session?.id, info);
  }

  /** The answer comes when it has the role. */
  standsBy(): void {}

  answered(): void {}

  refused({ role }: Registration, why: Refused): void {
    if ("takenBy" in why) this.turnAway(role);
    else if ("gone" in why) this.notNow(GONE);
    else this.notNow(refused("engine_down", `roles cannot be given out now: ${why.text}`));
  }

  faces(): void {}

  told(role: Role, state: PeerState, reason: string, info: string | undefined): void {
    this.conn.send(peerFrame(role, state, reason, info));
  }

  dismissed(code: 4409 | 4590, reason: string): void {
    this.conn.close(code, reason);
  }

  eased(): void {}

  isReady(): boolean {
    return !this.isGone && this.conn.isOpen;
  }

  takes(): boolean {
    return true;
  }

  hand(message: Message): void {
    if (this.seat !== undefined)
      this.conn.send(dataFrame(message.seq, otherRole(this.seat.role), message, message.type));
  }

  protected join(
    { group, role, session: id, upto, done, info }: CommandOf<"join">,
    reply: Reply,
  ): Answer | undefined {
    const place = { group, role };
    const session = id === undefined ? undefined : this.relay.sessions.find(id, place, this.conn.user);
    if (id !== undefined && session === undefined) return GONE;
    if (session !== undefined && upto !== undefined && !session.seat.mailbox.acknowledge(upto))
      return beyond("join", upto);
    session?.receipts.release(done ?? 0);
    this.begin(place, reply);
    this.info = info;
    arrive(this.relay, this, place, session);
    return undefined;
  }

  protected send(command: CommandOf<"send">, reply: Reply, size: number): Answer | undefined {
    const { session, seat } = this;
    if (session === undefined || seat === undefined) return notJoined("send");
    session.receipts.release(command.done ?? 0);
    const known = session.receipts.get(command.idem);
    if (known !== undefined) {
      reply({ ok: { seq: known.seq, state: "queued" } });
      if (known.state !== undefined) this.conn.send(receiptFrame(known.seq, known.idem, known.state));
      return undefined;
    }
    if (session.receipts.isFull) return TOO_MANY;
    if (seat.opposite.holder?.acknowledges === false && typeof command.data !== "string") return NO_BINARY;
    this.accept(session, seat.opposite, command, reply, size);
    return undefined;
  }

  private accept(
    session: RelaySession,
    { mailbox, holder }: Seat,
    { data, json, idem, ttl }: CommandOf<"send">,
    reply: Reply,
    size: number,
  ): void {
    const seq = mailbox.nextSeq();
    const message = { seq, data, json, size, sender: session, idem, type: undefined, due: 0 };
    session.receipts.add(seq, idem);
    reply({ ok: { seq, state: "queued" } });
    this.relay.counters.due += 1;
    if (holder !== undefined && mailbox.offer(message, holder)) return;
    if (mailbox.isFull(session, size)) mailbox.drop(message, "full");
    else mailbox.enqueue(message, Math.min(ttl ?? this.relay.ttl, this.relay.ttl));
  }

  protected ack({ upto }: CommandOf<"ack">): Answer {
    const { seat } = this;
    if (seat === undefined || this.session === undefined) return notJoined("ack");
    const { mailbox, opposite } = seat;
    const sender = opposite.holder?.conn ?? this.conn;
    // The receipts leave in one write: one each costs the relay a fifth of its speed.
    if (!sender.cork(() => mailbox.acknowledge(upto))) return beyond("ack", upto);
    mailbox.flush(this);
    return DONE;
  }

  /** The session ends, and with it the connection: it could not join again. */
  protected leave(reply: Reply): Answer | undefined {
    if (this.seat === undefined) return notJoined("leave");
    this.giveUp();
    depart(this.relay, this, "left", true);
    reply(DONE);
    this.conn.close(1000, "left");
    return undefined;
  }
}
