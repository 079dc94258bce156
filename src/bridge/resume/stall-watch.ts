/** Tells which side of a stream takes nothing of what waits for it. It is asked at even intervals, so that nobody pays per message. */

export interface Flow {
  /** Something waits that only the receiving side can move. */
  readonly waits: boolean;
  /** Any number that changes when something moved. */
  readonly progress: number;
}

export class StallWatch {
  private seen = -1;
  private since = 0;

  /** `limit`: milliseconds; 0 = however long. */
  isStalled({ waits, progress }: Flow, now: number, limit: number): boolean {
    if (!waits || progress !== this.seen) {
      this.seen = progress;
      this.since = now;
    }
    return limit > 0 && now - this.since >= limit;
  }
}
