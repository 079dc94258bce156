/**
 * A relay's client that speaks fairlead.v1, in a group that several nodes share: between its frames and the steps of its seat.
 * Limit: what it has asked for and was not answered; then its next command waits, and no more is read from it.
 * Failure: what the engine did surely not do is answered with `engine_down`. Of a send that nobody knows of, the answer comes when the
 * engine is back; of one that came too late for its seat, none, because the connection ends and the client sends it again.
 */
import type { Connection } from "../../connection.ts";
import { holderOf } from "../../limits/holder.ts";
import type { Guest, HandedMessage, JoinRefusal, Sent, SharedPlace, SharedSeat } from "../../relays.ts";
import type { Reply } from "../../route.ts";
import { refused } from "../../session.ts";
import { otherRole, type Registration } from "../../wire/envelope.ts";
import { dataFrame, peerFrame, receiptFrame } from "../../wire/frames.ts";
import type { Answer, Command, CommandOf, PeerState, ReceiptState } from "../../wire/v1.ts";
import { beyond, DONE, GONE, NO_BINARY, notJoined, TOO_MANY, V1Voice } from "../v1-voice.ts";
import type { SharedParts } from "./parts.ts";

/** A class, because there is one per connection. */
export class V1Guest extends V1Voice implements Guest {
  hasRole = false;
  private seat: SharedSeat | undefined;
  private isWaiting = false;
  /** Of the join under way. */
  private upto = 0;

  constructor(
    private readonly parts: SharedParts,
    conn: Connection,
  ) {
    super(parts, conn);
  }

  override command(command: Command, reply: Reply, size: number): void | Promise<void> {
    super.command(command, reply, size);
    return this.seat?.room;
  }

  closed(why: string, isForGood: boolean): void {
    const { seat, hasRole } = this;
    this.isGone = true;
    this.hasRole = false;
    seat?.leave(why, isForGood);
    if (seat !== undefined && hasRole && !isForGood) this.parts.away.add(seat, this.conn.identity);
  }

  /** Another node may go on with its session, and with what it said. */
  withdraw(): void {}

  gather(run: () => void): void {
    this.conn.cork(run);
  }

  seated({ partner, queued, session, info }: SharedPlace): void {
    if (this.asked === undefined) return;
    this.hasRole = true;
    this.welcome(this.asked, partner, queued, session, info);
  }

  standsBy(): void {
    this.isWaiting = true;
  }

  refused(why: JoinRefusal): void {
    const { asked } = this;
    this.seat = undefined;
    if (why === "taken") this.turnAway(asked?.role ?? "center");
    else if (why === "gone") this.notNow(GONE);
    else if (why === "beyond") this.notNow(beyond("join", this.upto));
    else this.notNow(refused("engine_down", `roles cannot be given out now: ${why.text}`));
  }

  handed(message: HandedMessage): void {
    if (this.place !== undefined)
      this.conn.send(dataFrame(message.seq, otherRole(this.place.role), message, message.type));
  }

  settled(seq: number, idem: string, state: ReceiptState): void {
    this.conn.send(receiptFrame(seq, idem, state));
  }

  sees(state: PeerState, reason: string, info: string | undefined): void {
    if (this.place !== undefined) this.conn.send(peerFrame(otherRole(this.place.role), state, reason, info));
  }

  lost(code: 4590 | 1012, reason: string): void {
    this.hasRole = false;
    this.conn.close(code, reason);
  }

  protected join(command: CommandOf<"join">, reply: Reply): undefined {
    const { group, role, session, upto = 0, done = 0, info } = command;
    const { conn } = this;
    const place: Registration = { group, role };
    this.upto = upto;
    this.begin(place, reply);
    const resumed = session === undefined ? undefined : { session, upto, done };
    const from = { conn: conn.id, user: conn.user, owner: holderOf(conn), isPlain: false };
    this.seat = this.parts.groups.enter({ ...place, ...from, info, resumed }, this);
  }

  protected send(command: CommandOf<"send">, reply: Reply, size: number): Answer | undefined {
    if (this.seat === undefined || !this.hasRole) return notJoined("send");
    const { data, json, idem, ttl, done = 0 } = command;
    const wait = Math.min(ttl ?? this.parts.ttl, this.parts.ttl);
    const message = { data, json, type: undefined, idem, size, ttl: wait, done, isForPresent: false };
    this.seat.send(message, (sent) => this.sent(sent, idem, reply));
    return undefined;
  }

  private sent(sent: Sent, idem: string, reply: Reply): void {
    if (sent === "lost") return;
    if (sent === "too_many") reply(TOO_MANY);
    else if (sent === "no_binary" || sent === "absent") reply(NO_BINARY);
    else if ("text" in sent) reply(refused("engine_down", `send: ${sent.text}`));
    else {
      reply({ ok: { seq: sent.seq, state: "queued" } });
      if (sent.state !== undefined) this.settled(sent.seq, idem, sent.state);
    }
  }

  protected ack({ upto }: CommandOf<"ack">, reply: Reply): Answer | undefined {
    if (this.seat === undefined || !this.hasRole) return notJoined("ack");
    this.seat.acknowledge(upto, 0, (known) => {
      if (typeof known === "object") reply(refused("engine_down", `ack: ${known.text}`));
      else reply(known ? DONE : beyond("ack", upto));
    });
    return undefined;
  }

  protected leave(reply: Reply): Answer | undefined {
    const { seat } = this;
    if (seat === undefined || !(this.hasRole || this.isWaiting)) return notJoined("leave");
    this.giveUp();
    seat.leave("left", true);
    reply(DONE);
    this.conn.close(1000, "left");
    return undefined;
  }
}
