/**
 * bridge: a WebSocket joined to a TCP connection, byte for byte. The target is dialled before the upgrade is answered, so a client
 * that gets its 101 has its service. Clients never name an address.
 * Limits: `dialTimeout`, `dialPending`, `maxMessage`, `maxLine`, `slow.highWater`, `stallTimeout`. Failure: 502, 503, 504 before the
 * upgrade, 1014 after it.
 */
import type { Clock } from "../clock.ts";
import type { BridgeOptions } from "../config/schema.ts";
import type { Connection, Data } from "../connection.ts";
import { createDialer, type DialFailure, parseTarget, type Upstream } from "../dial.ts";
import type { Capacity } from "../limits.ts";
import type { Log } from "../log.ts";
import { Pipe } from "../pipe.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Route } from "../route.ts";
import { createStage } from "../stage.ts";
import { createLineUnframer, createTextUnframer, frameLine, type Unframer } from "../wire/framing.ts";

export interface BridgeDeps {
  readonly options: BridgeOptions;
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly log: Log;
  /** The route's path, for the log. */
  readonly route: string;
}

const REFUSALS: Record<DialFailure, RefusalCode> = {
  refused: "upstream_refused",
  timeout: "upstream_timeout",
  busy: "upstream_busy",
  full: "full",
  aborted: "bad_request",
};

/** What noVNC and websockify's clients offer. */
const BINARY = "binary";

export function createBridge({ options, capacity, clock, log, route }: BridgeDeps): Route {
  const dialer = createDialer({
    target: parseTarget(options.target),
    timeout: options.dialTimeout,
    maxPending: options.dialPending,
    capacity,
    clock,
  });
  const stage = createStage();
  const accepted = [BINARY, ...options.subprotocols];
  const upstreams = new Set<Upstream>();

  function createPipe(upstream: Upstream): Pipe {
    upstreams.add(upstream);
    return new Pipe(upstream, {
      clock,
      stage,
      unframer: unframerOf(options),
      highWater: options.slow.highWater,
      halfCloseTimeout: options.halfCloseTimeout,
      stallTimeout: options.stallTimeout,
      onEnd: () => upstreams.delete(upstream),
    });
  }

  async function admit({ protocols, signal, remoteAddress }: AdmitRequest): Promise<Admission> {
    const dialed = await dialer.dial(signal);
    if ("failure" in dialed) {
      const { failure, detail } = dialed;
      log.warn(
        { route, target: options.target, reason: failure, detail, ip: remoteAddress },
        "! upstream: no connection",
      );
      return { refusal: refusal(REFUSALS[failure]) };
    }
    const { upstream } = dialed;
    const protocol = protocols.find((name) => accepted.includes(name));
    const release = () => upstream.terminate();
    return {
      admitted: { state: createPipe(upstream), release, ...(protocol === undefined ? {} : { protocol }) },
    };
  }

  return {
    kind: "bridge",
    admit,
    open(connection: Connection<Pipe>) {
      connection.state.open(connection);
    },
    message(connection: Connection<Pipe>, data) {
      const bytes = bytesOf(data);
      const framed = options.framing === "lines" ? frameLine(bytes) : bytes;
      if (framed === undefined)
        connection.close(1007, "a message is one line, but this one contains a line feed");
      else connection.state.receive(framed);
    },
    drain(connection: Connection<Pipe>) {
      connection.state.drainClient();
    },
    close({ state }: Connection<Pipe>) {
      state.closeClient();
    },
    finish({ state }: Connection<Pipe>, code, reason) {
      state.finish(code, reason);
    },
    describe: () => ({ target: options.target }),
    stats: () => ({ upstreams: upstreams.size, dialing: dialer.pending }),
    async dispose() {
      for (const upstream of upstreams) upstream.terminate();
    },
  };
}

function unframerOf({ framing, maxLine }: BridgeOptions): Unframer | undefined {
  if (framing === "bytes") return undefined;
  return framing === "text" ? createTextUnframer() : createLineUnframer(maxLine);
}

function bytesOf(data: Data): Uint8Array {
  return typeof data === "string" ? Buffer.from(data) : data;
}
