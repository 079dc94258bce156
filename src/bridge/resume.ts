/**
 * Streams of one bridge, as the route sees them: which subprotocols open one, and who goes on with one.
 * Failure: all after the 101, so that a client in a browser sees it: 4500 for a request that cannot be one, 4510 for a stream that is
 * unknown, expired, another user's, or cannot be served from where the client stands; 3003 for a user who may not be led there any more;
 * where there are several nodes, what resume/elsewhere.ts says of a stream that another one has.
 */
import type { Clock } from "../clock.ts";
import type { Cluster } from "../cluster.ts";
import type { BridgeOptions } from "../config/kinds/bridge.ts";
import type { Connection } from "../connection.ts";
import type { Identity } from "../identity.ts";
import type { Capacity } from "../limits.ts";
import type { Log } from "../log.ts";
import type { RouteCounters } from "../metrics.ts";
import type { AdmitRequest, RouteStats } from "../route.ts";
import { DATA_HEADER, WINDOW_BYTES } from "../wire/bridge-frames.ts";
import { type BridgeEnd, refusedEnd } from "./end.ts";
import type { Ending } from "./ending.ts";
import { createElsewhere, type Elsewhere } from "./resume/elsewhere.ts";
import type { StreamHouse } from "./resume/kept-stream.ts";
import { readStreamRequest } from "./resume/request.ts";
import { ResumeStream } from "./resume/stream.ts";
import { BRIDGE_FORM, SSH_FORM, type StreamForm } from "./resume/stream-form.ts";
import { createResumeTable } from "./resume/table.ts";
import type { Upstream } from "./upstream.ts";

export interface Streams {
  /** By the subprotocol that opens one. */
  readonly forms: ReadonlyMap<string, StreamForm>;
  /** The end of a client that goes on with a stream, or is told why it cannot; undefined: it wants a new one. Never rejects. */
  resume(request: AdmitRequest, form: StreamForm): BridgeEnd | Promise<BridgeEnd> | undefined;
  /** A new stream over an upstream of its own. `name`: what the right was asked for. */
  create(upstream: Upstream, form: StreamForm, name: string): BridgeEnd;
  /** Of `Route.revoked`. */
  revoked(counts: (identity: Identity) => boolean): void;
  stats(): RouteStats;
  dispose(): void;
}

export interface StreamsDeps extends Omit<StreamHouse, "keeper" | "buffer" | "stallTimeout"> {
  readonly options: Pick<BridgeOptions, "resume" | "stallTimeout" | "maxMessage">;
  readonly counters: Pick<RouteCounters, "recoveries">;
  readonly capacity: Pick<Capacity, "max">;
  readonly clock: Clock;
  /** Undefined: there is no other node. */
  readonly cluster?: Pick<Cluster, "self" | "find"> | undefined;
  readonly log: Pick<Log, "warn">;
  /** The route's path, for the log. */
  readonly route: string;
  /** What the right to the target would be asked for, as far as the request says that; undefined: it does not. */
  named(request: AdmitRequest): string | undefined;
  /** Why somebody may not be led to what the bridge calls `name`; undefined: it may. */
  lacks(somebody: Pick<Connection, "identity" | "may">, name: string): string | undefined;
  /** A stream gave way to so many others, and the bytes of these. */
  onCrowded(waiting: number, bytes: number): void;
}

const LOST = "the stream is lost: unknown, expired, or not kept as far back as asked";

export function createStreams(deps: StreamsDeps): Streams {
  const { options, counters, capacity, clock, cluster, log, route, named, lacks, onCrowded, ...house } = deps;
  const { window, total, buffer } = options.resume;
  const max = maxParked(options.resume.streams, capacity.max);
  const table = createResumeTable({ window, max, total, node: cluster?.self, clock, onCrowded });
  const others = cluster && createElsewhere({ cluster, log, route });
  const shared: StreamHouse = {
    ...house,
    keeper: table,
    buffer: Math.min(buffer || WINDOW_BYTES, WINDOW_BYTES),
    stallTimeout: options.stallTimeout,
  };

  function goOn(connection: Connection, form: StreamForm, sid: string, ack: number): void {
    const stream = table.find(sid, connection.user);
    const isKnown = stream !== undefined && stream.form === form;
    const lacking = isKnown ? lacks(connection, stream.name) : undefined;
    if (lacking !== undefined) {
      connection.close(3003, lacking);
      return;
    }
    if (isKnown) connection.state = stream;
    const isBack = isKnown && stream.resume(connection, ack);
    counters.recoveries[isBack ? "recovered" : "lost"] += 1;
    if (!isBack) connection.close(4510, LOST);
  }

  /** The look happens when the connection is there: what another one still says until then counts. */
  function returning(form: StreamForm, sid: string, ack: number): BridgeEnd {
    return {
      ...refusedEnd(4510, LOST),
      open: (connection) => goOn(connection, form, sid, ack),
    };
  }

  function dismissed({ code, reason }: Ending): BridgeEnd {
    return {
      ...refusedEnd(code, reason),
      open(connection) {
        if (code === 4510) counters.recoveries.lost += 1;
        connection.close(code, reason);
      },
    };
  }

  /** Where a stream is, nobody learns who may not be led to what is asked for. */
  async function sentAway(request: AdmitRequest, others: Elsewhere, sid: string): Promise<BridgeEnd> {
    const name = named(request);
    const lacking = name === undefined ? undefined : lacks(request, name);
    return lacking === undefined ? dismissed(await others.answer(sid)) : refusedEnd(3003, lacking);
  }

  return {
    forms: new Map(formsOf(options).map((form) => [form.protocol, form])),
    resume(request, form) {
      const asked = readStreamRequest(request.path, request.query);
      if (asked.type === "new") return undefined;
      if (asked.type === "bad") return refusedEnd(4500, asked.reason);
      const { sid, ack } = asked;
      return others?.has(sid) ? sentAway(request, others, sid) : returning(form, sid, ack);
    },
    create: (upstream, form, name) => new ResumeStream(upstream, form, name, shared),
    revoked: (counts) => table.revoked(counts),
    stats: () => ({ resumable: table.size, parked: table.parked }),
    dispose: () => table.dispose(),
  };
}

/**
 * A client that is away holds a descriptor and pays nothing for it. So those who only come and go must not be able to fill the gateway:
 * they get a quarter of it.
 */
function maxParked(streams: number, descriptors: number): number {
  if (descriptors === 0) return streams;
  const share = Math.ceil(descriptors / 4);
  return streams === 0 ? share : Math.min(streams, share);
}

/** A form whose largest frame would be refused as a message is not offered at all. */
function formsOf({ resume: { enabled, ssh }, maxMessage }: StreamsDeps["options"]): StreamForm[] {
  const forms = [BRIDGE_FORM, ...(ssh ? [SSH_FORM] : [])];
  return forms.filter(({ maxData }) => enabled && (maxMessage === 0 || maxMessage >= maxData + DATA_HEADER));
}
