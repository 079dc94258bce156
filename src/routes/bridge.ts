/**
 * bridge: a WebSocket joined to a TCP connection, byte for byte. The target is dialled before the upgrade is answered, so a client
 * that gets its 101 has its service. Which service that is, `bridge/targets.ts` says. One that speaks `fairlead.bridge.v1` has a stream
 * instead of a pipe, and may come back to it.
 * Limits: `dialTimeout`, `dialPending`, `maxMessage`, `maxLine`, `slow.highWater`, `stallTimeout`, `resume`. Failure: 502, 503, 504 before
 * the upgrade, 1014 after it.
 */

import { createConnect } from "../bridge/dial/connect.ts";
import { createDialer, type Dialed, type Dialer, type DialFailure } from "../bridge/dial.ts";
import type { BridgeEnd } from "../bridge/end.ts";
import { Pipe } from "../bridge/pipe.ts";
import { recorded } from "../bridge/recorded.ts";
import { asksElsewhere, isOfSshForm, SSH_PATHS } from "../bridge/resume/request.ts";
import { createStreams } from "../bridge/resume.ts";
import { createStage } from "../bridge/stage.ts";
import type { Resolve } from "../bridge/targets/allowed.ts";
import { createChooser } from "../bridge/targets.ts";
import type { Upstream } from "../bridge/upstream.ts";
import type { Clock } from "../clock.ts";
import type { Cluster } from "../cluster.ts";
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import type { Target } from "../config/target.ts";
import type { Connection } from "../connection.ts";
import type { Capacity } from "../limits.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import { recordingsOf } from "../recording/recorder.ts";
import { type RefusalCode, refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Route } from "../route.ts";
import { SSH_PROTOCOL } from "../wire/bridge-frames.ts";
import { createLineUnframer, createTextUnframer, frameLine, type Unframer } from "../wire/framing.ts";

export interface BridgeDeps {
  readonly options: BridgeOptions;
  readonly counters: RouteCounters;
  readonly capacity: Capacity;
  readonly clock: Clock;
  /** The nodes that share an engine; undefined: there is this one only. */
  readonly cluster?: Pick<Cluster, "self" | "find"> | undefined;
  readonly log: Log;
  /** The route's path, for the log. */
  readonly route: string;
  /** Default: by DNS and the system's file of hosts. */
  readonly resolve?: Resolve;
}

const REFUSALS: Record<DialFailure, RefusalCode> = {
  refused: "upstream_refused",
  untrusted: "upstream_refused",
  timeout: "upstream_timeout",
  busy: "upstream_busy",
  full: "full",
  aborted: "bad_request",
};

/** A path of the SSH form, asked for by a client that does not offer it: its bytes would reach the target as they are. */
const WANTS_SSH: Admission = {
  refusal: refusal("bad_request", `this path is for the subprotocol ${SSH_PROTOCOL}; offer it`),
};

/** What noVNC and websockify's clients offer. */
const BINARY = "binary";
/** Milliseconds for targets to answer our FIN at the end: one that still sends would be reset, with what is on its way to it. */
const FAREWELL_MS = 1_000;

export function createBridge(deps: BridgeDeps): Route {
  const { options, counters, capacity, clock, cluster, log, route, resolve } = deps;
  const chooser = createChooser({ options, route, clock, log, resolve });
  const dialer = dialerOf(deps);
  const stage = createStage();
  const upstreams = createUpstreams(clock);
  const streams = createStreams({
    options,
    counters,
    capacity,
    clock,
    stage,
    leave,
    gone: upstreams.gone,
    cluster,
    log,
    route,
    named: chooser.named,
    lacks: chooser.lacks,
    onCrowded: (waiting, bytes) => log.warn({ route, waiting, bytes }, "! a waiting stream gave way"),
  });
  const recordings = recordingsOf(options.record, { route, counters, clock, log });
  const speaksSsh = streams.forms.has(SSH_PROTOCOL);
  const accepted = [...streams.forms.keys(), BINARY, ...options.subprotocols];

  function createPipe(upstream: Upstream): Pipe {
    return new Pipe(upstream, {
      clock,
      stage,
      frame: options.framing === "lines" ? frameLine : undefined,
      unframer: unframerOf(options),
      highWater: options.slow.highWater,
      halfCloseTimeout: options.halfCloseTimeout,
      stallTimeout: options.stallTimeout,
      onEnd: () => upstreams.gone(upstream),
    });
  }

  /** A stream's upstream ends as that of a pipe whose client is gone. */
  function leave(upstream: Upstream, left: Iterable<Uint8Array>): void {
    const pipe = createPipe(upstream);
    for (const bytes of left) pipe.write(bytes);
    pipe.closeClient();
  }

  async function admit(request: AdmitRequest): Promise<Admission> {
    const { protocols, remoteAddress: ip } = request;
    const protocol = protocols.find((name) => accepted.includes(name));
    const spoken = protocol === undefined ? {} : { protocol };
    const form = streams.forms.get(protocol ?? "");
    if (form === undefined && speaksSsh && isOfSshForm(request.path)) return WANTS_SSH;
    const returning = form && streams.resume(request, form);
    if (returning !== undefined) return { admitted: { state: await returning, ...spoken } };
    const chosen = chooser.choose(request);
    const choice = chosen instanceof Promise ? await chosen : chosen;
    if ("refusal" in choice) return choice;
    // Where a client may ask, the chooser has seen to it.
    if (options.allow === undefined && asksElsewhere(request, choice.target))
      return { refusal: refusal("target_forbidden") };
    const dialed = await dialer.dial(choice.target, request);
    if ("failure" in dialed) return unreachable(deps, choice.target, dialed, ip);
    const tape = recordings && recorded(dialed.upstream, recordings);
    const upstream = tape?.upstream ?? dialed.upstream;
    upstreams.add(upstream);
    const end = form === undefined ? createPipe(upstream) : streams.create(upstream, form, choice.name);
    const state = tape?.before(end) ?? end;
    return { admitted: { state, release: () => upstream.terminate(), ...spoken } };
  }

  return {
    kind: "bridge",
    paths: speaksSsh ? Object.values(SSH_PATHS) : [],
    admit,
    open(connection: Connection<BridgeEnd>) {
      connection.state.open(connection);
    },
    message({ state }: Connection<BridgeEnd>, data) {
      state.receive(data);
    },
    drain({ state }: Connection<BridgeEnd>) {
      state.drainClient();
    },
    close(connection: Connection<BridgeEnd>, info) {
      connection.state.closeClient(connection, info);
    },
    finish({ state }: Connection<BridgeEnd>, code, reason) {
      state.finish(code, reason);
    },
    revoked: (counts) => streams.revoked(counts),
    describe: ({ state }: Connection<BridgeEnd>) => describe(state),
    stats: () => ({ upstreams: upstreams.size, dialing: dialer.pending, ...streams.stats() }),
    async dispose() {
      chooser.dispose();
      streams.dispose();
      await upstreams.end();
      await recordings?.dispose();
    },
  };
}

function dialerOf({ options, capacity, clock, log, route }: BridgeDeps): Dialer {
  return createDialer({
    timeout: options.dialTimeout,
    maxPending: options.dialPending,
    capacity,
    clock,
    connect: createConnect({ ...options, route, clock, log }),
    onBug: (err, target) => log.error({ route, target, err }, "! a hook of the bridge threw"),
  });
}

/** A client that goes away says nothing of the target. */
function unreachable(
  { log, route }: BridgeDeps,
  { label: target }: Target,
  { failure: reason, detail }: Extract<Dialed, { failure: DialFailure }>,
  ip: string,
): Admission {
  const level = reason === "aborted" ? "debug" : "warn";
  log[level]({ route, target, reason, detail, ip }, "! upstream: no connection");
  return { refusal: refusal(REFUSALS[reason]) };
}

function describe({ target, stream }: BridgeEnd): Readonly<Record<string, string>> {
  return { ...(target !== "" && { target }), ...(stream !== undefined && { stream }) };
}

/** The far ends of all clients, those among them whose client is gone. */
function createUpstreams(clock: Clock) {
  const all = new Set<Upstream>();
  let onEmpty = () => {};

  /** Resolves when none is left, at the latest after FAREWELL_MS. */
  function emptied(): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(FAREWELL_MS, resolve);
      onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  return {
    get size() {
      return all.size;
    },
    add: (upstream: Upstream) => void all.add(upstream),
    gone(upstream: Upstream): void {
      all.delete(upstream);
      if (all.size === 0) onEmpty();
    },
    async end(): Promise<void> {
      if (all.size > 0) await emptied();
      for (const upstream of all) upstream.end();
      // A program may take its time, but not the gateway's.
      if (all.size > 0) await emptied();
      for (const upstream of all) upstream.terminate();
    },
  };
}

function unframerOf({ framing, maxLine }: BridgeOptions): Unframer | undefined {
  if (framing === "bytes") return undefined;
  return framing === "text" ? createTextUnframer() : createLineUnframer(maxLine);
}
