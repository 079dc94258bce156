/**
 * How a relay's client that speaks envelopes is heard and answered, whoever keeps its group: its first one asks for a role, the others go
 * to its partner. It leaves once, because it closed, was silent for `timeout`, said `disconnect`, or lost its role.
 * Limits: `paired-flow.ts` bounds what waits for a peer, MAX_AHEAD_OF_CLAIM what waits for a role, MAX_BAD_IN_A_ROW our patience.
 * Failure: a bad message is answered, never thrown; a role that cannot be given out closes with 1013.
 */
import type { RelayOptions } from "../config/kinds/relay.ts";
import type { Connection, Data } from "../connection.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import type { Envelope, Phrases, Problem, Registration, Role } from "../wire/envelope.ts";
import { endEnvelope, parseEnvelope, parseRegistration, startEnvelope } from "../wire/envelope.ts";
import type { PeerState } from "../wire/v1.ts";
import { type FlowEnd, keepsUp, regulate } from "./paired-flow.ts";
import { type Place, placeOf } from "./place.ts";
import { NO_ROLES, placeLacks, takenText } from "./role-claims.ts";
import type { Watched } from "./silence.ts";

/** A client that talks something else is told a few times, then let go. */
const MAX_BAD_IN_A_ROW = 10;
/** Messages kept while a claim is answered. The peer is paused meanwhile, so their bytes are those of one read. */
const MAX_AHEAD_OF_CLAIM = 1_024;

/** What it needs of its relay. */
export interface VoiceDeps {
  readonly options: RelayOptions;
  readonly phrases: Phrases;
  readonly counters: RouteCounters;
  readonly log: Log;
  /** The configured path. */
  readonly name: string;
}

/** A class, because there is one per connection. */
export abstract class PlainVoice implements FlowEnd, Watched {
  isGone = false;
  heard = false;
  lagging = false;
  partner: FlowEnd | undefined;
  /** Where it sits or stands by. */
  place: Place | undefined;
  /** Its partner's mailbox is full. */
  protected isAhead = false;
  /** Its claim has no answer yet; what it says meanwhile is kept in `ahead`. */
  private isClaiming = false;
  private readonly ahead: string[] = [];
  private badInARow = 0;

  constructor(
    protected readonly deps: VoiceDeps,
    readonly conn: Connection,
    /** As `Watched` has it. */
    public deadline: number,
  ) {}

  /** Whether it has its role, and does not only wait for it. */
  abstract readonly hasRole: boolean;

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
  abstract drained(): void;

  /** Leaving comes first: when the client hears of its close, the role is free and the partner has been told. */
  end(code: CloseCode, reason: string, why = "closed"): void {
    this.leave(why);
    this.conn.close(code, reason);
  }

  /** `why`: for the partner. Without effect the second time. */
  abstract leave(why: string): void;

  /** The relay ends, and what it said and nobody was handed with it. */
  abstract withdraw(): void;

  /** Asks for a role. */
  protected abstract ask(wanted: Registration): void;

  /** What it says to its partner. */
  protected abstract forward(place: Place, envelope: Envelope): void;

  protected greet(at: Registration): void {
    const { phrases } = this.deps;
    this.place ??= placeOf(at, phrases);
    this.tell(this.place.fromServer + endEnvelope(phrases.connected(crypto.randomUUID()), null));
  }

  /** The claim has been answered, and all that follows from that is done. */
  answered(): void {
    if (!this.isClaiming) return;
    this.isClaiming = false;
    for (const text of this.ahead.splice(0)) if (!this.isGone) this.read(text);
    if (!this.isGone) regulate(this);
  }

  /** `down`: why roles cannot be given out; undefined: this one is taken. */
  protected refuse({ group, role }: Registration, down: string | undefined): void {
    const { phrases, log, name } = this.deps;
    // A paused connection would not see the client's answer to the close.
    this.isClaiming = false;
    regulate(this);
    if (down !== undefined) {
      log.warn({ conn: this.conn.id, route: name, code: 1013, reason: down }, "! no claim");
      this.end(1013, NO_ROLES);
    } else {
      this.tell(startEnvelope(group, "server", role) + endEnvelope(phrases.rejected, "rejection"));
      this.end(4409, takenText(role));
    }
  }

  told(role: Role, state: PeerState): void {
    const { phrases } = this.deps;
    if (state === "online") this.inform(endEnvelope(phrases.online(role), "connect"));
    else this.inform(endEnvelope(phrases.offline(role), "disconnect"));
  }

  protected confirm(): void {
    if (this.place !== undefined) this.tell(this.place.sent);
  }

  /** due = delivered + dropped + queued: what found no reader was due to one all the same. */
  protected lose(reason: "absent" | "ignored" | "refused"): void {
    const { counters } = this.deps;
    counters.due += 1;
    counters.dropped[reason] += 1;
  }

  /** Every message to a peer goes through here, so that its queue is seen when it grows. */
  protected tell(text: string): void {
    const { slow, maxMessage } = this.deps.options;
    if (this.conn.send(text) || keepsUp(this, slow, maxMessage)) return;
    this.end(1013, `slow consumer: more than ${slow.highWater} bytes wait`);
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
      this.deps.counters.denied += 1;
      this.end(3003, lacking);
      return;
    }
    this.badInARow = 0;
    this.isClaiming = true;
    this.ask(wanted);
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

  private complain(problem: Problem): void {
    const { phrases } = this.deps;
    const start = this.place?.fromServer ?? startEnvelope("", "server", "");
    this.tell(start + endEnvelope(phrases.problem(problem), "error"));
    this.badInARow += 1;
    if (this.badInARow >= MAX_BAD_IN_A_ROW)
      this.end(1008, `${MAX_BAD_IN_A_ROW} messages in a row were not envelopes`);
  }

  private inform(rest: string): void {
    if (this.place !== undefined) this.tell(this.place.fromServer + rest);
  }
}
