/**
 * fairlead.v1 on one connection: the welcome, commands in their order, exactly one answer for each `id`.
 * A command that the route answers later holds back those behind it, so `unsub` never overtakes its `sub`; publishing waits for nobody.
 * Limits: as many commands as a CommandQueue holds, `highWater` bytes that the client has not read, `subscribes` a second; past any no more is read from it.
 * An `auth` that comes too soon after another is refused, because to hold it back would leave a connection unread for hours.
 * Failure: MAX_BAD commands in a row that nobody can understand close with 1008.
 */

import type { Clock, Timer } from "./clock.ts";
import type { Connection, Data } from "./connection.ts";
import type { Entry } from "./reception/auth-gate.ts";
import type { Refusal, Reply, RouteKind, Subscribed, V1 } from "./route.ts";
import { CommandQueue, type Received } from "./session/command-queue.ts";
import type { SessionHost } from "./session/host.ts";
import { moreSubs, Rate } from "./session/rate.ts";
import { decodeCommand } from "./wire/commands.ts";
import { ERROR_CODES } from "./wire/error-codes.ts";
import { answerFrame, drainFrame, errorFrame, expiringFrame, welcomeFrame } from "./wire/frames.ts";
import type { Answer, Command, CommandOf, WireError } from "./wire/v1.ts";

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
  /** Milliseconds that a client which has shown no token has for its `auth`; 0 = any time. */
  readonly deadline: number;
  readonly clock: Clock;
}

const MAX_BAD = 10;
/** To check a token costs more than any other command: one a second, after a few at once. */
const AUTH_EVERY_MS = 1_000;
const AUTH_BURST = 5;
const EARLY_AUTH = "`auth` comes too often; say it again after `retry` ms";
const TOO_FAST = "this connection sends faster than the gateway takes; wait for `retry` ms";

/** A class, because there is one per connection. */
export class Session {
  private lastId = 0;
  /** Commands in a row that could not be understood. */
  private bad = 0;
  /** A command is being answered, or the welcome has not been sent. */
  private isBusy = true;
  private readonly waiting = new CommandQueue();
  /** Runs while a `sub` waits for its time. */
  private early: Timer | undefined;
  /** Too many bytes of answers wait for the client: whatever it says next waits, too, also what was read already. */
  private isClogged = false;
  private readonly subs: Rate;
  /** Most clients say `auth` once, if at all. */
  private auths: Rate | undefined;
  /** Runs while its client has not shown who it is. */
  private waitsFor: Timer | undefined;
  private isStranger: boolean;
  /** Of the `auth` that let it in. */
  private authId: number | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly options: SessionOptions,
    private readonly host: SessionHost,
  ) {
    this.isStranger = host.waits;
    const { clock, subscribes, burst } = options;
    this.subs = new Rate(clock, subscribes === 0 ? 0 : 1_000 / subscribes, burst);
  }

  open(): void {
    if (this.isStranger) this.awaitToken();
    else this.enter();
  }

  /** The connection has ended. */
  closed(): void {
    this.waitsFor?.cancel();
    this.early?.cancel();
  }

  /** The token has ended, and so will the connection. */
  expiring(at: number): void {
    this.connection.send(expiringFrame(at));
  }

  private enter(): void {
    if (!this.host.entering()) return;
    this.options.v1
      .open(this.connection, (sub) => this.welcome(sub))
      ?.catch((error: unknown) => this.host.fail("open", error));
  }

  private awaitToken(): void {
    const { deadline, clock } = this.options;
    this.isBusy = false;
    if (deadline === 0) return;
    this.waitsFor = clock.after(deadline, () => {
      this.answer(undefined, refused("unauthorized", `no \`auth\` came within ${deadline} ms`));
      this.connection.close(3008, "no token came in time");
    });
  }

  /** `retry`: it came too fast, and may come again after so many ms; 0: it did not. */
  message(data: Data, size: number, retry = 0): void {
    const decoded = decodeCommand(data);
    const id = "err" in decoded ? decoded.id : decoded.command.id;
    if (id !== undefined && id <= this.lastId) {
      const message = `id: expected more than ${this.lastId}, received ${id}; count up with every command`;
      this.answer(undefined, { err: { code: "bad_request", message } });
      return;
    }
    this.lastId = id ?? this.lastId;
    if (retry > 0) this.answer(id, { err: { code: "rate_limited", message: TOO_FAST, retry } });
    else if ("err" in decoded) this.answer(id, decoded);
    else if (this.isBusy || this.isClogged) this.wait({ command: decoded.command, size });
    else this.run(decoded.command, size);
  }

  /** The client's queue went down, or a command was answered: those that wait have their turn, then it may say more. */
  drained(): void {
    this.isClogged &&= this.isUnread();
    while (!this.isBusy && !this.isClogged && this.connection.isOpen) {
      const received = this.waiting.next();
      if (received === undefined) break;
      this.run(received.command, received.size);
    }
    if (this.connection.isPaused && !this.isFull()) this.connection.resume();
  }

  /** This process stops, and closes the connection within so many ms; `retry`: when to come back. */
  drain(within: number, retry: number): void {
    if (!this.isStranger) this.connection.send(drainFrame(within, retry));
  }

  private welcome(sub: Subscribed | undefined): void {
    const { kind, node, heartbeat, maxMessage } = this.options;
    const { id: conn, identity } = this.connection;
    const { user, expires } = identity;
    this.send(welcomeFrame({ conn, kind, user, heartbeat, maxMessage, expires, node, sub }), "secret");
    if (this.authId !== undefined) this.answer(this.authId, { ok: { user, expires } });
    this.next();
  }

  private wait(received: Received): void {
    this.waiting.push(received);
    if (this.waiting.isFull) this.connection.pause();
  }

  /** Not refused: a client that comes back with all its topics is no attack. */
  private runLater(received: Received, delay: number): void {
    this.isBusy = true;
    this.waiting.putBack(received);
    this.connection.pause();
    this.early = this.options.clock.after(delay, this.turn);
  }

  private run(command: Command, size: number): void {
    const delay = command.t === "sub" ? this.subs.delay() : 0;
    if (delay > 0) {
      this.runLater({ command, size }, delay);
      return;
    }
    const reply: Reply = (answer) => {
      if (command.t === "sub") this.subs.add(moreSubs(answer));
      this.answer(command.id, answer);
    };
    if (command.t === "auth") {
      this.auth(command, reply);
    } else if (this.isStranger) {
      reply(refused("unauthorized", "say `auth` with a token first"));
    } else if (command.t === "ping") {
      reply({ ok: { time: this.options.clock.wall() } });
    } else {
      const pending = this.options.v1.command(this.connection, command, reply, size);
      if (pending === undefined) return;
      this.isBusy = true;
      pending.then(() => this.yieldTurn()).catch((error: unknown) => this.host.fail("command", error));
    }
  }

  private auth(command: CommandOf<"auth"> & Command, reply: Reply): void {
    this.auths ??= new Rate(this.options.clock, AUTH_EVERY_MS, AUTH_BURST);
    const retry = Math.ceil(this.auths.delay());
    if (retry > 0) {
      reply({ err: { code: "rate_limited", message: EARLY_AUTH, retry } });
      return;
    }
    // It came in time; how long the check takes is not the client's affair, and has an end of its own.
    this.waitsFor?.cancel();
    const entry = this.host.check(command.token);
    if (entry === undefined) {
      reply(refused("unauthorized", "this route looks at no tokens; leave `auth` out"));
    } else if (entry instanceof Promise) {
      this.isBusy = true;
      entry
        .then((settled) => this.authenticated(settled, command.id, reply))
        .catch((error: unknown) => this.host.fail("command", error));
    } else {
      this.authenticated(entry, command.id, reply);
    }
  }

  private authenticated(entry: Entry, id: number | undefined, reply: Reply): void {
    if (!this.connection.isOpen) return;
    if (!this.isStranger) {
      reply(this.renewed(entry));
      this.next();
    } else if ("refusal" in entry) {
      reply(uncounted(entry.refusal));
      this.connection.close(entry.refusal.code === "unauthorized" ? 3000 : 1013, entry.refusal.text);
    } else if (this.host.identify(entry)) {
      this.isStranger = false;
      this.isBusy = true;
      this.authId = id;
      this.enter();
    } else {
      reply(refused("too_many", "this user has as many connections as one may have; close another one"));
      this.connection.close(1008, "too many connections of this user");
    }
  }

  /** A later token: whatever is wrong with it, the one before runs on to its end. */
  private renewed(entry: Entry): Answer {
    if ("refusal" in entry) return uncounted(entry.refusal);
    const { user, expires } = entry.identity;
    if (user !== this.connection.user)
      return refused("forbidden", "token: it is another user's; open another connection for that");
    const lacking = this.options.v1.lacks?.(this.connection, entry.may);
    if (lacking !== undefined)
      return refused("forbidden", `token: it does not allow what this connection has: ${lacking}`);
    this.host.identify(entry);
    return { ok: { user, expires } };
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
      this.host.fail("command", error);
    }
  };

  /** The one before was answered. */
  private next(): void {
    this.isBusy = false;
    this.early = undefined;
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
    return this.early !== undefined || !this.waiting.hasRoom || this.isUnread();
  }

  private isUnread(): boolean {
    const { highWater } = this.options;
    return highWater > 0 && this.connection.buffered() > highWater / 2;
  }
}

/** A token that does not count, or that nobody could check. */
function uncounted({ code, text }: Refusal): Answer {
  return refused(code === "unauthorized" ? "unauthorized" : "engine_down", text);
}

/** For routes that must refuse: an answer in the words of `error-codes.ts`. */
export function refused(code: WireError["code"], message: string): Answer {
  return { err: { code, message } };
}
