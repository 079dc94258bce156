/**
 * Gathers the small writes of one event-loop turn into one: the runtime hands over each frame of a read by itself,
 * and a system call per frame costs more than everything else. One buffer for all, because the frames of one connection come in a row.
 */

export interface StageOwner {
  /** Takes the bytes before it returns: they are overwritten afterwards. */
  write(bytes: Uint8Array): void;
}

export interface Stage {
  /** `start`: where in `bytes` begins what is meant; at most LEAD. */
  add(owner: StageOwner, bytes: Uint8Array, start?: number): void;
  /** Hands over what `owner` has here, now. */
  flush(owner: StageOwner): void;
}

/** As much as the runtime reads at once. */
const STAGE_BYTES = 512 * 1024;
/**
 * Room before the first byte, for a header that is copied along with what follows it. Much room: a copy of what begins a page, to a few
 * bytes behind the beginning of another, takes ten times as long.
 */
const LEAD = 64;

export function createStage(): Stage {
  const buffer = new Uint8Array(LEAD + STAGE_BYTES);
  const covered = new Uint8Array(LEAD);
  let owner: StageOwner | undefined;
  let used = LEAD;
  let isDue = false;

  function handOver(): void {
    const [to, bytes] = [owner, buffer.subarray(LEAD, used)];
    owner = undefined;
    used = LEAD;
    to?.write(bytes);
  }

  // setImmediate runs after all frames of this turn; a microtask would run after each of them.
  function endTurn(): void {
    isDue = false;
    handOver();
  }

  /** A view of what is meant would cost more than to copy all of it, and to put back what the header fell on. */
  function append(bytes: Uint8Array, start: number): void {
    const at = used - start;
    for (let n = 0; n < start; n += 1) covered[n] = buffer[at + n] ?? 0;
    buffer.set(bytes, at);
    for (let n = 0; n < start; n += 1) buffer[at + n] = covered[n] ?? 0;
    used = at + bytes.length;
  }

  return {
    add(from, bytes, start = 0) {
      const isTooMuch = used + bytes.length > buffer.length;
      if ((owner !== undefined && owner !== from) || isTooMuch) handOver();
      if (bytes.length >= STAGE_BYTES) {
        from.write(bytes.subarray(start));
        return;
      }
      owner = from;
      append(bytes, start);
      if (!isDue) setImmediate(endTurn);
      isDue = true;
    },
    flush(of) {
      if (owner === of) handOver();
    },
  };
}
