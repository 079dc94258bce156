/**
 * fairlead.v1 on one connection after another: the welcome, then what waits is sent and its matter goes on where it was.
 * Failure: what can be tried again is, and `status` tells it; what cannot ends it, and everything that waits is settled.
 */
import { PROTOCOL } from "../wire/v1.ts";
import { type Asked, asked, tell } from "./callers.ts";
import { Commands } from "./commands.ts";
import { type ClientErrorCode, FairleadClientError } from "./errors.ts";
import { decodeFrame, type Frame } from "./frames.ts";
import type { ServerFrame } from "./items.ts";
import { type Address, keepLink, type Link, type LinkOptions } from "./link.ts";
import { type Liveness, watchLiveness } from "./liveness.ts";
import { planRetries, type Retries } from "./retries.ts";
import type { OpenStatus, Status } from "./status.ts";
import { type Clock, systemClock } from "./timing.ts";
import { type Token, tokenProtocol } from "./token.ts";
import type { Ending, WebSocketLike } from "./web-socket-like.ts";

/** From the open connection to its welcome, in ms. */
const WELCOME_MS = 8_000;
/** Where the server does not ping, in ms. */
const QUIET_MS = 25_000;

export interface ConversationOptions extends LinkOptions {
  readonly token?: Token | undefined;
  /** Ends it, as `close` does. */
  readonly signal?: AbortSignal | undefined;
}

/** What is talked about: the subscriptions of a session, or a place in a relay. */
export interface Matter {
  /** The topic of the URL's path; set before anything that waits is sent. */
  path?: string | undefined;
  /** For the URL of the next attempt. */
  query(): Readonly<Record<string, string>>;
  /** Welcomed on a new connection. It may be given up by `link.drop`; the next attempt follows as after any loss. */
  opened(welcome: ServerFrame, send: (frame: Frame) => void, link: Link): void;
  /** A frame that answers no command. True: it brought something new, so this connection is good. */
  heard(frame: ServerFrame): boolean;
  lost(): void;
  /** The end. */
  ended(error?: FairleadClientError): void;
}

export class Conversation<M extends Matter> {
  readonly clock: Clock;
  readonly commands: Commands;
  readonly matter: M;
  status: Status = { type: "connecting", attempt: 1 };
  readonly #listeners = new Set<(status: Status) => void>();
  readonly #retries: Retries;
  readonly #link: Link;
  readonly #over = new AbortController();
  #attempt = 0;
  #socket: WebSocketLike | undefined;
  #liveness: Liveness | undefined;
  #patience: { cancel(): void } | undefined;
  /** What the server said on this connection, before it closed. */
  #complaint: FairleadClientError | undefined;

  readonly #url: Asked<string | URL>;
  readonly #options: ConversationOptions;
  constructor(
    url: Asked<string | URL>,
    options: ConversationOptions,
    matter: (commands: Commands, clock: Clock) => M,
  ) {
    this.#url = url;
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.commands = new Commands(this.clock);
    this.matter = matter(this.commands, this.clock);
    this.#retries = planRetries(typeof options.token === "function" || typeof url === "function", options);
    const ends = {
      address: (signal: AbortSignal) => this.#address(signal),
      dialed: (socket: WebSocketLike) => {
        socket.binaryType = "arraybuffer";
      },
      opened: (socket: WebSocketLike) => this.#opened(socket),
      message: (data: unknown) => this.#message(data),
      closed: (ending: Ending, retryIn?: number) => this.#closed(ending, retryIn),
      woke: () => this.#liveness?.check(),
    };
    this.#link = keepLink(ends, this.#retries, options);
    options.signal?.addEventListener("abort", () => this.close(), { signal: this.#over.signal });
    if (options.signal?.aborted) this.close();
  }

  onStatus(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** For good, without an error; with one where going on makes no sense. */
  close(error?: FairleadClientError): void {
    this.#link.close(1000);
    this.#end({ code: 1000, reason: "" }, error);
  }

  async #address(signal: AbortSignal): Promise<Address> {
    this.#tell({ type: "connecting", attempt: ++this.#attempt });
    const { token } = this.#options;
    // What the caller subscribes to right after `connect` is known after this.
    const url = new URL(
      await asked(this.#url),
      (globalThis as { location?: { href: string } }).location?.href,
    );
    const text = typeof token === "function" ? await token(signal) : token;
    for (const [name, value] of Object.entries(this.matter.query())) url.searchParams.set(name, value);
    return { url: url.href, protocols: text ? [PROTOCOL, tokenProtocol(text)] : [PROTOCOL] };
  }

  #opened(socket: WebSocketLike): void {
    if (socket.protocol !== PROTOCOL) {
      const text = `the server chose ${socket.protocol || "no subprotocol"}, not ${PROTOCOL}: it is no route of Fairlead`;
      this.close(new FairleadClientError("unsupported", text));
      return;
    }
    this.#socket = socket;
    this.#complaint = undefined;
    this.#patience = this.clock.after(WELCOME_MS, () => this.#link.drop("no welcome came in time"));
  }

  #message(data: unknown): void {
    if (this.#over.signal.aborted) return;
    try {
      const frame = decodeFrame(data);
      this.#liveness?.heard();
      this.#hear(frame);
    } catch (cause) {
      // To leave it out would be a hole; on a new connection its message comes again.
      this.#tell({
        type: "error",
        error: new FairleadClientError("broken", "a frame that cannot be read", { cause }),
      });
      this.#link.drop("a frame that cannot be read");
    }
  }

  /** Frames that it does not know are for those who do. */
  #hear(frame: ServerFrame): void {
    const { t, id, retry = 0 } = frame as ServerFrame & { retry?: number };
    // A second one would send everything again.
    if (t === "welcome") this.#liveness ?? this.#welcomed(frame);
    else if (t === "ok" || (t === "err" && id !== undefined)) this.commands.answered(frame);
    else if (t === "err") this.#complained(frame);
    else if (t === "expiring") this.#renew(this.#socket);
    else if (t === "drain") {
      this.#retries.hold(retry);
      this.#tell({ type: "draining", within: frame["within"] as number, retry });
    } else if (this.matter.heard(frame)) this.#retries.good();
    // A close with 4029 may follow.
    if (frame["code"] === "rate_limited") this.#retries.hold(retry);
  }

  #welcomed(frame: ServerFrame): void {
    const { t: _, sub, ...about } = frame;
    const { heartbeat, maxMessage } = about as unknown as OpenStatus;
    this.#patience?.cancel();
    this.#attempt = 0;
    const ask = () =>
      this.commands.add({ t: "ping", once: true, fields: () => ({}), done: nothing, failed: nothing });
    // Whatever it is: no storm of pings, and nothing that a timer cannot count.
    const quiet = heartbeat > 0 && heartbeat < 1e9 ? Math.max(heartbeat, 1e3) : QUIET_MS;
    this.#liveness = watchLiveness(this.clock, quiet, ask, () => this.#link.drop("no sign of life"));
    const send = (out: Frame) => this.#socket?.send(out);
    this.matter.path = (sub as ServerFrame | undefined)?.topic;
    this.commands.opened(send, maxMessage || Number.MAX_VALUE);
    this.matter.opened(frame, send, this.#link);
    this.#tell({ ...(about as unknown as Omit<OpenStatus, "type">), type: "open" });
  }

  #complained({ code, message, retry }: ServerFrame): void {
    const error = new FairleadClientError(code as ClientErrorCode, String(message), {
      retry: retry as number,
    });
    this.#complaint = error;
    this.#tell({ type: "error", error });
  }

  /** A later token that fails changes nothing: the old one runs on to its end. */
  async #renew(socket: WebSocketLike | undefined): Promise<void> {
    const { token } = this.#options;
    if (typeof token !== "function") return;
    try {
      const text = await token(this.#over.signal);
      if (socket === this.#socket)
        await this.commands.ask({ t: "auth", once: true, fields: () => ({ token: text }) });
    } catch (cause) {
      if (this.#over.signal.aborted) return;
      this.#tell({
        type: "error",
        error: new FairleadClientError("token", "the token was not renewed", { cause }),
      });
    }
  }

  #closed(ending: Ending, retryIn?: number): void {
    this.#quiet();
    this.commands.lost();
    this.matter.lost();
    const { code, reason, cause } = ending;
    if (retryIn !== undefined) {
      this.#tell({ type: "away", code, reason, retryIn, cause: cause ?? this.#complaint });
      return;
    }
    const text = `the server closed with ${code} ${reason}`.trim();
    this.#end(ending, this.#complaint ?? new FairleadClientError(WORDS[code] ?? "closed", text, { cause }));
  }

  #quiet(): void {
    this.#socket = undefined;
    this.#patience?.cancel();
    this.#liveness?.stop();
    this.#liveness = undefined;
  }

  #end({ code, reason }: Pick<Ending, "code" | "reason">, error: FairleadClientError | undefined): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#quiet();
    this.matter.ended(error);
    this.commands.ended(error?.message ?? "the session was closed");
    this.#tell({ type: "closed", code, reason, ...(error && { error }) });
  }

  #tell(status: Status): void {
    if (status.type !== "error") this.status = status;
    for (const listener of this.#listeners) tell(listener, status);
  }
}

/** Where the server said nothing before it closed. */
const WORDS: Readonly<Record<number, ClientErrorCode>> = {
  3000: "unauthorized",
  3003: "forbidden",
  4590: "replaced",
};

const nothing = () => {};
