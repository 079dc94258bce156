/**
 * The streams of a route by their sid, those whose client is away among them: these wait for `window`, and at most `max` of them.
 * A sid is 128 random bits and is known here by its digest only: how long a look takes says nothing of the sids there are, and nobody
 * reads one in our memory. It serves the user who opened the stream, and nobody else.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Clock, Timer } from "../clock.ts";
import { ACK_MS } from "../wire/bridge-frames.ts";
import type { KeptStream, StreamKeeper } from "./kept-stream.ts";

export interface ResumeTableOptions {
  /** Milliseconds that a stream waits for its client; 0 = however long. */
  readonly window: number;
  /** Streams that may wait; 0 = any number. */
  readonly max: number;
  readonly clock: Clock;
  /** The stream that waited longest gave way, because `max` others do. */
  onCrowded(waiting: number): void;
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

export function createResumeTable({ window, max, clock, onCrowded }: ResumeTableOptions): ResumeTable {
  const byKey = new Map<string, Place>();
  const places = new Map<KeptStream, Place>();
  /** In the order in which their clients were lost. */
  const parked = new Map<KeptStream, Timer | undefined>();
  let visits: Timer | undefined;

  function visitAll(): void {
    const now = clock.now();
    for (const stream of places.keys()) stream.visit(now);
  }

  function unpark(stream: KeptStream): void {
    parked.get(stream)?.cancel();
    parked.delete(stream);
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
      const [oldest] = parked.keys();
      parked.set(stream, window > 0 ? clock.after(window, () => stream.abandon()) : undefined);
      if (max === 0 || parked.size <= max) return;
      onCrowded(max);
      (oldest ?? stream).abandon();
    },
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
