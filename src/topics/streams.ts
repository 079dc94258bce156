/**
 * The readers of a route's topics over HTTP: event streams, under the same policy, bound and positions as WebSocket readers.
 * A reader comes back with `Last-Event-ID` (a browser does so by itself) or `?since=`; what the history no longer holds is an
 * `event: gap` whose id is the position from which the stream goes on.
 * Each takes a place, like a connection. Failure: an engine that is down refuses the request; later it ends the stream.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Data } from "../connection.ts";
import { createHeartbeat } from "../heartbeat.ts";
import type { Door, Place } from "../limits/door.ts";
import type { Log, LogFields } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import { refusal } from "../refusals.ts";
import type { AdmitRequest, HttpAnswer } from "../route.ts";
import { encodeEvent } from "../wire/sse.ts";
import type { Gap } from "../wire/v1.ts";
import { createEventStream, EVENT_STREAM_TIMEOUT_S, type EventStream } from "./event-stream.ts";
import type { Entry, Hub } from "./hub.ts";
import { fromOf } from "./path.ts";
import type { Reader } from "./place.ts";
import { forbiddenRefusal, readLacks, sinceFor } from "./rights.ts";

export interface TopicStreamsOptions {
  readonly route: string;
  readonly hub: Hub;
  readonly counters: RouteCounters;
  readonly door: Door;
  readonly clock: Clock;
  readonly log: Log;
  readonly stallTimeout: number;
  /** Bytes that may wait for a reader. */
  readonly highWater: number;
}

export interface TopicStreams {
  /** Where it begins is for the request to say. */
  open(topic: string, request: AdmitRequest): Promise<HttpAnswer>;
  readonly count: number;
  endAll(): void;
}

/** The last event of a stream whose reader may read no more. One that comes again as it did is answered with 401, and a browser then stops. */
const UNAUTHORIZED = encodeEvent({
  event: "end",
  data: JSON.stringify({
    code: "unauthorized",
    message: "the token has expired or was revoked; come back with a new one",
  }),
});

/** A comment so often keeps proxies from cutting an idle stream. */
const COMMENT_MS = 15_000;

export function createTopicStreams(options: TopicStreamsOptions): TopicStreams {
  const { route, hub, counters, door, clock, log } = options;
  const streams = new Set<EventStream>();
  const releases = new Set<Timer>();
  const heartbeat = createHeartbeat(clock, { ping: COMMENT_MS, pong: 0, stall: options.stallTimeout });
  let count = 0;

  /** A descriptor that may still be held must not be given to the next. */
  function releaseLater(place: Place): void {
    const timer = clock.after(EVENT_STREAM_TIMEOUT_S * 1000, () => {
      releases.delete(timer);
      place.leave();
    });
    releases.add(timer);
  }

  function create(place: Place, fields: LogFields, onDrain: () => void, onGone: () => void): EventStream {
    const stream = createEventStream({
      highWater: options.highWater,
      onDrain,
      onGone(reason, isCut) {
        onGone();
        heartbeat.remove(stream);
        streams.delete(stream);
        counters.streams -= 1;
        if (isCut) releaseLater(place);
        else place.leave();
        log.info({ ...fields, reason }, "goodbye");
      },
    });
    place.holder = stream;
    streams.add(stream);
    heartbeat.add(stream);
    counters.streams += 1;
    return stream;
  }

  function readerOf(id: string, stream: EventStream): Reader {
    return {
      id,
      format: "plain",
      send({ epoch, offset, data, size }) {
        counters.sent += 1;
        counters.sentBytes += size;
        stream.write(encodeEvent({ id: { epoch, offset }, data: textOf(data) }));
      },
      gap: (gap) => stream.write(gapEvent(gap)),
      buffered: stream.buffered,
      close: stream.terminate,
    };
  }

  return {
    async open(topic, request) {
      const { headers, query, remoteAddress: ip, may } = request;
      const asked = fromOf(query, headers.get("last-event-id"));
      if (typeof asked === "string") return refusal("bad_request", asked);
      const denied = forbiddenRefusal(readLacks(may, { topic, last: asked.last }));
      if (denied !== undefined) return denied;
      const from = { ...asked, since: sinceFor(may, topic, asked.since) };
      const entered = door.enter(request);
      if ("refusal" in entered) return entered.refusal;
      count += 1;
      const id = `${route} stream ${count}`;
      const fields = { conn: id, route, topic };
      // The runtime may ask for more before the hub has answered.
      let entry: Entry | undefined;
      let letGo = () => {};
      const stream = create(
        entered.place,
        fields,
        () => entry?.drain(),
        () => {
          entry?.leave();
          letGo();
        },
      );
      entry = hub.enter(topic, readerOf(id, stream));
      letGo = request.held(() => stream.end("its token counts no longer", UNAUTHORIZED));
      log.info({ ...fields, ip }, "connected");
      const start = await entry.begin(from);
      if ("code" in start) {
        stream.end(start.text);
        return refusal("engine_down");
      }
      // Some bytes at once: the runtime sends the head with the first of them.
      stream.ping();
      if (start.recovered === false) {
        const reason = from.since?.epoch === start.epoch ? "expired" : "epoch";
        stream.write(gapEvent({ topic, ...start, reason }));
      }
      entry.go();
      return stream.response;
    },
    get count() {
      return streams.size;
    },
    endAll() {
      for (const stream of streams) stream.end("service restart");
      for (const timer of releases) timer.cancel();
    },
  };
}

/** Its id is where the stream goes on: after a gap with an end, there; else where the topic stands. */
function gapEvent(gap: Gap & { readonly count?: number }): string {
  const { topic, epoch, offset, from, to, latest, reason, count = 0 } = gap;
  const id = { epoch, offset: latest ? (from ?? 1) - 1 : (to ?? offset - count) };
  return encodeEvent({
    id,
    event: "gap",
    data: JSON.stringify({ topic, epoch, offset, from, to, latest, reason }),
  });
}

/** An event stream carries text only, so binary stands in it as JSON: `{"base64"}`. */
function textOf(data: Data): string {
  return typeof data === "string" ? data : JSON.stringify({ base64: data.toBase64() });
}
