/**
 * fairlead.v1 on one connection: the welcome, commands in their order, exactly one answer for each `id`.
 * A command that the route answers later holds back those behind it, so `unsub` never overtakes its `sub`; publishing waits for nobody.
 * Limits: MAX_WAITING commands, `highWater` bytes that the client has not read, `subscribes` a second; past any no more is read from it.
 * Failure: MAX_BAD commands in a row that nobody can understand close with 1008.
 */
import type { Clock } from "./clock.ts";
import type { Connection, Data } from "./connection.ts";
import type { Reply, RouteKind, Subscribed, V1 } from "./route.ts";
import { decodeCommand } from "./wire/commands.ts";
import { ERROR_CODES } from "./wire/error-codes.ts";
import { answerFrame, drainFrame, errorFrame, welcomeFrame } from "./wire/frames.ts";
import type { Answer, Command, WireError } from "./wire/v1.ts";

export interface SessionOptions {
  readonly v1: V1;
  readonly kind: RouteKind;
  /** Name of this process. */
  readonly node: string;
  /** How often the server pings, in ms. */
  readonly heartbeat: number;
  /** Bytes; 0 = no limit of the route. */
  readonly maxMessage: number;
  /** Bytes that may wait for the client before its commands do; 0 = no limit. */
  readonly highWater: number;
  /** `sub` commands a second, after `burst` of them at once; 0 = any number. */
  readonly subscribes: number;
  readonly burst: number;
  readonly clock: Clock;
}

interface Received {
  readonly command: Command;
  /** Bytes of its frame. */
  readonly size: number;
}

const MAX_WAITING = 64;
const MAX_BAD = 10;
/** So many topics of a pattern count as one more `sub`: to begin a stream in each of 10,000 takes the server 200 ms. */
const TOPICS_PER_SUB = 100;

/** A class, because there is one per connection. */
export class Session {
  private lastId = 0;
  /** Commands in a row that could not be understood. */
  private bad = 0;
  /** A command is being answered, or the welcome has not been sent. */
  private isBusy = true;
  private waiting: Received[] = [];
  /** A `sub` waits for its time. */
  private isEarly = false;
  /** Too many bytes of answers wait for the client: whatever it says next waits, too, also what was read already. */
  private isClogged = false;
  /** Clock time in ms up to which the `sub` commands so far use the rate up. */
  private subsUntil = 0;

  constructor(
    private readonly connection: Connection,
    private readonly options: SessionOptions,
    /** A command failed after its hook had returned. */
    private readonly fail: (stage: string, error: unknown) => void,
  ) {}

  open(): void {
    this.options.v1
      .open(this.connection, (sub) => this.welcome(sub))
      ?.catch((error: unknown) => this.fail("open", error));
  }

  message(data: Data, size: number): void {
    const decoded = decodeCommand(data);
    const id = "err" in decoded ? decoded.id : decoded.command.id;
    if (id !== undefined && id <= this.lastId) {
      const message = `id: expected more than ${this.lastId}, received ${id}; count up with every command`;
      this.answer(undefined, { err: { code: "bad_request", message } });
      return;
    }
    this.lastId = id ?? this.lastId;
    if ("err" in decoded) this.answer(id, decoded);
    else if (this.isBusy || this.isClogged) this.wait({ command: decoded.command, size });
    else this.run(decoded.command, size);
  }

  /** The client's queue went down, or a command was answered: those that wait have their turn, then it may say more. */
  drained(): void {
    this.isClogged &&= this.isUnread();
    while (!this.isBusy && !this.isClogged && this.connection.isOpen) {
      const received = this.waiting.shift();
      if (received === undefined) break;
      this.run(received.command, received.size);
    }
    if (this.connection.isPaused && !this.isFull()) this.connection.resume();
  }

  /** This process stops, and closes the connection within so many ms; `retry`: when to come back. */
  drain(within: number, retry: number): void {
    this.connection.send(drainFrame(within, retry));
  }

  private welcome(sub: Subscribed | undefined): void {
    const { kind, node, heartbeat, maxMessage } = this.options;
    const { id: conn, user } = this.connection;
    this.send(welcomeFrame({ conn, kind, user, heartbeat, maxMessage, node, sub }), "secret");
    this.next();
  }

  private wait(received: Received): void {
    this.waiting.push(received);
    if (this.waiting.length >= MAX_WAITING) this.connection.pause();
  }

  /** Milliseconds until one more `sub` is within the rate; 0: now, and it is counted. */
  private subDelay(): number {
    const { subscribes, burst, clock } = this.options;
    if (subscribes === 0) return 0;
    const [now, cost] = [clock.now(), 1000 / subscribes];
    const until = Math.max(this.subsUntil, now) + cost;
    const delay = until - now - burst * cost;
    if (delay <= 0) this.subsUntil = until;
    return Math.max(0, delay);
  }

  /** What is known of a `sub` only when it has been done. */
  private countTopics(answer: Answer): void {
    const positions = "ok" in answer ? answer.ok["positions"] : undefined;
    if (typeof positions !== "object" || positions === null || this.options.subscribes === 0) return;
    const subs = Object.keys(positions).length / TOPICS_PER_SUB;
    this.subsUntil += (subs * 1000) / this.options.subscribes;
  }

  /** Not refused: a client that comes back with all its topics is no attack. */
  private runLater(received: Received, delay: number): void {
    this.isBusy = true;
    this.isEarly = true;
    this.waiting.unshift(received);
    this.connection.pause();
    this.options.clock.after(delay, this.turn);
  }

  private run(command: Command, size: number): void {
    const delay = command.t === "sub" ? this.subDelay() : 0;
    if (delay > 0) {
      this.runLater({ command, size }, delay);
      return;
    }
    const reply: Reply = (answer) => {
      if (command.t === "sub") this.countTopics(answer);
      this.answer(command.id, answer);
    };
    if (command.t === "ping") {
      reply({ ok: { time: this.options.clock.wall() } });
    } else if (command.t === "auth") {
      reply({ err: { code: "unauthorized", message: "this gateway checks no tokens; leave `auth` out" } });
    } else {
      const pending = this.options.v1.command(this.connection, command, reply, size);
      if (pending === undefined) return;
      this.isBusy = true;
      pending.then(() => this.yieldTurn()).catch((error: unknown) => this.fail("command", error));
    }
  }

  /** Histories that are at hand are answered without a look at any socket: thousands of them would shut the others out. */
  private yieldTurn(): void {
    if (this.waiting.length === 0) this.next();
    else setImmediate(this.turn);
  }

  /** For the loop to call: nobody there would catch what a route throws. */
  private readonly turn = (): void => {
    try {
      this.next();
    } catch (error) {
      this.fail("command", error);
    }
  };

  /** The one before was answered. */
  private next(): void {
    this.isBusy = false;
    this.isEarly = false;
    this.drained();
  }

  private answer(id: number | undefined, answer: Answer): void {
    const isBad = "err" in answer && answer.isNonsense !== false && ERROR_CODES[answer.err.code].counts;
    this.bad = isBad ? this.bad + 1 : 0;
    const holds = "okText" in answer ? answer.holds : undefined;
    if (id !== undefined) this.send(answerFrame(id, answer), holds);
    else if ("err" in answer) this.send(errorFrame(undefined, answer.err));
    if (this.bad >= MAX_BAD)
      this.connection.close(1008, `${MAX_BAD} commands in a row that nobody understands`);
  }

  private send(frame: string, holds?: "secret"): void {
    if (this.connection.send(frame, holds) || !this.isUnread()) return;
    this.isClogged = true;
    this.connection.pause();
  }

  private isFull(): boolean {
    return this.isEarly || this.waiting.length >= MAX_WAITING / 2 || this.isUnread();
  }

  private isUnread(): boolean {
    const { highWater } = this.options;
    return highWater > 0 && this.connection.buffered() > highWater / 2;
  }
}

/** For routes that must refuse: an answer in the words of `error-codes.ts`. */
export function refused(code: WireError["code"], message: string): Answer {
  return { err: { code, message } };
}
