/**
 * The streams of a route by their sid, those whose client is away among them: these wait for `window`, at most `max` of them with `total`
 * bytes of memory together.
 * A sid is 128 random bits and is known here by its digest only: how long a look takes says nothing of the sids there are, and nobody
 * reads one in our memory. It serves the user who opened the stream, and nobody else.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import { ACK_MS } from "../../wire/bridge-frames.ts";
import type { KeptStream, StreamKeeper } from "./kept-stream.ts";

export interface ResumeTableOptions {
  /** Milliseconds that a stream waits for its client; 0 = however long. */
  readonly window: number;
  /** Streams that may wait; 0 = any number. */
  readonly max: number;
  /** Bytes of memory for all that wait; 0 = any number. */
  readonly total: number;
  readonly clock: Clock;
  /** The stream that waited longest gave way to so many others, and the bytes of these. */
  onCrowded(waiting: number, bytes: number): void;
}

export interface ResumeTable extends StreamKeeper {
  /** Undefined: nobody knows this sid, or not for this user. */
  find(sid: string, user: string | null): KeptStream | undefined;
  readonly size: number;
  readonly parked: number;
  /** Every stream ends. */
  dispose(): void;
}

const SID_BYTES = 16;
/** An ACK that is due waits for a visit, so two visits lie within the time it may take. */
const VISIT_MS = ACK_MS / 2;

interface Place {
  readonly key: string;
  readonly user: string | null;
  readonly stream: KeptStream;
}

interface Wait {
  readonly timer: Timer | undefined;
  /** The stream's footprint when it was weighed last. */
  bytes: number;
}

export function createResumeTable(options: ResumeTableOptions): ResumeTable {
  const { window, max, total, clock, onCrowded } = options;
  const byKey = new Map<string, Place>();
  const places = new Map<KeptStream, Place>();
  /** In the order in which their clients were lost. */
  const parked = new Map<KeptStream, Wait>();
  /** Of all that are parked. */
  let bytes = 0;
  let visits: Timer | undefined;

  function visitAll(): void {
    const now = clock.now();
    for (const stream of places.keys()) {
      stream.visit(now);
      // It may have given memory back.
      weigh(stream);
    }
  }

  function unpark(stream: KeptStream): void {
    const wait = parked.get(stream);
    wait?.timer?.cancel();
    bytes -= wait?.bytes ?? 0;
    parked.delete(stream);
  }

  function weigh(stream: KeptStream): void {
    const wait = parked.get(stream);
    if (wait === undefined) return;
    const { footprint } = stream;
    bytes += footprint - wait.bytes;
    wait.bytes = footprint;
    for (const oldest of parked.keys()) {
      if (!isCrowded()) return;
      oldest.expire();
      onCrowded(parked.size, bytes);
    }
  }

  function isCrowded(): boolean {
    return (max > 0 && parked.size > max) || (total > 0 && bytes > total);
  }

  return {
    enter(stream, user) {
      const sid = randomBytes(SID_BYTES).toString("base64url");
      const place = { key: keyOf(sid), user, stream };
      byKey.set(place.key, place);
      places.set(stream, place);
      visits ??= clock.every(VISIT_MS, visitAll);
      return sid;
    },
    find(sid, user) {
      const place = byKey.get(keyOf(sid));
      return place?.user === user ? place.stream : undefined;
    },
    park(stream) {
      const timer = window > 0 ? clock.after(window, () => stream.expire()) : undefined;
      parked.set(stream, { timer, bytes: 0 });
      weigh(stream);
    },
    weigh,
    unpark,
    forget(stream) {
      unpark(stream);
      byKey.delete(places.get(stream)?.key ?? "");
      places.delete(stream);
      if (places.size > 0) return;
      visits?.cancel();
      visits = undefined;
    },
    get size() {
      return places.size;
    },
    get parked() {
      return parked.size;
    },
    dispose() {
      for (const stream of [...places.keys()]) stream.abandon();
    },
  };
}

function keyOf(sid: string): string {
  return createHash("sha256").update(sid).digest("base64");
}
