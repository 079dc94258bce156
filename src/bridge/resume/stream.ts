/**
 * A stream that survives a lost connection: it owns the upstream, and its client comes and comes back on one connection after another.
 * Bounds: `buffer` and one read (512 KiB) of the target's bytes, the form's window of the client's.
 *
 * Ends. Either half-close is passed on, and counts 1. The client's close 1000: what was received is written, then FIN, as a pipe does.
 * Any other loss of the connection parks the stream. The target's reset, or bytes it takes no more: what it said, then 1014, also after
 * a resume. Nothing moves for `stallTimeout`: 1013, and the stream is lost. A client that breaks the rules is closed; one whose counts
 * cannot be true has lost its stream (4510).
 */
import type { CloseInfo, Connection, Data } from "../../connection.ts";
import {
  ACK_BYTES,
  ackFrame,
  type BadFrame,
  type BridgeFrame,
  connectFrame,
  DATA_HEADER,
  dataLength,
  IDLE_ACK_MS,
  MAX_DATA,
  readFrame,
  reconnectFrame,
} from "../../wire/bridge-frames.ts";
import type { CloseCode } from "../../wire/close-codes.ts";
import { BROKEN, ENDED, type Ending, isLast } from "../ending.ts";
import type { StageOwner } from "../stage.ts";
import type { Upstream, UpstreamHandler } from "../upstream.ts";
import { giveBack } from "../warm-memory.ts";
import { Inflow } from "./inflow.ts";
import type { KeptStream, StreamHouse } from "./kept-stream.ts";
import { Outflow } from "./outflow.ts";
import { StallWatch } from "./stall-watch.ts";
import type { StreamForm } from "./stream-form.ts";

const freshStalls = () => ({ target: new StallWatch(), client: new StallWatch() });

export class ResumeStream implements KeptStream, StageOwner, UpstreamHandler {
  readonly target: string;
  stream: string | undefined;
  private connection: Connection | undefined;
  private upstream: Upstream | undefined;
  private readonly inflow: Inflow;
  private readonly outflow: Outflow;
  private stalls = freshStalls();
  /** Close the client with this once everything was handed over. */
  private ending: Ending | undefined;
  private targetEnded = false;
  /** A write failed: the client's bytes have nowhere to go. What the target said last is still to be read, then the runtime closes it. */
  private isBroken = false;
  /** The runtime holds something for the client: it gets no more until that has gone. */
  private isClogged = false;
  private isHeld = true;
  private isLost = false;
  /** When a visit last said an ACK, or began to count. */
  private toldAt: number | undefined;

  constructor(
    upstream: Upstream,
    readonly form: StreamForm,
    readonly name: string,
    private readonly house: StreamHouse,
  ) {
    this.target = upstream.data.target;
    this.upstream = upstream;
    this.inflow = new Inflow(form);
    this.outflow = new Outflow(form, house.buffer);
    upstream.data.handler = this;
  }

  get footprint(): number {
    return this.inflow.footprint + this.outflow.footprint;
  }

  open(connection: Connection): void {
    this.connection = connection;
    this.stream = connection.id;
    connection.send(connectFrame(this.house.keeper.enter(this, connection.user)), "secret");
    this.pump();
  }

  resume(connection: Connection, count: number): boolean {
    // Before the count is computed, and while what follows from it still goes to the older connection.
    this.house.stage.flush(this);
    if (!this.outflow.rewind(count)) return false;
    this.house.keeper.unpark(this);
    this.inflow.restart();
    this.stalls = freshStalls();
    this.toldAt = undefined;
    const older = this.connection;
    this.connection = connection;
    this.isClogged = false;
    older?.close(4590, "the stream goes on with another connection");
    connection.send(reconnectFrame(this.inflow.passed));
    this.pump();
    return true;
  }

  receive(data: Data): void {
    if (typeof data === "string") {
      this.refuse(1002, `frames of ${this.form.protocol} are binary, and this is text`);
      return;
    }
    const { maxData } = this.form;
    const length = dataLength(data, maxData);
    if (length >= 0) this.take(data, length);
    else this.hear(readFrame(data, maxData));
  }

  drainClient(): void {
    if (this.connection === undefined || this.connection.buffered() > 0) return;
    this.isClogged = false;
    this.pump();
  }

  /** An older connection ends here too, after another has taken its place. */
  closeClient(connection: Connection, info: CloseInfo): void {
    if (connection !== this.connection) return;
    this.connection = undefined;
    this.house.stage.flush(this);
    if (info.code === 1000) this.leaveTarget();
    if (this.isLost || isLast(info) || !this.outflow.canResume) this.abandon();
    else this.house.keeper.park(this, connection);
  }

  /** The gateway stops, and streams cannot move. */
  finish(code: CloseCode, reason: string): void {
    this.house.stage.flush(this);
    this.ending ??= { code, reason };
    this.pump();
  }

  abandon(): void {
    this.house.keeper.forget(this);
    this.leaveTarget();
  }

  /** A target that did not take what the client said meanwhile would keep the memory that others are to have. */
  expire(): void {
    if (this.inflow.waits) this.upstream?.terminate();
    this.abandon();
  }

  visit(now: number): void {
    this.inflow.trim();
    this.outflow.trim();
    if (this.connection === undefined) return;
    this.toldAt ??= now;
    if (this.inflow.passed > this.inflow.told || now - this.toldAt >= IDLE_ACK_MS) {
      this.toldAt = now;
      this.acknowledgeClient();
    }
    this.lookForStalls(now);
  }

  /** From the stage. */
  write(bytes: Uint8Array): void {
    const { upstream } = this;
    if (upstream === undefined || this.isBroken) return;
    if (!this.inflow.write(upstream, bytes)) this.isBroken = true;
    else this.passed();
  }

  data(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += MAX_DATA) {
      this.outflow.push(chunk.subarray(at, at + MAX_DATA));
      this.pump(); // now, while the processor still has the piece at hand
    }
    giveBack(chunk);
    if (this.connection === undefined) this.house.keeper.weigh(this);
  }

  /** The runtime also calls this for nothing, even before the client is there. */
  drain(): void {
    const { upstream } = this;
    if (upstream === undefined || this.isBroken) return;
    if (!this.inflow.writeRest(upstream)) this.isBroken = true;
    else if (this.inflow.shut(upstream)) this.acknowledgeClient();
    else this.passed();
  }

  end(): void {
    this.targetEnded = true;
    this.outflow.end();
    if (!this.form.halfCloses) this.ending ??= ENDED;
    this.pump();
  }

  close(error: Error | undefined): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    this.house.gone(upstream);
    // After our FIN the runtime tells the target's by closing at once.
    if (error === undefined && this.inflow.isShut && !this.targetEnded) this.end();
    // Who lost bytes is told so, whatever it was waiting for.
    if (this.isBroken || this.inflow.waits || error !== undefined || !this.targetEnded) this.ending = BROKEN;
    else if (!this.inflow.isShut) this.ending ??= ENDED;
    this.pump();
  }

  /** Anything but DATA. */
  private hear(frame: BridgeFrame | BadFrame | undefined): void {
    if (frame?.type === "ack") this.acknowledge(frame.count);
    else if (frame?.type === "bad") this.refuse(frame.code, frame.text);
    else if (frame !== undefined)
      this.refuse(1002, "only a server says CONNECT_SUCCESS and RECONNECT_SUCCESS");
  }

  /** A DATA with so many bytes of payload. */
  private take(frame: Uint8Array, length: number): void {
    if (length === 0) this.takeEnd();
    else if (this.inflow.hasEnded) this.refuse(1002, "DATA after the half-close");
    else if (this.upstream === undefined || this.isBroken) return;
    else if (this.inflow.take(length)) this.house.stage.add(this, frame, DATA_HEADER);
    else this.refuse(1008, `more than ${this.form.window} bytes without an ACK`);
  }

  private takeEnd(): void {
    if (!this.form.halfCloses) return;
    if (this.inflow.hasEnded) {
      this.refuse(1002, "a second half-close");
      return;
    }
    this.house.stage.flush(this);
    this.inflow.take(1);
    this.inflow.hasEnded = true;
    // What was lost before it is not passed on, so neither is this.
    if (this.upstream === undefined || this.isBroken) return;
    if (this.inflow.shut(this.upstream)) this.acknowledgeClient();
  }

  private acknowledge(count: number): void {
    if (this.outflow.ack(count)) this.pump();
    else this.lose(4510, `an ACK of ${count} runs backwards, or passes what was sent`);
  }

  /** Hands over what may go, reads on or not, and closes the client when the last of it has gone. */
  private pump(): void {
    const { connection, outflow, ending } = this;
    if (connection !== undefined && !this.isClogged) this.isClogged = !outflow.handOver(connection);
    // A client that is not read cannot acknowledge, and nobody reads on before it does: one of the two has to give way.
    if (connection?.isPaused && outflow.isFull) outflow.giveUp();
    this.hold(outflow.isFull || this.ending !== undefined);
    if (ending !== undefined && outflow.isHandedOver && connection?.buffered() === 0)
      connection.close(ending.code, ending.reason);
  }

  private hold(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    if (isHeld) this.upstream?.pause();
    else this.upstream?.resume();
  }

  /** Some of the client's bytes went on, or could not. */
  private passed(): void {
    const { connection, form, inflow } = this;
    if (form.pauses && connection !== undefined && connection.isPaused !== inflow.waits) this.holdClient();
    if (inflow.passed - inflow.told >= ACK_BYTES) this.acknowledgeClient();
  }

  private holdClient(): void {
    if (this.inflow.waits) this.connection?.pause();
    else this.connection?.resume();
    this.pump();
  }

  private acknowledgeClient(): void {
    if (this.connection === undefined) return;
    this.inflow.told = this.inflow.passed;
    this.connection.send(ackFrame(this.inflow.passed));
  }

  private lookForStalls(now: number): void {
    const { stalls, upstream, house } = this;
    if (stalls.target.isStalled(this.inflow, now, house.stallTimeout)) {
      this.lose(1013, "the target takes nothing");
      upstream?.terminate();
    } else if (stalls.client.isStalled(this.outflow, now, house.stallTimeout)) {
      this.lose(1013, "the client takes nothing");
    }
  }

  /** Closes a client that broke a rule. It may come back, as after any other loss. */
  private refuse(code: CloseCode, reason: string): void {
    this.connection?.close(code, reason);
  }

  private lose(code: CloseCode, reason: string): void {
    this.isLost = true;
    this.connection?.close(code, reason);
  }

  private leaveTarget(): void {
    const { upstream } = this;
    if (upstream === undefined) return;
    this.upstream = undefined;
    this.house.leave(upstream, this.inflow.left());
  }
}
