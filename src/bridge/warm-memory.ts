/** Memory of the target's large reads, given back before the collector finds it. */

/** A read of this size sits in memory of its own, which is worth giving back early; for smaller ones the look costs more. */
const LARGE_CHUNK = 64 * 1024;

/** The bytes were sent or copied by now. Detached, their warm memory serves the next read. */
export function giveBack(chunk: Buffer): void {
  if (chunk.length >= LARGE_CHUNK && ownsMemory(chunk)) chunk.buffer.transfer(0);
}

/** A part of a larger block must not be detached: the block serves others too. */
function ownsMemory(chunk: Buffer): chunk is Buffer<ArrayBuffer> {
  return chunk.buffer instanceof ArrayBuffer && chunk.byteLength === chunk.buffer.byteLength;
}
