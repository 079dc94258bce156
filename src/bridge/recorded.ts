/**
 * Records the bytes of a bridge where they meet the target: what it took and what it said, whatever the client's framing is, and once,
 * however often a stream is resumed. The recording is named after the connection that opened it, so it begins with that.
 */
import type { Recorder, Recordings } from "../recording/recorder.ts";
import type { BridgeEnd } from "./end.ts";
import type { Upstream } from "./upstream.ts";

interface RecordedUpstream extends Upstream {
  recorder: Recorder | undefined;
  /** Nothing more is said. */
  isOver: boolean;
}

export interface Recorded {
  /** Instead of the one that was given. */
  readonly upstream: Upstream;
  /** What a connection is to have as its end in place of `end`, which takes over when it opens. */
  before(end: BridgeEnd): BridgeEnd;
}

export function recorded(inner: Upstream, recordings: Recordings): Recorded {
  const upstream = recordedUpstream(inner);
  return {
    upstream,
    before: (end) => ({
      target: end.target,
      open(connection) {
        connection.state = end;
        upstream.recorder = recordings.start({ conn: connection.id, target: end.target });
        if (upstream.isOver) upstream.recorder.end();
        end.open(connection);
      },
      receive() {},
      drainClient() {},
      closeClient() {},
      finish() {},
    }),
  };
}

function recordedUpstream(inner: Upstream): RecordedUpstream {
  const outer: RecordedUpstream = {
    recorder: undefined,
    isOver: false,
    data: { ...inner.data, handler: undefined },
    write(bytes) {
      const taken = inner.write(bytes);
      if (taken > 0) outer.recorder?.frame("in", bytes.subarray(0, taken));
      return taken;
    },
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    shutdown: () => inner.shutdown(),
    end: () => inner.end(),
    terminate: () => inner.terminate(),
  };
  inner.data.handler = {
    data(chunk) {
      // First, because the handler may give the chunk's memory away.
      outer.recorder?.frame("out", chunk);
      outer.data.handler?.data(chunk);
    },
    drain: () => outer.data.handler?.drain(),
    end: () => outer.data.handler?.end(),
    close(error) {
      outer.isOver = true;
      outer.recorder?.end();
      outer.data.handler?.close(error);
    },
  };
  return outer;
}
