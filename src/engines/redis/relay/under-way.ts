/**
 * What one peer on this node has asked for and was not answered: it is bounded by whoever reads from the client, and waits for `room`.
 * While Redis is slow that is for as long as a call may take; then its steps fail, and there is room again.
 */
import type { Step } from "./steps.ts";

/** Past so many bytes there is no room, until half of it is free. One message fits, however large. */
const MAX_BYTES = 1024 * 1024;
/** Of a step beside what its message says. */
const STEP_BYTES = 512;

/** A class, because there is one per seat. */
export class UnderWay {
  private bytes = 0;
  private relief: PromiseWithResolvers<void> | undefined;

  /** Undefined: there is room. Else it resolves when there is. */
  get room(): Promise<void> | undefined {
    if (this.bytes <= MAX_BYTES) return undefined;
    this.relief ??= Promise.withResolvers();
    return this.relief.promise;
  }

  counted(step: Step): Step {
    const bytes = STEP_BYTES + (step.kept?.length ?? 0);
    this.bytes += bytes;
    return {
      ...step,
      answered: (answer) => {
        this.ended(bytes);
        step.answered(answer);
      },
      failed: (error, wasSent) => {
        this.ended(bytes);
        step.failed(error, wasSent);
      },
    };
  }

  private ended(bytes: number): void {
    this.bytes -= bytes;
    if (this.bytes > MAX_BYTES / 2) return;
    this.relief?.resolve();
    this.relief = undefined;
  }
}
