/**
 * What a client says, on its way to the target, and the count of what was passed on, which is all that an ACK ever says.
 * Limits: the form's window, of which the part that the target did not take yet waits here. What was not passed on when a connection is
 * lost need not be kept: the client says it again.
 */

import type { Upstream } from "../upstream.ts";
import { ByteRing } from "./byte-ring.ts";
import type { Flow } from "./stall-watch.ts";
import type { StreamForm } from "./stream-form.ts";

export class Inflow implements Flow {
  /** Bytes with the target's kernel, and 1 for the half-close. */
  passed = 0;
  /** What the client was told of that. */
  told = 0;
  /** The client has half-closed. */
  hasEnded = false;
  /** The target was told so. */
  isShut = false;
  private received = 0;
  private readonly rest = new ByteRing();

  constructor(private readonly form: StreamForm) {}

  get waits(): boolean {
    return this.rest.size > 0;
  }

  /** Bytes of memory. */
  get footprint(): number {
    return this.rest.footprint;
  }

  get progress(): number {
    return this.passed;
  }

  /** Counts what came. False: more than the window allows without an ACK. */
  take(length: number): boolean {
    this.received += length;
    return this.received - this.told <= this.form.window;
  }

  /** Passes bytes on, behind those that wait. False: the target takes no more. They are copied where they must be kept. */
  write(upstream: Upstream, bytes: Uint8Array): boolean {
    const taken = this.waits ? 0 : upstream.write(bytes);
    if (taken < 0) return false;
    this.passed += taken;
    if (taken === bytes.length) return true;
    if (!this.waits) this.rest.reset(this.passed);
    this.rest.push(bytes.subarray(taken));
    return true;
  }

  /** Passes on what waits, as much as the kernel takes. False: the target takes no more. */
  writeRest(upstream: Upstream): boolean {
    while (this.waits) {
      const bytes = this.rest.view(this.passed, Number.POSITIVE_INFINITY);
      const taken = upstream.write(bytes);
      if (taken < 0) return false;
      this.passed += taken;
      this.rest.release(this.passed);
      if (taken < bytes.length) return true;
    }
    return true;
  }

  /** Passes the half-close on once nothing waits before it. True: it has just been done. */
  shut(upstream: Upstream): boolean {
    if (!this.hasEnded || this.isShut || this.waits) return false;
    upstream.shutdown();
    this.isShut = true;
    this.passed += 1;
    return true;
  }

  /** Another connection begins: the client says again what was not passed on. */
  restart(): void {
    this.rest.reset(this.passed);
    this.hasEnded = this.isShut;
    this.received = this.told = this.passed;
  }

  /** What waits, in pieces that stay as they are until something else is called. */
  *left(): Generator<Uint8Array> {
    for (let at = this.passed; at < this.rest.end; ) {
      const piece = this.rest.view(at, Number.POSITIVE_INFINITY);
      at += piece.length;
      yield piece;
    }
  }

  trim(): void {
    this.rest.trim();
  }
}
