/**
 * The streams of a route by their sid, those whose client is away among them: these wait for `window`, at most `max` of them with `total`
 * bytes of memory together. When it is more, whoever has left the most gives way (limits/shares.ts).
 * A sid is known here by its digest only: how long a look takes says nothing of the sids there are, and nobody reads one in our memory.
 * It serves the user who opened the stream, and nobody else.
 */
import { createHash } from "node:crypto";
import type { Clock, Timer } from "../../clock.ts";
import type { Identity } from "../../identity.ts";
import { holderOf } from "../../limits/holder.ts";
import { createShares } from "../../limits/shares.ts";
import { ACK_MS } from "../../wire/bridge-frames.ts";
import type { KeptStream, StreamKeeper } from "./kept-stream.ts";
import { newSid } from "./sid.ts";

export interface ResumeTableOptions {
  /** Milliseconds that a stream waits for its client; 0 = however long. */
  readonly window: number;
  /** Streams that may wait; 0 = any number. */
  readonly max: number;
  /** Bytes of memory for all that wait; 0 = any number. */
  readonly total: number;
  /** Id of this node, which its sids begin with; undefined: there is no other. */
  readonly node?: string | undefined;
  readonly clock: Clock;
  /** A stream gave way to so many others, and the bytes of these. */
  onCrowded(waiting: number, bytes: number): void;
}

export interface ResumeTable extends StreamKeeper {
  /** Undefined: nobody knows this sid, or not for this user. */
  find(sid: string, user: string | null): KeptStream | undefined;
  readonly size: number;
  readonly parked: number;
  /** Those that wait for somebody who counts no longer end. */
  revoked(counts: (identity: Identity) => boolean): void;
  /** Every stream ends. */
  dispose(): void;
}

/** An ACK that is due waits for a visit, so two visits lie within the time it may take. */
const VISIT_MS = ACK_MS / 2;

interface Place {
  readonly key: string;
  readonly user: string | null;
  readonly stream: KeptStream;
}

interface Wait {
  readonly timer: Timer | undefined;
  /** Of the client that has gone. */
  readonly identity: Identity;
}

export function createResumeTable(options: ResumeTableOptions): ResumeTable {
  const { window, max, total, node, clock, onCrowded } = options;
  const byKey = new Map<string, Place>();
  const places = new Map<KeptStream, Place>();
  const parked = new Map<KeptStream, Wait>();
  const shares = createShares<KeptStream>({ max, total });
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
    parked.get(stream)?.timer?.cancel();
    parked.delete(stream);
    shares.delete(stream);
  }

  function weigh(stream: KeptStream): void {
    shares.weigh(stream, stream.footprint);
    relieve();
  }

  function relieve(): void {
    for (let excess = shares.excess(); excess !== undefined; excess = shares.excess()) {
      unpark(excess);
      excess.expire();
      onCrowded(shares.count, shares.weight);
    }
  }

  return {
    enter(stream, user) {
      const sid = newSid(node);
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
    park(stream, from) {
      const timer = window > 0 ? clock.after(window, () => stream.expire()) : undefined;
      parked.set(stream, { timer, identity: from.identity });
      shares.add(stream, holderOf(from), stream.footprint);
      relieve();
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
    revoked(counts) {
      for (const [stream, { identity }] of [...parked]) if (counts(identity)) stream.expire();
    },
    dispose() {
      for (const stream of [...places.keys()]) stream.abandon();
    },
  };
}

function keyOf(sid: string): string {
  return createHash("sha256").update(sid).digest("base64");
}
