/**
 * What one session has sent, and what became of it, until its client says that it knows. So a message that is sent again is not
 * sent twice, and gets its receipt again.
 * Limit: MAX_UNRELEASED; past it nothing more is accepted.
 */
import type { ReceiptState } from "../wire/v1.ts";

export const MAX_UNRELEASED = 1_024;

export interface Receipt {
  readonly seq: number;
  readonly idem: string;
  /** Undefined: it is still on its way. */
  state: ReceiptState | undefined;
}

/** A class, because there is one per session. */
export class Receipts {
  /** By `idem`, in the order of `seq`. */
  private readonly all = new Map<string, Receipt>();

  get size(): number {
    return this.all.size;
  }

  get isFull(): boolean {
    return this.all.size >= MAX_UNRELEASED;
  }

  get(idem: string): Receipt | undefined {
    return this.all.get(idem);
  }

  add(seq: number, idem: string): void {
    this.all.set(idem, { seq, idem, state: undefined });
  }

  /** Undefined: the client has no use for it any more. */
  settle(idem: string, state: ReceiptState): Receipt | undefined {
    const receipt = this.all.get(idem);
    if (receipt !== undefined) receipt.state = state;
    return receipt;
  }

  /** All receipts up to `seq` have come. One that has no state yet cannot have come, whatever the client says. */
  release(seq: number): void {
    for (const receipt of this.all.values()) {
      if (receipt.seq > seq) return;
      if (receipt.state !== undefined) this.all.delete(receipt.idem);
    }
  }
}
