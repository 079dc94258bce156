/**
 * Joins a connection and an upstream, byte for byte, with backpressure both ways: the slow side pauses the fast one, nothing is dropped.
 * Bounds: towards the client `highWater` and one read (512 KiB); towards the target one stage and what one read still brings (1 MiB).
 *
 * Ends. The target's FIN: all that was read is delivered, and the other direction stays open until nothing happened for
 * `halfCloseTimeout`; then 1000. Its reset, or bytes it takes no more: what it said, then 1014. The client's close: what was
 * received is written, then FIN, and the upstream has LINGER_MS to end too. No progress towards the target for `stallTimeout`: 1013; once
 * the client is gone, ORPHAN_MS are enough.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Connection, Data } from "../connection.ts";
import type { CloseCode } from "../wire/close-codes.ts";
import type { Unframer } from "../wire/framing.ts";
import type { BridgeEnd } from "./end.ts";
import { BROKEN, ENDED, type Ending } from "./ending.ts";
import type { Stage, StageOwner } from "./stage.ts";
import type { Upstream, UpstreamHandler } from "./upstream.ts";
import { giveBack } from "./warm-memory.ts";

export interface PipeOptions {
  readonly clock: Clock;
  readonly stage: Stage;
  /** Absent: what a client says goes as it is. It says undefined of a message that cannot be a line. */
  readonly frame?: ((message: Uint8Array) => Uint8Array | undefined) | undefined;
  /** Absent: bytes go as binary messages, as they come. */
  readonly unframer?: Unframer | undefined;
  /** Bytes that may wait for the client before the target is paused; 0 = no limit. */
  readonly highWater: number;
  /** Milliseconds; 0 = until the client closes. */
  readonly halfCloseTimeout: number;
  /** Milliseconds; 0 = however long. */
  readonly stallTimeout: number;
  /** The upstream is gone for good. */
  readonly onEnd: () => void;
}

/** Milliseconds for the target to end after our FIN. Its answer goes nowhere, but closing at once could reset what we sent last. */
const LINGER_MS = 5_000;
/** Milliseconds without any progress towards the target of a client that is gone. It costs its memory and descriptors, and nobody anything. */
const ORPHAN_MS = 60_000;
const TOO_LONG: Ending = { code: 1009, reason: "a line of the target is longer than maxLine" };

export class Pipe implements BridgeEnd, StageOwner, UpstreamHandler {
  /** Bytes the kernel did not take yet, towards the target. */
  private rest: Uint8Array[] = [];
  private connection: Connection | undefined;
  /** Close the client with this once nothing waits for it. */
  private ending: Ending | undefined;
  private clientGone = false;
  private targetEnded = false;
  /** A write failed. What the target has said before is still to be read, then the runtime closes it. */
  private isBroken = false;
  private upstreamGone = false;
  private stall: Timer | undefined;
  private silence: Timer | undefined;
  private linger: Timer | undefined;
  private progressed = false;
  private isActive = false;

  constructor(
    private readonly upstream: Upstream,
    private readonly options: PipeOptions,
  ) {
    upstream.data.handler = this;
  }

  /** What logs call the target. */
  get target(): string {
    return this.upstream.data.target;
  }

  /** Bytes begin to flow. The target may have gone during the handshake. */
  open(connection: Connection): void {
    this.connection = connection;
    if (this.upstreamGone) this.endClient(BROKEN);
    else this.upstream.resume();
  }

  /** From the client to the target. */
  receive(data: Data): void {
    const { frame, stage } = this.options;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const framed = frame === undefined ? bytes : frame(bytes);
    if (framed === undefined) {
      this.connection?.close(1007, "a message is one line, but this one contains a line feed");
      return;
    }
    this.isActive = true;
    stage.add(this, framed);
  }

  /** The client has taken some of what waited for it. */
  drainClient(): void {
    const { connection, ending } = this;
    if (connection === undefined) return;
    this.isActive = true;
    if (ending !== undefined) this.endClient(ending);
    else if (connection.buffered() <= this.options.highWater / 2) this.upstream.resume();
  }

  /** The gateway stops. A client that waits for the end of its target is told of that end instead. */
  finish(code: CloseCode, reason: string): void {
    this.endClient(this.isBroken ? BROKEN : (this.ending ?? { code, reason }));
  }

  /** The client is gone: what it said is written, then FIN. */
  closeClient(): void {
    this.connection = undefined;
    this.clientGone = true;
    this.silence?.cancel();
    if (this.upstreamGone) return;
    this.options.stage.flush(this);
    // What the target still says goes nowhere, but it must be read, else its FIN is never seen.
    this.upstream.resume();
    if (this.rest.length === 0) this.endUpstream();
    else this.watchOrphan();
  }

  /** From the stage: the kernel's share goes at once, the rest is copied, because the stage is used again. */
  write(bytes: Uint8Array): void {
    if (this.upstreamGone || this.isBroken) return;
    const taken = this.rest.length > 0 ? 0 : this.upstream.write(bytes);
    if (taken < 0) {
      this.giveUpWriting();
    } else if (taken < bytes.length) {
      // A constructor copies; `slice` of a Buffer would only be a view of the stage.
      this.rest.push(new Uint8Array(bytes.subarray(taken)));
      this.connection?.pause();
      this.watchStall();
    }
  }

  data(chunk: Buffer): void {
    const { connection } = this;
    if (connection === undefined) return;
    if (this.options.unframer !== undefined) this.sendFramed(connection, this.options.unframer, chunk);
    else this.sendBytes(connection, chunk);
  }

  /** The runtime also calls this for nothing, even before the client is there. */
  drain(): void {
    if (this.isBroken || !this.writeRest()) return;
    this.stall?.cancel();
    this.stall = undefined;
    if (this.clientGone) this.endUpstream();
    else if (this.ending !== undefined) this.endClient(this.ending);
    else this.connection?.resume();
  }

  end(): void {
    this.targetEnded = true;
    this.deliverUnfinished();
    if (this.connection !== undefined && this.options.halfCloseTimeout > 0) this.awaitSilence();
  }

  close(error: Error | undefined): void {
    if (this.upstreamGone) return;
    const isLost = this.isBroken || this.rest.length > 0;
    this.upstreamGone = true;
    for (const timer of [this.stall, this.silence, this.linger]) timer?.cancel();
    this.rest = [];
    this.options.onEnd();
    // Who lost bytes is told so, whatever it was waiting for.
    if (isLost) this.endClient(BROKEN);
    else this.endClient(this.ending ?? (error === undefined && this.targetEnded ? ENDED : BROKEN));
  }

  /** Stops reading at both ends, hands over what is held, then closes the client. Called again whenever something went out. */
  private endClient(ending: Ending): void {
    const { connection } = this;
    if (connection === undefined) return;
    this.ending = ending;
    this.upstream.pause();
    connection.pause();
    this.options.stage.flush(this);
    this.deliverUnfinished();
    if (connection.buffered() === 0 && this.rest.length === 0) connection.close(ending.code, ending.reason);
  }

  private deliverUnfinished(): void {
    for (const message of this.options.unframer?.end() ?? []) this.connection?.send(message);
  }

  private sendBytes(connection: Connection, chunk: Buffer): void {
    this.hold(connection, connection.send(chunk));
    giveBack(chunk);
  }

  private sendFramed(connection: Connection, unframer: Unframer, chunk: Buffer): void {
    const { messages, isTooLong } = unframer.push(chunk);
    let taken = true;
    for (const message of messages) taken = connection.send(message) && taken;
    if (isTooLong) this.endClient(TOO_LONG);
    else this.hold(connection, taken);
  }

  private hold(connection: Connection, taken: boolean): void {
    const { highWater } = this.options;
    if (!taken && highWater > 0 && connection.buffered() > highWater) this.upstream.pause();
  }

  /** True: all of it is with the kernel. */
  private writeRest(): boolean {
    for (let first = this.rest[0]; first !== undefined; first = this.rest[0]) {
      const taken = this.upstream.write(first);
      if (taken < 0) {
        this.giveUpWriting();
        return false;
      }
      if (taken > 0) this.progressed = this.isActive = true;
      if (taken < first.length) {
        this.rest[0] = first.subarray(taken);
        return false;
      }
      this.rest.shift();
    }
    return true;
  }

  /** The client's bytes have nowhere to go. The upstream stays, because what the target said last may not have been read. */
  private giveUpWriting(): void {
    this.isBroken = true;
    this.rest = [];
    this.stall?.cancel();
    this.connection?.pause();
    if (this.clientGone) this.endUpstream();
    else if (this.ending !== undefined) this.endClient(BROKEN);
  }

  private endUpstream(): void {
    if (this.linger !== undefined || this.upstreamGone) return;
    this.upstream.shutdown();
    this.linger = this.options.clock.after(LINGER_MS, () => this.upstream.end());
  }

  private watchOrphan(): void {
    this.stall?.cancel();
    this.stall = undefined;
    this.watchStall();
  }

  /** One timer looks whether anything went out since it was set, instead of one per write. */
  private watchStall(): void {
    const { clock, stallTimeout } = this.options;
    const limit = this.clientGone ? Math.min(stallTimeout || ORPHAN_MS, ORPHAN_MS) : stallTimeout;
    if (limit === 0 || this.stall !== undefined) return;
    this.progressed = false;
    this.stall = clock.after(limit, () => {
      this.stall = undefined;
      if (this.progressed) {
        this.watchStall();
        return;
      }
      this.connection?.close(1013, "the target takes nothing");
      this.upstream.terminate();
    });
  }

  /** After the target's FIN: close once nothing went either way for the whole time, and nothing waits. */
  private awaitSilence(): void {
    const { clock, halfCloseTimeout } = this.options;
    this.isActive = false;
    this.silence = clock.after(halfCloseTimeout, () => {
      const waits = this.rest.length > 0 || (this.connection?.buffered() ?? 0) > 0;
      if (this.isActive || waits) this.awaitSilence();
      else this.connection?.close(ENDED.code, ENDED.reason);
    });
  }
}
