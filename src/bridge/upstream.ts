/**
 * Contract: the far end of a bridge, a service's connection or a program, as the pipe sees it. `connect.ts` makes them; Bun's own TCP socket
 * is one as it is, so that the common case costs nothing.
 */

/** What becomes of an upstream's bytes and end. Set by whoever takes the upstream over; until then it is not read. */
export interface UpstreamHandler {
  /** The chunk is the handler's own. */
  data(chunk: Buffer): void;
  /** There may be room for a write again; also called for nothing. */
  drain(): void;
  /** The target sent FIN; what we write still reaches it. */
  end(): void;
  /** Once, and last. `error`: it was reset or broke. */
  close(error: Error | undefined): void;
}

export interface UpstreamSlot {
  handler: UpstreamHandler | undefined;
  /** What logs call the target. */
  readonly target: string;
  /** Gives back the descriptors. */
  readonly release: () => void;
  /** The handler threw, which is a defect of ours. Nobody else would hear of it. */
  readonly failed: (error: unknown) => void;
}

export interface Upstream {
  readonly data: UpstreamSlot;
  /** The number of bytes taken, before it returns; `drain` follows when that is not all. Below 0: nothing is taken any more. */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** FIN: nothing more will be written. */
  shutdown(): void;
  /** Closes both ways and lets the system deliver what was written. `close` MAY run inside. */
  end(): void;
  /** Closes both ways and throws away what is under way, with a reset where there is one. */
  terminate(): void;
}
