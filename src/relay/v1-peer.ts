/**
 * A relay's client that speaks fairlead.v1: `join`, `send`, `ack`, `leave`. What it is to the relay beyond this connection is its session.
 * It is never paused: what waits for it is bounded by its mailbox, what it may send by its receipts.
 * Failure: a command that does not fit is answered with `err`, and nothing else happens.
 */
import type { Connection } from "../connection.ts";
import type { May } from "../identity.ts";
import type { Reply } from "../route.ts";
import { refused } from "../session.ts";
import { otherRole, type Registration, type Role } from "../wire/envelope.ts";
import { dataFrame, peerFrame, receiptFrame } from "../wire/frames.ts";
import type { Answer, Command, CommandOf, PeerState } from "../wire/v1.ts";
import { type Peer, type Refused, RelaySession, type Seat, type Seated } from "./groups.ts";
import type { Message } from "./mailbox.ts";
import { MAX_UNRELEASED } from "./receipts.ts";
import type { Relay } from "./relay.ts";
import { placeLacks, takenText } from "./role-claims.ts";
import { arrive, depart } from "./roles.ts";

/** A class, because there is one per connection. */
export class V1Peer implements Peer {
  readonly acknowledges = true;
  seat: Seat | undefined;
  isGone = false;
  /** Where it sits or sat. */
  place: Registration | undefined;
  private session: RelaySession | undefined;
  private info: string | undefined;
  /** Answers the join that is under way. */
  private joining: Reply | undefined;
  /** Where it has joined, or is about to: once is all. */
  private asked: Registration | undefined;

  constructor(
    private readonly relay: Relay,
    readonly conn: Connection,
  ) {}

  command(command: Command, reply: Reply, size: number): void {
    const answer = this.answer(command, reply, size);
    if (answer !== undefined) reply(answer);
  }

  /** Its connection has gone; the session waits for it, unless it may not come back. */
  closed(why: string, isForGood: boolean): void {
    this.isGone = true;
    depart(this.relay, this, why, isForGood);
  }

  /** Why it could not have its role under other rights. */
  lacks(may: May): string | undefined {
    return this.asked && placeLacks(may, this.asked);
  }

  /** What it said and nobody was handed will not be handed over any more. */
  withdraw(): void {
    if (this.session !== undefined) this.seat?.opposite.mailbox.withdraw(this.session);
  }

  begin(seat: Seat): RelaySession {
    return new RelaySession(seat, this.conn, this.info);
  }

  seated({ seat, partner, queued, info }: Seated): void {
    const { session } = seat;
    const { joining } = this;
    this.session = session;
    this.place = seat;
    this.joining = undefined;
    const about = info === undefined ? "" : `,"info":${info}`;
    const okText = `"partner":"${partner}","queued":${queued},"session":"${session?.id}"${about}`;
    joining?.({ okText, holds: "secret" });
  }

  /** The answer comes when it has the role. */
  standsBy(): void {}

  answered(): void {}

  refused({ role }: Registration, why: Refused): void {
    const reply = this.joining;
    this.joining = undefined;
    if ("takenBy" in why) {
      const text = takenText(role);
      reply?.(refused("forbidden", `${text}; try again later, or choose another group`));
      this.conn.close(4409, text);
      return;
    }
    this.asked = undefined;
    if ("gone" in why) reply?.(GONE);
    else reply?.(refused("engine_down", `roles cannot be given out now: ${why.text}`));
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

  /** Undefined: it was answered, or will be. */
  private answer(command: Command, reply: Reply, size: number): Answer | undefined {
    switch (command.t) {
      case "join":
        return this.join(command, reply);
      case "send":
        return this.send(command, reply, size);
      case "ack":
        return this.ack(command);
      case "leave":
        return this.leave(reply);
      default:
        return refused("unknown_command", `${command.t}: a relay has join, send, ack, leave and ping`);
    }
  }

  private join(
    { group, role, session: id, upto, done, info }: CommandOf<"join">,
    reply: Reply,
  ): Answer | undefined {
    if (this.asked !== undefined)
      return refused("bad_request", "join: this connection has joined already; open another one");
    const place = { group, role };
    const lacking = placeLacks(this.conn.may, place);
    if (lacking !== undefined) return this.forbid(lacking, reply);
    const session = id === undefined ? undefined : this.relay.sessions.find(id, place, this.conn.user);
    if (id !== undefined && session === undefined) return GONE;
    if (session !== undefined && upto !== undefined && !session.seat.mailbox.acknowledge(upto))
      return beyond("join", upto);
    session?.receipts.release(done ?? 0);
    this.asked = place;
    this.joining = reply;
    this.info = info;
    arrive(this.relay, this, place, session);
    return undefined;
  }

  /** Closed, because a client that hears nothing but the error would come back for ever. */
  private forbid(lacking: string, reply: Reply): undefined {
    this.relay.counters.denied += 1;
    reply(refused("forbidden", `join: ${lacking}`));
    this.conn.close(3003, lacking);
  }

  private send(command: CommandOf<"send">, reply: Reply, size: number): Answer | undefined {
    const { session, seat } = this;
    if (session === undefined || seat === undefined) return notJoined("send");
    session.receipts.release(command.done ?? 0);
    const known = session.receipts.get(command.idem);
    if (known !== undefined) {
      reply({ ok: { seq: known.seq, state: "queued" } });
      if (known.state !== undefined) this.conn.send(receiptFrame(known.seq, known.idem, known.state));
      return undefined;
    }
    if (session.receipts.isFull)
      return refused(
        "too_many",
        `send: ${MAX_UNRELEASED} messages are not released; say \`done\` for the receipts that have come`,
      );
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

  private ack({ upto }: CommandOf<"ack">): Answer {
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
  private leave(reply: Reply): Answer | undefined {
    if (this.seat === undefined) return notJoined("leave");
    // One that stands by gets no role any more.
    this.joining?.(refused("forbidden", "join: left before the role was free; join again to wait for it"));
    this.joining = undefined;
    depart(this.relay, this, "left", true);
    reply(DONE);
    this.conn.close(1000, "left");
    return undefined;
  }
}

const DONE = { ok: {} };
/** What its partner speaks a client is not told. */
const NO_BINARY: Answer = {
  err: { code: "bad_request", message: "send: the partner is a plain client and takes no binary; send text" },
  isNonsense: false,
};
const GONE = refused("gone", "session: it has ended; join without one");

function notJoined(command: string) {
  return refused("bad_request", `${command}: this connection has no role; join first, and wait for its ok`);
}

function beyond(command: string, upto: number) {
  return refused("bad_request", `${command}: upto ${upto} was never handed over; say what has come`);
}
