/**
 * Standard input and output, joined to one bridge, for programs that start a tunnel as their way to a host. stdout is data only.
 * Ends when the service has ended and was told all that stdin had by then: nothing could tell the program before stdin to stop.
 */
import type { Readable, Writable } from "node:stream";
import type { Bridge } from "../../client/bridge.ts";

/** Returns the exit code: 0 when it ended in order, or nobody reads stdout any more; 1 when it was not opened or is lost. */
export async function joinStdio(bridge: Bridge, input: Readable, output: Writable): Promise<0 | 1> {
  const hasEnded = new AbortController();
  void send(bridge, input, hasEnded.signal);
  try {
    for await (const bytes of bridge.readable) await put(output, bytes);
  } catch {
    // A bridge that failed says so in `closed`; a reader of stdout that went away has just ended the bridge.
  }
  hasEnded.abort();
  input.destroy();
  return bridge.closed.then(
    () => 0,
    () => 1,
  );
}

/** An input that breaks is not one that ends: the service must not take what it has for all. */
async function send({ writable }: Bridge, input: Readable, hasEnded: AbortSignal): Promise<void> {
  const writer = writable.getWriter();
  try {
    for await (const chunk of input) await writer.write(chunk);
  } catch (error) {
    if (!hasEnded.aborted) return void writer.abort(error);
  }
  // Where the bridge has failed, `closed` says so.
  await writer.close().catch(() => {});
}

/** Resolves when it is written. */
function put(output: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
