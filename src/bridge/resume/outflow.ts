/**
 * What the target says, kept until the client has acknowledged it, and handed to whichever connection the client has at present.
 * Limits: `limit` bytes and what one read brings more; of these at most the form's window is under way.
 */
import type { Connection } from "../../connection.ts";
import { dataFrame } from "../../wire/bridge-frames.ts";
import { ByteRing } from "./byte-ring.ts";
import type { Flow } from "./stall-watch.ts";
import type { StreamForm } from "./stream-form.ts";

const HALF_CLOSE = dataFrame(new Uint8Array(0));

export class Outflow implements Flow {
  private readonly kept = new ByteRing();
  private hasEnded = false;
  /** Counted as the client counts: bytes since the stream began, and 1 for the half-close. */
  private acked = 0;
  /** What the present connection was handed, and the most that any was. */
  private handed = 0;
  private sent = 0;
  private isGivenUp = false;

  constructor(
    private readonly form: StreamForm,
    private readonly limit: number,
  ) {}

  /** Nothing more is to be taken from the target for now. */
  get isFull(): boolean {
    return this.kept.size >= this.limit;
  }

  /** Bytes of memory. */
  get footprint(): number {
    return this.kept.footprint;
  }

  get isHandedOver(): boolean {
    return this.handed === this.total;
  }

  /** The client could go on with this stream on another connection. */
  get canResume(): boolean {
    return !this.isGivenUp;
  }

  /** Something waits that only the client can move. */
  get waits(): boolean {
    return this.isFull || !this.isHandedOver;
  }

  /** Grows whenever the client takes something. */
  get progress(): number {
    return this.acked + this.handed;
  }

  push(chunk: Uint8Array): void {
    this.kept.push(chunk);
  }

  end(): void {
    this.hasEnded = true;
  }

  /** Hands over what the window allows. False: the connection is full, so go on when it is not. */
  handOver(connection: Connection): boolean {
    const send = (frame: Uint8Array) => connection.send(frame);
    let isTaken = true;
    while (isTaken && this.handed < this.total) {
      const length = this.nextLength();
      if (this.handed + length - this.acked > this.form.window) break;
      const { handed } = this;
      this.handed += length;
      isTaken = handed === this.kept.end ? send(HALF_CLOSE) : this.kept.sendFrame(handed, length, send);
    }
    this.sent = Math.max(this.sent, this.handed);
    if (this.isGivenUp) this.releaseHanded();
    return isTaken;
  }

  /** False: a count that runs backwards, or passes what was sent. */
  ack(count: number): boolean {
    if (this.isGivenUp) return true;
    if (count < this.acked || count > this.sent) return false;
    this.acked = count;
    this.handed = Math.max(this.handed, count);
    this.kept.release(Math.min(count, this.kept.end));
    return true;
  }

  /** Another connection begins, and has everything up to `count`. False: it cannot be served from there. */
  rewind(count: number): boolean {
    if (this.isGivenUp || !this.ack(count)) return false;
    this.handed = count;
    return true;
  }

  /** From now on nothing is kept for another connection. */
  giveUp(): void {
    this.isGivenUp = true;
    this.releaseHanded();
  }

  trim(): void {
    this.kept.trim();
  }

  private get total(): number {
    return this.kept.end + (this.hasEnded && this.form.halfCloses ? 1 : 0);
  }

  private nextLength(): number {
    return this.handed === this.kept.end ? 1 : this.kept.run(this.handed, this.form.maxData);
  }

  private releaseHanded(): void {
    this.acked = this.handed;
    this.kept.release(Math.min(this.handed, this.kept.end));
  }
}
