/** What a plain client has sent through a shared group and has no receipt of: so much may be under way. Pure. */

/** A class, because there is one per connection. */
export class Window {
  /** By `seq`, in its order. */
  private readonly open = new Map<number, number>();
  private count = 0;
  private bytes = 0;
  private last = 0;

  /** `bytes` 0: any number. */
  constructor(private readonly max: { readonly count: number; readonly bytes: number }) {}

  get isFull(): boolean {
    const { count, bytes } = this.max;
    return this.count >= count || (bytes > 0 && this.bytes >= bytes);
  }

  /** Half of it is free again. */
  get hasEased(): boolean {
    const { count, bytes } = this.max;
    return this.count <= count / 2 && (bytes === 0 || this.bytes <= bytes / 2);
  }

  /** All receipts up to this `seq` have come. */
  get released(): number {
    for (const seq of this.open.keys()) return seq - 1;
    return this.last;
  }

  begin(size: number): void {
    this.count += 1;
    this.bytes += size;
  }

  accepted(seq: number, size: number): void {
    this.open.set(seq, size);
    this.last = seq;
  }

  settled(seq: number): void {
    const size = this.open.get(seq);
    if (size !== undefined && this.open.delete(seq)) this.ended(size);
  }

  /** One that has no receipt to come. */
  ended(size: number): void {
    this.count -= 1;
    this.bytes -= size;
  }
}
