/**
 * bridge: a WebSocket joined to a TCP connection, byte for byte. The target is dialled before the upgrade is answered, so a client
 * that gets its 101 has its service. Which service that is, `bridge/targets.ts` says.
 * Limits: `dialTimeout`, `dialPending`, `maxMessage`, `maxLine`, `slow.highWater`, `stallTimeout`. Failure: 502, 503, 504 before the
 * upgrade, 1014 after it.
 */

import type { Resolve } from "../bridge/allowed.ts";
import { createDialer, type DialFailure } from "../bridge/dial.ts";
import { Pipe } from "../bridge/pipe.ts";
import { createStage } from "../bridge/stage.ts";
import { createChooser } from "../bridge/targets.ts";
import type { Upstream } from "../bridge/upstream.ts";
import type { Clock } from "../clock.ts";
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import type { Connection, Data } from "../connection.ts";
import type { Capacity } from "../limits.ts";
import type { Log } from "../log.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Route } from "../route.ts";
import { createLineUnframer, createTextUnframer, frameLine, type Unframer } from "../wire/framing.ts";

export interface BridgeDeps {
  readonly options: BridgeOptions;
  readonly capacity: Capacity;
  readonly clock: Clock;
  readonly log: Log;
  /** The route's path, for the log. */
  readonly route: string;
  /** Default: as the system resolves names. */
  readonly resolve?: Resolve;
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
/** Milliseconds for targets to answer our FIN at the end: one that still sends would be reset, with what is on its way to it. */
const FAREWELL_MS = 1_000;

export function createBridge({ options, capacity, clock, log, route, resolve }: BridgeDeps): Route {
  const chooser = createChooser({ options, route, clock, log, resolve });
  const dialer = createDialer({
    timeout: options.dialTimeout,
    maxPending: options.dialPending,
    capacity,
    clock,
  });
  const stage = createStage();
  const accepted = [BINARY, ...options.subprotocols];
  const upstreams = new Set<Upstream>();
  let onEmpty = () => {};

  function createPipe(upstream: Upstream): Pipe {
    upstreams.add(upstream);
    return new Pipe(upstream, {
      clock,
      stage,
      unframer: unframerOf(options),
      highWater: options.slow.highWater,
      halfCloseTimeout: options.halfCloseTimeout,
      stallTimeout: options.stallTimeout,
      onEnd() {
        upstreams.delete(upstream);
        if (upstreams.size === 0) onEmpty();
      },
    });
  }

  /** Resolves when no upstream is left, at the latest after FAREWELL_MS. */
  function emptied(): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(FAREWELL_MS, resolve);
      onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async function admit(request: AdmitRequest): Promise<Admission> {
    const { protocols, signal, remoteAddress: ip } = request;
    const chosen = chooser.choose(request);
    const choice = chosen instanceof Promise ? await chosen : chosen;
    if ("refusal" in choice) return choice;
    const dialed = await dialer.dial(choice.target, signal);
    if ("failure" in dialed) {
      const { failure, detail } = dialed;
      // A client that goes away says nothing of the target.
      const level = failure === "aborted" ? "debug" : "warn";
      const { label: target } = choice.target;
      log[level]({ route, target, reason: failure, detail, ip }, "! upstream: no connection");
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
    describe: ({ state }: Connection<Pipe>) => ({ target: state.target }),
    stats: () => ({ upstreams: upstreams.size, dialing: dialer.pending }),
    async dispose() {
      if (upstreams.size > 0) await emptied();
      for (const upstream of upstreams) upstream.end();
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
