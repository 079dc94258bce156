/**
 * One byte stream over one connection after another: what was not passed on goes out again, what was not read comes again, so nothing is missing
 * or doubled. While the connection is away the streams stall. What nothing can mend ends them with the reason.
 */
import * as wire from "../../wire/bridge-frames.ts";
import { type Asked, asked, tell } from "../callers.ts";
import { type ClientErrorCode, FairleadClientError } from "../errors.ts";
import { type Address, keepLink, type Link, type LinkOptions } from "../link.ts";
import type { Status } from "../status.ts";
import { type Clock, systemClock } from "../timing.ts";
import { type Token, tokenProtocol } from "../token.ts";
import type { Ending, WebSocketLike } from "../web-socket-like.ts";
import { Inbox } from "./inbox.ts";
import { type Moves, planMoves } from "./moves.ts";
import { Outbox } from "./outbox.ts";
import { isFinal, planResumes, type Resumes } from "./resumes.ts";
import { type Silence, watchSilence } from "./silence.ts";

export interface OpenBridgeOptions extends LinkOptions {
  readonly token?: Token | undefined;
  /**
   * For so many ms after a loss another attempt is made. Gateways keep a stream for 60 s from when they notice, which may be 15 s later.
   * 0 = a lost connection is the end. @default 75,000
   */
  readonly patience?: number | undefined;
  /**
   * Goes on at the node that the gateway names when the stream is there, with the same token; never from wss to ws. false: asks the first
   * address again until that node answers by chance. @default true
   */
  readonly follow?: boolean | undefined;
  /** Ends both streams at once, with an error `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** As a session's; `open` says nothing more. */
export type BridgeStatus =
  | Extract<Status, { type: "connecting" | "away" | "closed" }>
  | { readonly type: "open" };

/** Behind 1006, or Deno's 0: a WebSocket that never opened. */
const UNTOLD = ". A WebSocket is not told the HTTP status of a refusal: the gateway's log has it";

export class BridgeStream {
  readonly inbox: Inbox;
  readonly outbox: Outbox;
  readonly closed: Promise<void>;
  status: BridgeStatus = { type: "connecting", attempt: 1 };
  readonly #settled = Promise.withResolvers<void>();
  readonly #listeners = new Set<(status: BridgeStatus) => void>();
  readonly #clock: Clock;
  readonly #moves: Moves;
  readonly #retries: Resumes;
  readonly #link: Link;
  readonly #over = new AbortController();
  #attempt = 0;
  /** The server's name for this stream, once it has one. */
  #sid: string | undefined;
  #socket: WebSocketLike | undefined;
  /** The server said that this connection carries the stream. */
  #isLive = false;
  #silence: Silence | undefined;
  /** What the server was told that the application has read. */
  #told = 0;
  #telling: { cancel(): void } | undefined;
  /** More than this was never received: what comes below it comes again. */
  #most = 0;
  /** Why `closed` will reject. */
  #error: FairleadClientError | undefined;

  readonly #url: Asked<string | URL>;
  readonly #options: OpenBridgeOptions;
  constructor(url: Asked<string | URL>, options: OpenBridgeOptions) {
    this.#url = url;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.closed = this.#settled.promise;
    this.closed.catch(() => {}); // the streams say it too: who reads those need not look here
    const abort = (reason: unknown) => this.#abort(reason);
    this.inbox = new Inbox({ taken: () => this.#taken(), cancelled: abort });
    this.outbox = new Outbox(abort);
    this.#moves = planMoves(options.follow);
    this.#retries = planResumes({
      ...options,
      clock: this.#clock,
      moves: this.#moves,
      renewable: typeof options.token === "function" || typeof url === "function",
    });
    const ends = {
      address: (signal: AbortSignal) => this.#address(signal),
      dialed: (socket: WebSocketLike) => {
        socket.binaryType = "arraybuffer";
      },
      opened: (socket: WebSocketLike) => this.#opened(socket),
      message: (data: unknown) => this.#message(data),
      closed: (ending: Ending, retryIn?: number) => this.#closed(ending, retryIn),
      woke: () => this.#silence?.check(),
    };
    this.#link = keepLink(ends, this.#retries, options);
    const { signal } = options;
    signal?.addEventListener("abort", () => abort(signal.reason), { signal: this.#over.signal });
    if (signal?.aborted) abort(signal.reason);
  }

  onStatus(listener: (status: BridgeStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #address(signal: AbortSignal): Promise<Address> {
    this.#tell({ type: "connecting", attempt: ++this.#attempt });
    const { token } = this.#options;
    const here = (globalThis as { location?: { href: string } }).location?.href;
    const url = new URL(await asked(this.#url), here);
    this.#moves.lead(url);
    const text = typeof token === "function" ? await token(signal) : token;
    signal.throwIfAborted();
    if (this.#sid !== undefined) {
      // From here on nothing more is read of what came before: the server sends again all that this count does not have.
      this.inbox.hold();
      this.#told = this.inbox.taken;
      url.searchParams.set("sid", this.#sid);
      url.searchParams.set("ack", `${this.#told}`);
    }
    const protocols = [wire.BRIDGE_PROTOCOL, ...(text ? [tokenProtocol(text)] : [])];
    return { url: url.href, protocols };
  }

  #opened(socket: WebSocketLike): void {
    if (socket.protocol !== wire.BRIDGE_PROTOCOL) {
      const text = `the server chose ${socket.protocol || "no subprotocol"}, not ${wire.BRIDGE_PROTOCOL}: open a bridge of Fairlead`;
      this.#fail("unsupported", text);
      return;
    }
    this.#socket = socket;
    const dead = () => this.#link.drop(`nothing was heard for ${wire.SILENCE_MS} ms`);
    this.#silence = watchSilence(this.#clock, wire.SILENCE_MS, dead);
  }

  #message(data: unknown): void {
    if (this.#over.signal.aborted) return;
    this.#silence?.heard();
    const problem =
      typeof data === "string" ? "a text frame" : this.#hear(new Uint8Array(data as ArrayBuffer));
    if (problem !== undefined)
      this.#fail("broken", `the server broke the rules of ${wire.BRIDGE_PROTOCOL}: ${problem}`);
  }

  /** Returns what is wrong with it. */
  #hear(bytes: Uint8Array): string | undefined {
    const frame = wire.readFrame(bytes, wire.MAX_DATA);
    if (frame === undefined) return undefined; // of a later version
    if (frame.type === "bad") return frame.text;
    const begins = frame.type === "connected" || frame.type === "reconnected";
    if (begins === this.#isLive)
      return `${frame.type} ${begins ? "on a connection that carries the stream" : "before the stream"}`;
    if (frame.type === "data") return this.#data(frame.bytes as Uint8Array<ArrayBuffer>);
    if (frame.type === "ack") return this.#passedOn(frame.count);
    if ((frame.type === "connected") !== (this.#sid === undefined))
      return `${frame.type}, which was not asked for`;
    return frame.type === "connected" ? this.#begin(frame.sid) : this.#resume(frame.count);
  }

  #begin(sid: string): undefined {
    this.#sid = sid;
    this.#carry();
  }

  /** The server has passed on `count`, and sends again what this side has not read. */
  #resume(count: number): string | undefined {
    if (!this.outbox.passedOn(count))
      return `RECONNECT_SUCCESS with ${count}, which was not sent or said before`;
    this.inbox.restart();
    this.#carry();
    return undefined;
  }

  #carry(): void {
    const socket = this.#socket;
    this.#isLive = true;
    this.#attempt = 0;
    this.#retries.carried();
    this.outbox.opened((frame) => socket?.send(frame));
    this.#tell({ type: "open" });
    this.#finish();
  }

  #data(bytes: Uint8Array<ArrayBuffer>): string | undefined {
    if (this.inbox.hasEnd) return "DATA after the half-close";
    if (this.inbox.received + bytes.length - this.#told > wire.WINDOW_BYTES)
      return "more than a window without an ACK";
    if (bytes.length === 0) this.inbox.end();
    else this.inbox.add(bytes);
    if (this.inbox.received > this.#most) this.#retries.good();
    this.#most = Math.max(this.#most, this.inbox.received);
    return undefined;
  }

  #passedOn(count: number): string | undefined {
    if (!this.outbox.passedOn(count)) return `ACK ${count}, which was not sent or said before`;
    this.#retries.good();
    this.#finish();
    return undefined;
  }

  /** The application has read: the server is told, not for every byte. */
  #taken(): void {
    this.#finish();
    if (!this.#isLive) return;
    if (this.inbox.isTaken || this.inbox.taken - this.#told >= wire.ACK_BYTES) this.#acknowledge();
    else this.#telling ??= this.#clock.after(wire.ACK_MS, () => this.#acknowledge());
  }

  #acknowledge(): void {
    this.#telling?.cancel();
    this.#telling = undefined;
    this.#told = this.inbox.taken;
    this.#socket?.send(wire.ackFrame(this.#told));
  }

  /** Both directions have ended, and both sides know it. */
  #finish(): void {
    if (this.inbox.isTaken && this.outbox.isDone) this.#end();
  }

  /** The application has ended it: no loss, but who still reads or writes must not take it for the end of the stream. */
  #abort(reason: unknown): void {
    if (this.#over.signal.aborted) return;
    this.inbox.restart();
    this.#stop(new FairleadClientError("aborted", "the bridge was ended on this side", { cause: reason }));
  }

  #fail(code: ClientErrorCode, text: string, cause?: unknown): void {
    this.#error ??= new FairleadClientError(code, text, { cause });
    this.#stop(this.#error);
  }

  #stop(error: FairleadClientError): void {
    this.#end();
    this.outbox.fail(error);
    this.inbox.fail(error);
  }

  #end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#quiet();
    this.#link.close(1000);
  }

  #quiet(): void {
    this.#isLive = false;
    this.#silence?.stop();
    this.#telling?.cancel();
    this.#telling = undefined;
    this.outbox.lost();
  }

  #closed(ending: Ending, retryIn?: number): void {
    const { code, reason, cause } = ending;
    this.#quiet();
    this.#socket = undefined;
    this.inbox.release();
    if (retryIn !== undefined) {
      this.#tell({ type: "away", code, reason, retryIn, cause });
      return;
    }
    if (!this.#over.signal.aborted) this.#lost(ending);
    const error = this.#error;
    this.#tell({ type: "closed", code, reason, ...(error && { error }) });
    if (error === undefined) this.#settled.resolve();
    else this.#settled.reject(error);
  }

  /** The last connection has ended, and not by this side. */
  #lost({ code, reason, cause }: Ending): void {
    const ended = `closed with ${code} ${reason}`.trim();
    if (this.#sid === undefined) {
      const hint = code <= 1006 ? UNTOLD : "";
      this.#fail("refused", `there is no bridge: ${ended}${hint}`, cause);
    } else if (code === 1000) {
      this.inbox.end();
      if (this.outbox.isEmpty)
        this.#stop(new FairleadClientError("closed", "the gateway has ended the bridge"));
      else this.#fail("lost", "the gateway has ended the bridge before all that was written was passed on");
    } else {
      this.#fail(
        "lost",
        `the stream is lost: ${ended}${isFinal(code) ? "" : ", and no attempt to resume it helped"}`,
        cause,
      );
    }
  }

  #tell(status: BridgeStatus): void {
    this.status = status;
    for (const listener of this.#listeners) tell(listener, status);
  }
}
