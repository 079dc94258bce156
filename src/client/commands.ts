/**
 * Commands that wait for their answer, over connections that come and go: what has none when a connection is lost is sent again on the next.
 * A publish carries its `idem` and its age then, so it happens once. Limits: what may wait while there is no connection, and more than
 * that while there is one. Failure: every command is settled, at the latest when the session ends.
 */
import { type ClientErrorCode, FairleadClientError } from "./errors.ts";
import { type Body, encodeFrame, type Frame, isOver } from "./frames.ts";
import type { ServerFrame } from "./items.ts";
import { ageOf, type Clock, type Moment, momentOf } from "./timing.ts";

/** Unanswered commands and bytes of their data: while there is no connection, and while there is one. */
const MAX_AWAY = { count: 256, bytes: 1024 * 1024 };
const MAX_OPEN = { count: 16_384, bytes: 16 * 1024 * 1024 };

export interface Command {
  readonly t: string;
  /** Asked for at each sending. `age`: ms since it was first sent; absent the first time. */
  fields(age?: number): object;
  readonly body?: Body | undefined;
  /** It belongs to one connection: lost with it, and settled by nobody then. */
  readonly once?: boolean;
  done(ok: ServerFrame): void;
  failed(error: FairleadClientError): void;
}

interface Waiting extends Command {
  sentAt?: Moment;
  /** On an earlier connection, which was lost. */
  sent?: boolean;
}

export class Commands {
  readonly #waiting = new Set<Waiting>();
  readonly #sent = new Map<number, Waiting>();
  #lastId = 0;
  #bytes = 0;
  #maxMessage = 0;
  #send: ((frame: Frame) => void) | undefined;
  #over: string | undefined;

  readonly #clock: Clock;
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends it now, or when there is a connection. The function that it returns forgets it, and says whether it was sent. */
  add(given: Command): () => boolean {
    const command: Waiting = { ...given };
    const size = sizeOf(command);
    const { count, bytes } = this.#send === undefined ? MAX_AWAY : MAX_OPEN;
    if (this.#over !== undefined) this.#fail(command, "closed", this.#over);
    else if (this.#waiting.size >= count || this.#bytes + size > bytes) {
      const text = `${this.#waiting.size} with ${this.#bytes} bytes wait already`;
      this.#fail(command, "buffer_full", text);
    } else {
      this.#waiting.add(command);
      this.#bytes += size;
      this.#transmit(command);
    }
    return () => {
      this.#forget(command);
      return command.sentAt !== undefined;
    };
  }

  /** As a promise that a signal may abort. */
  ask(command: Omit<Command, "done" | "failed">, signal?: AbortSignal): Promise<ServerFrame> {
    const { promise, resolve, reject } = Promise.withResolvers<ServerFrame>();
    const abort = () => {
      const text = leave() ? "it may have happened" : "nothing was sent";
      reject(new FairleadClientError("aborted", `${command.t}: aborted; ${text}`, { cause: signal?.reason }));
    };
    let leave = () => false;
    if (signal?.aborted) abort();
    else leave = this.add({ ...command, done: resolve, failed: reject });
    signal?.addEventListener("abort", abort);
    return promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  opened(send: (frame: Frame) => void, maxMessage: number): void {
    this.#send = send;
    this.#maxMessage = maxMessage;
    for (const command of this.#waiting) this.#transmit(command);
  }

  lost(): void {
    this.#send = undefined;
    this.#sent.clear();
    for (const command of this.#waiting) if (command.once) this.#forget(command);
  }

  /** An `ok` or `err` with `id`. */
  answered(frame: ServerFrame): void {
    const { id = 0, t, code, message, retry } = frame;
    const command = this.#sent.get(id);
    this.#sent.delete(id);
    if (command === undefined) return;
    if (t === "ok") {
      this.#forget(command);
      command.done(frame);
      return;
    }
    // Whatever is wrong now, what was sent before may have been taken.
    const isOpen = command.t === "pub" && (command.sent || code === "gone");
    this.#fail(
      command,
      isOpen ? "unknown" : (code as ClientErrorCode),
      String(message),
      retry as number | undefined,
    );
  }

  ended(reason: string): void {
    this.#over = reason;
    this.#send = undefined;
    for (const command of this.#waiting) {
      if (command.t !== "pub" || command.sentAt === undefined) this.#fail(command, "closed", reason);
      else this.#fail(command, "unknown", `${reason}; it may have happened`);
    }
  }

  #transmit(command: Waiting): void {
    if (this.#send === undefined || !this.#waiting.has(command)) return;
    const id = ++this.#lastId;
    const frame = encodeFrame({ t: command.t, id, ...command.fields(this.#age(command)) }, command.body);
    if (isOver(frame, this.#maxMessage)) {
      this.#fail(command, "too_large", `the server takes at most ${this.#maxMessage} bytes`);
      return;
    }
    if (command.sentAt) command.sent = true;
    else command.sentAt = momentOf(this.#clock);
    this.#sent.set(id, command);
    this.#send(frame);
  }

  /** Rather too old than too young: a publish taken for too young could happen twice. */
  #age({ sentAt }: Waiting): number | undefined {
    return sentAt && Math.ceil(ageOf(this.#clock, sentAt));
  }

  #fail(command: Waiting, code: ClientErrorCode, text: string, retry?: number): void {
    this.#forget(command);
    command.failed(new FairleadClientError(code, `${command.t}: ${text}`, { retry }));
  }

  #forget(command: Waiting): void {
    if (this.#waiting.delete(command)) this.#bytes -= sizeOf(command);
  }
}

const sizeOf = ({ body }: Command) => body?.length ?? 0;
