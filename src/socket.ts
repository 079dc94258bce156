/**
 * The Connection that the listener makes of one runtime WebSocket: counts, checks close codes, remembers how it ended.
 * The runtime calls its close handler inside `close()` and `terminate()`, so a route's close hook runs there too.
 */
import type { ServerWebSocket } from "bun";
import type { Holder } from "./auth/validity.ts";
import { clipReason } from "./close-reason.ts";
import { isCompressed } from "./compression.ts";
import type { HookConnection } from "./config/kinds/every.ts";
import type { CloseInfo, Connection, Data } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Peer } from "./heartbeat.ts";
import type { Identity, May } from "./identity.ts";
import type { Place } from "./limits/door.ts";
import type { Pace, Paced } from "./limits/pace.ts";
import { byteLength } from "./limits.ts";
import type { Log, LogFields } from "./log.ts";
import type { Entry, Guest } from "./reception/auth-gate.ts";
import type { Params } from "./reception/router.ts";
import type { AdmitRequest, Admitted } from "./route.ts";
import type { SessionHost } from "./session/host.ts";
import type { Session } from "./session.ts";
import type { CloseCode } from "./wire/close-codes.ts";
import type { WireErrorCode } from "./wire/error-codes.ts";

const PING_WINDOW_MS = 10_000;

export type Socket = ServerWebSocket<SocketConnection>;

/** What somebody is told who is let in for nothing else. `code`: that of fairlead.v1. */
export interface Dismissal {
  readonly close: CloseCode;
  readonly code: WireErrorCode;
  readonly text: string;
}

export class SocketConnection implements Connection, Paced, Peer, Holder, SessionHost {
  isOpen = false;
  state: unknown;
  /** How it ended, when we decided it; the runtime reports 1006 for much of that. */
  ending: CloseInfo | undefined = undefined;
  heard = false;
  drained = false;
  pingedAt = 0;
  waitingSince = 0;
  stalledSince = 0;
  /** The route's `open` was called, so its `close` must be. Until then `release` gives back what `admit` took. */
  hasEntered = false;
  /** The log has its "connected". */
  isAnnounced = false;
  /** May still show who it is, and may do nothing before: neither its route nor a hook of the config knows of it. */
  waits = false;
  /** Let in only to be told this, and closed: what a browser can understand of a refusal. */
  refused: Dismissal | undefined = undefined;
  /** Of a client that speaks fairlead.v1. */
  session: Session | undefined = undefined;
  release: (() => void) | undefined;
  /** What it takes of the descriptors, and of its address's and its user's share. */
  place: Place | undefined = undefined;
  readonly protocol: string | undefined;
  readonly params: Params;
  readonly remoteAddress: string;
  identity: Identity;
  may: May;
  /** Its route wants nothing to be read from it. */
  isPaused = false;
  /** It sends too fast: the same, whatever its route wants. */
  private isHeldBack = false;
  /** How fast it may send; undefined: as fast as it likes. */
  pace: Pace | undefined = undefined;
  private isFinishing = false;
  private pings = 0;
  private pingsSince = 0;
  /** Bytes that waited when somebody last looked. */
  lastBuffered = 0;
  /** Set when the upgrade has happened, before anything else is called. */
  private socket: Socket | undefined;

  constructor(
    readonly id: string,
    readonly endpoint: Endpoint,
    from: Pick<AdmitRequest, "params" | "remoteAddress" | "identity" | "may">,
    private readonly log: Log,
    admitted: Admitted,
  ) {
    this.params = from.params;
    this.remoteAddress = from.remoteAddress;
    this.identity = from.identity;
    this.may = from.may;
    this.state = admitted.state;
    this.release = admitted.release;
    this.protocol = admitted.protocol;
  }

  attach(socket: Socket): void {
    this.socket = socket;
    this.isOpen = true;
  }

  get user(): string | null {
    return this.identity.user;
  }

  get isUnread(): boolean {
    return this.socket?.isPaused ?? false;
  }

  send(data: Data, holds?: "secret"): boolean {
    if (!this.isOpen || this.socket === undefined) return true;
    if (this.log.debugs) this.trace(">", data);
    const { counters, compressFrom } = this.endpoint;
    const taken = this.socket.send(data, holds !== "secret" && isCompressed(data, compressFrom));
    if (taken === 0 && data.length > 0) return this.refuse();
    counters.sent += 1;
    counters.sentBytes += taken < 0 ? byteLength(data) : taken;
    return taken >= 0;
  }

  cork<T>(run: () => T): T {
    // The runtime does not run what is given to a socket that has closed.
    return this.isOpen && this.socket !== undefined ? this.socket.cork(run) : run();
  }

  buffered(): number {
    this.lastBuffered = this.isOpen && this.socket !== undefined ? this.socket.getBufferedAmount() : 0;
    return this.lastBuffered;
  }

  /** Counts a ping of the client's; how many came in the present window of 10 s. */
  pingsInWindow(now: number): number {
    if (now - this.pingsSince >= PING_WINDOW_MS) {
      this.pingsSince = now;
      this.pings = 0;
    }
    this.pings += 1;
    return this.pings;
  }

  ping(): void {
    if (this.isOpen) this.socket?.ping();
  }

  pause(): void {
    if (!this.isOpen) return;
    this.isPaused = true;
    this.socket?.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (this.isOpen && !this.isHeldBack) this.socket?.resume();
  }

  holdBack(): void {
    this.isHeldBack = true;
    if (this.isOpen) this.socket?.pause();
  }

  readOn(): void {
    this.isHeldBack = false;
    if (this.isOpen && !this.isPaused) this.socket?.resume();
  }

  subscribe(channel: string): void {
    if (this.isOpen) this.socket?.subscribe(channel);
  }

  unsubscribe(channel: string): void {
    if (this.isOpen) this.socket?.unsubscribe(channel);
  }

  /** Reaches everybody in the channel on this listener but this connection. */
  publishToOthers(channel: string, data: Data): void {
    if (this.isOpen) this.socket?.publish(channel, data, isCompressed(data, this.endpoint.compressFrom));
  }

  close(code: number, reason: string): void {
    if (!this.endWith(code, reason)) return;
    this.socket?.close(code, this.ending?.reason);
  }

  announce(within: number, retry: number): void {
    this.guard("drain", () => this.session?.drain(within, retry));
  }

  check(token: string): Entry | Promise<Entry> | undefined {
    const { endpoint, params, remoteAddress } = this;
    // What else the client showed was seen at the handshake, and is not kept for as long as it stays.
    const shown = {
      headers: new Headers(),
      query: new URLSearchParams(),
      route: endpoint.path,
      params,
      remoteAddress,
    };
    return endpoint.auth.token(token, shown);
  }

  identify({ identity, may }: Guest): boolean {
    if (identity.user !== null && this.place?.belongTo(identity.user) === false) return false;
    this.identity = identity;
    this.may = may;
    this.endpoint.validity.hold(this);
    return true;
  }

  /** From here on the connection is the route's: its `close` will follow, and what `admit` took is its own. */
  entering(): boolean {
    this.waits = false;
    this.guard("onOpen", () => this.endpoint.onOpen?.(this.asHooksSeeIt()));
    if (!this.isOpen) return false;
    this.release = undefined;
    this.hasEntered = true;
    return true;
  }

  asHooksSeeIt(): HookConnection {
    const { id, endpoint, params, remoteAddress, user } = this;
    return { id, route: endpoint.path, params, remoteAddress, user };
  }

  expiring(at: number): void {
    this.guard("expiring", () => this.session?.expiring(at));
  }

  /** Its identity counts no longer. */
  end(reason: "expired" | "revoked"): void {
    this.guard("end", () => this.close(3000, `the token is ${reason}`));
  }

  /** The gateway stops: what waits is handed over first, by the route if it has a say in it. Called until it has closed. */
  finish(): void {
    const { route } = this.endpoint;
    if (route.finish === undefined || !this.hasEntered) {
      if (this.buffered() === 0) this.close(1012, "service restart");
    } else if (!this.isFinishing) {
      this.isFinishing = true;
      this.guard("finish", () => route.finish?.(this, 1012, "service restart"));
    }
  }

  terminate(code: number, reason: string): void {
    if (this.endWith(code, reason)) this.socket?.terminate();
  }

  /** Runs a hook of the route or the config. */
  guard(stage: string, hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.fail(stage, error);
    }
  }

  /** A hook threw: that ends this connection with 1011, and nobody else notices. */
  fail(stage: string, error: unknown): void {
    this.endpoint.counters.errors += 1;
    this.log.error({ ...this.fields(), stage, err: error }, "! a hook of the route threw");
    this.close(1011, `internal error in ${stage}, see the log for ${this.id}`);
  }

  /** What every log line of this connection says. */
  fields(): LogFields {
    const { id: conn, endpoint, user } = this;
    const who = user === null ? undefined : { user };
    return { conn, route: endpoint.path, ...who, ...(this.hasEntered ? this.describe() : undefined) };
  }

  /** Writes a frame's direction, type and size, never its content: messages hold what people said. */
  trace(direction: "<" | ">", data: Data): void {
    const type = typeof data === "string" ? "text" : "binary";
    this.log.debug(this.fields(), `${direction} ${type} ${byteLength(data)} B`);
  }

  /** A throw here would hit whoever logs, also while another throw is being reported. */
  private describe(): LogFields | undefined {
    try {
      return this.endpoint.route.describe?.(this);
    } catch (error) {
      return { describe: String(error) };
    }
  }

  private endWith(code: number, reason: string): boolean {
    if (!this.isOpen) return false;
    // Throws on what is no text: then it still is open, for the close that says so.
    this.ending = { code, reason: clipReason(reason), local: true };
    this.buffered();
    this.isOpen = false;
    return true;
  }

  /** The runtime's own limit lies far above every mark of ours; reaching it means that a policy failed to act. */
  private refuse(): boolean {
    this.endpoint.counters.dropped.slow += 1;
    this.terminate(1013, "slow consumer: the runtime's queue is full");
    return false;
  }
}
