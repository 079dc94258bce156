/**
 * Streams of one bridge over fake upstreams and fake connections, with a clock that the test moves. A client here says and hears frames;
 * it does nothing by itself.
 */

import type { BridgeEnd } from "../../../src/bridge/end.ts";
import { BRIDGE_FORM, type StreamForm } from "../../../src/bridge/resume/stream-form.ts";
import { createStreams } from "../../../src/bridge/resume.ts";
import { createStage } from "../../../src/bridge/stage.ts";
import type { Upstream } from "../../../src/bridge/upstream.ts";
import { createRouteCounters } from "../../../src/metrics.ts";
import type { AdmitRequest, Route } from "../../../src/route.ts";
import * as frames from "../../../src/wire/bridge-frames.ts";
import { testClock } from "../../clock.ts";
import type { FakeCluster } from "../../fake-cluster.ts";
import { type FakeConnection, openFake } from "../../fake-connection.ts";
import { memoryLog } from "../../gateway.ts";
import { OPEN_REQUEST } from "../../open-access.ts";
import { type FakeUpstream, fakeUpstream } from "../fake-upstream.ts";

export interface HouseOptions {
  readonly window?: number;
  readonly buffer?: number;
  readonly streams?: number;
  readonly total?: number;
  readonly stallTimeout?: number;
  readonly form?: StreamForm;
  /** Descriptors of the gateway; 0 = no cap. */
  readonly max?: number;
  readonly cluster?: FakeCluster;
  /** Absent: what the request asks for has no name. */
  readonly named?: string;
}

type Before = (connection: FakeConnection) => void;

export interface ResumeOptions {
  readonly user?: string | null;
  readonly as?: StreamForm;
  readonly before?: Before;
}

/** What one client has heard since the last time it was asked. */
export interface Heard {
  readonly sid?: string;
  /** Of RECONNECT_SUCCESS. */
  readonly reconnected?: number;
  readonly bytes: string;
  readonly halfClosed: boolean;
  /** Of the last ACK. */
  readonly ack?: number;
}

export interface StreamClient {
  readonly connection: FakeConnection;
  /** The code that it was closed with. */
  readonly code: number | undefined;
  data(text: string | Uint8Array): void;
  halfClose(): void;
  ack(count: number): void;
  raw(frame: string | Uint8Array): void;
  hear(): Heard;
}

const bytesOf = (text: string | Uint8Array) =>
  typeof text === "string" ? Buffer.from(text, "latin1") : text;

/** `lacking`: why whoever comes back may not be led to a name any more. */
export function streamHouse(
  options: HouseOptions = {},
  lacking: (name: string) => string | undefined = () => undefined,
) {
  const { form = BRIDGE_FORM, stallTimeout = 300_000, max = 0, cluster, named, ...resume } = options;
  const [clock, stage] = [testClock(), createStage()];
  const counters = createRouteCounters("/bridge", "bridge");
  const gone: Upstream[] = [];
  const log = memoryLog();
  let crowded = 0;
  const streams = createStreams({
    options: {
      resume: {
        enabled: true,
        ssh: true,
        window: 60_000,
        buffer: 1024 * 1024,
        streams: 1000,
        total: 0,
        ...resume,
      },
      stallTimeout,
      maxMessage: 0,
    },
    counters,
    capacity: { max },
    clock,
    cluster,
    log,
    route: "/bridge",
    named: () => named,
    stage,
    // What the route does with a pipe, in short.
    leave(upstream, left) {
      for (const bytes of left) upstream.write(bytes);
      upstream.data.handler = { data() {}, drain() {}, end() {}, close() {} };
      upstream.shutdown();
    },
    gone: (upstream) => gone.push(upstream),
    lacks: (_, name) => lacking(name),
    onCrowded: () => {
      crowded += 1;
    },
  });

  function enter(end: BridgeEnd, user: string | null, before: Before = () => {}): StreamClient {
    const route: Route = {
      kind: "bridge",
      open(connection) {
        before(connection as FakeConnection);
        end.open(connection);
      },
      message: (connection, data) => endOf(connection).receive(data),
      drain: (connection) => endOf(connection).drainClient(),
      close: (connection, info) => endOf(connection).closeClient(connection, info),
      stats: () => ({}),
      dispose: async () => undefined,
    };
    return clientOf(openFake(route, end, user), form);
  }

  return {
    clock,
    stage,
    streams,
    counters,
    gone,
    log,
    get crowded() {
      return crowded;
    },
    /** A new stream; its target's kernel takes `room` bytes at first, all by default. `before`: what happens until its client is there. */
    open(user: string | null = null, room?: number, before: (upstream: FakeUpstream) => void = () => {}) {
      const upstream = fakeUpstream(room);
      const end = streams.create(upstream, form, "target");
      before(upstream);
      const client = enter(end, user);
      return { upstream, end, client, sid: client.hear().sid ?? "" };
    },
    /** Another connection goes on with a stream. `before`: what becomes of it first. */
    resume(sid: string, ack: number | string, more: ResumeOptions = {}): StreamClient {
      const { user = null, as = form, before } = more;
      const query = new URLSearchParams({ sid, ack: String(ack) });
      const end = streams.resume({ ...REQUEST, query }, as);
      if (end === undefined) throw new Error("it asks for a new stream");
      if (end instanceof Promise) throw new Error("it is of another node: use resumeElsewhere");
      return enter(end, user, before);
    },
    /** A client comes back whose sid is one of another node. */
    async resumeElsewhere(sid: string, ack = 0, as = form): Promise<StreamClient> {
      const query = new URLSearchParams({ sid, ack: String(ack) });
      const end = streams.resume({ ...REQUEST, query }, as);
      if (!(end instanceof Promise)) throw new Error("it is of this node");
      return enter(await end, null);
    },
    /** The turn ends: what was said is with the targets. */
    async turn(): Promise<void> {
      await new Promise<void>((done) => setImmediate(done));
    },
  };
}

const REQUEST: AdmitRequest = {
  path: "/bridge",
  params: {},
  query: new URLSearchParams(),
  headers: new Headers(),
  remoteAddress: "127.0.0.1",
  remotePort: 4000,
  local: { address: "127.0.0.1", port: 8080 },
  ...OPEN_REQUEST,
  protocols: [],
  signal: new AbortController().signal,
};

function endOf(connection: { readonly state: unknown }): BridgeEnd {
  return connection.state as BridgeEnd;
}

function clientOf(connection: FakeConnection, { maxData }: StreamForm): StreamClient {
  return {
    connection,
    get code() {
      return connection.ended?.code;
    },
    data: (text) => connection.say(frames.dataFrame(bytesOf(text))),
    halfClose: () => connection.say(frames.dataFrame(new Uint8Array(0))),
    ack: (count) => connection.say(frames.ackFrame(count)),
    raw: (frame) => connection.say(frame),
    hear: () => heard(connection.take() as Uint8Array[], maxData),
  };
}

function heard(sent: readonly Uint8Array[], maxData: number): Heard {
  let all: Heard = { bytes: "", halfClosed: false };
  for (const frame of sent) {
    const read = frames.readFrame(frame, maxData);
    if (read === undefined || read.type === "bad") throw new Error(`the server said ${frame.join()}`);
    if (all.halfClosed && read.type === "data") throw new Error("DATA after the half-close");
    if (read.type === "connected") all = { ...all, sid: read.sid };
    else if (read.type === "reconnected") all = { ...all, reconnected: read.count };
    else if (read.type === "ack") all = { ...all, ack: read.count };
    else if (read.bytes.length === 0) all = { ...all, halfClosed: true };
    else all = { ...all, bytes: all.bytes + Buffer.from(read.bytes).toString("latin1") };
  }
  return all;
}
