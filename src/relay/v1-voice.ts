/**
 * How a relay's client that speaks fairlead.v1 is heard and answered, whoever keeps its group: `join`, `send`, `ack`, `leave`.
 * Failure: a command that does not fit is answered with `err`, and nothing else happens.
 */
import type { Connection } from "../connection.ts";
import type { May } from "../identity.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Reply } from "../route.ts";
import { refused } from "../session.ts";
import type { Registration, Role } from "../wire/envelope.ts";
import type { Answer, Command, CommandOf, PeerState } from "../wire/v1.ts";
import { MAX_UNRELEASED } from "./receipts.ts";
import { placeLacks, takenText } from "./role-claims.ts";

/** A class, because there is one per connection. */
export abstract class V1Voice {
  isGone = false;
  /** Where it sits or sat. */
  place: Registration | undefined;
  /** Answers the join that is under way. */
  protected joining: Reply | undefined;
  /** Where it has joined, or is about to: once is all. */
  protected asked: Registration | undefined;

  constructor(
    private readonly deps: { readonly counters: RouteCounters },
    readonly conn: Connection,
  ) {}

  /** Whether it has its role, and does not only wait for it. */
  abstract readonly hasRole: boolean;

  /** A promise: its next command waits for it. */
  command(command: Command, reply: Reply, size: number): void | Promise<void> {
    const answer = this.answer(command, reply, size);
    if (answer !== undefined) reply(answer);
  }

  /** Its connection has gone; the session waits for it, unless it may not come back. */
  abstract closed(why: string, isForGood: boolean): void;

  /** The relay ends, and what it said and nobody was handed with it. */
  abstract withdraw(): void;

  /** Why it could not have its role under other rights. */
  lacks(may: May): string | undefined {
    return this.asked && placeLacks(may, this.asked);
  }

  /** These answer with what they return, or by `reply`, now or later. */
  protected abstract join(command: CommandOf<"join">, reply: Reply): Answer | undefined;
  protected abstract send(command: CommandOf<"send">, reply: Reply, size: number): Answer | undefined;
  protected abstract ack(command: CommandOf<"ack">, reply: Reply): Answer | undefined;
  protected abstract leave(reply: Reply): Answer | undefined;

  /** It asks for this role from now on. */
  protected begin(place: Registration, reply: Reply): void {
    this.asked = place;
    this.joining = reply;
  }

  /** The answer to its join: it has the role. `info`: of its partner. */
  protected welcome(
    place: Registration,
    partner: PeerState,
    queued: number,
    session: string | undefined,
    info: string | undefined,
  ): void {
    const { joining } = this;
    this.place = place;
    this.joining = undefined;
    const about = info === undefined ? "" : `,"info":${info}`;
    const okText = `"partner":"${partner}","queued":${queued},"session":"${session}"${about}`;
    joining?.({ okText, holds: "secret" });
  }

  protected turnAway(role: Role): void {
    const text = takenText(role);
    const { joining } = this;
    this.joining = undefined;
    joining?.(refused("forbidden", `${text}; try again later, or choose another group`));
    this.conn.close(4409, text);
  }

  /** It may join again. */
  protected notNow(answer: Answer): void {
    const { joining } = this;
    this.joining = undefined;
    this.asked = undefined;
    joining?.(answer);
  }

  /** One that stands by gets no role any more. */
  protected giveUp(): void {
    this.joining?.(refused("forbidden", "join: left before the role was free; join again to wait for it"));
    this.joining = undefined;
  }

  private answer(command: Command, reply: Reply, size: number): Answer | undefined {
    switch (command.t) {
      case "join":
        return this.tryJoin(command, reply);
      case "send":
        return this.send(command, reply, size);
      case "ack":
        return this.ack(command, reply);
      case "leave":
        return this.leave(reply);
      default:
        return refused("unknown_command", `${command.t}: a relay has join, send, ack, leave and ping`);
    }
  }

  private tryJoin(command: CommandOf<"join">, reply: Reply): Answer | undefined {
    if (this.asked !== undefined)
      return refused("bad_request", "join: this connection has joined already; open another one");
    const { group, role } = command;
    const lacking = placeLacks(this.conn.may, { group, role });
    return lacking === undefined ? this.join(command, reply) : this.forbid(lacking, reply);
  }

  /** Closed, because a client that hears nothing but the error would come back for ever. */
  private forbid(lacking: string, reply: Reply): undefined {
    this.deps.counters.denied += 1;
    reply(refused("forbidden", `join: ${lacking}`));
    this.conn.close(3003, lacking);
  }
}

export const DONE = { ok: {} };
/** What its partner speaks a client is not told. */
export const NO_BINARY: Answer = {
  err: { code: "bad_request", message: "send: the partner is a plain client and takes no binary; send text" },
  isNonsense: false,
};
export const GONE = refused("gone", "session: it has ended; join without one");
export const TOO_MANY = refused(
  "too_many",
  `send: ${MAX_UNRELEASED} messages are not released; say \`done\` for the receipts that have come`,
);

export function notJoined(command: string): Answer {
  return refused("bad_request", `${command}: this connection has no role; join first, and wait for its ok`);
}

export function beyond(command: string, upto: number): Answer {
  return refused("bad_request", `${command}: upto ${upto} was never handed over; say what has come`);
}
