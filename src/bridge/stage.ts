/**
 * Gathers the small writes of one event-loop turn into one: the runtime hands over each frame of a read by itself,
 * and a system call per frame costs more than everything else. One buffer for all, because the frames of one connection come in a row.
 */

export interface StageOwner {
  /** Takes the bytes before it returns: they are overwritten afterwards. */
  write(bytes: Uint8Array): void;
}

export interface Stage {
  add(owner: StageOwner, bytes: Uint8Array): void;
  /** Hands over what `owner` has here, now. */
  flush(owner: StageOwner): void;
}

/** As much as the runtime reads at once. */
const STAGE_BYTES = 512 * 1024;

export function createStage(): Stage {
  const buffer = new Uint8Array(STAGE_BYTES);
  let owner: StageOwner | undefined;
  let used = 0;
  let isDue = false;

  function handOver(): void {
    const [to, bytes] = [owner, buffer.subarray(0, used)];
    owner = undefined;
    used = 0;
    to?.write(bytes);
  }

  // setImmediate runs after all frames of this turn; a microtask would run after each of them.
  function endTurn(): void {
    isDue = false;
    handOver();
  }

  return {
    add(from, bytes) {
      if ((owner !== undefined && owner !== from) || used + bytes.length > STAGE_BYTES) handOver();
      if (bytes.length >= STAGE_BYTES) {
        from.write(bytes);
        return;
      }
      owner = from;
      buffer.set(bytes, used);
      used += bytes.length;
      if (!isDue) setImmediate(endTurn);
      isDue = true;
    },
    flush(of) {
      if (owner === of) handOver();
    },
  };
}
