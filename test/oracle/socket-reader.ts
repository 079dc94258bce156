/**
 * A reader over real sockets, through a proxy of its own: over fairlead.v1, as a plain client, or as an event stream. It holds what it is
 * told against the log, over all its connections; the first thing that does not fit is kept as its `failure`.
 */
import type { Gap, Position, Start } from "../../src/wire/v1.ts";
import { PROTOCOL } from "../../src/wire/v1.ts";
import { checkStream, type StreamCheck, type TopicLog } from "../stream-check.ts";
import type { TcpProxy } from "../tcp-proxy.ts";

export type ReaderKind = "v1" | "plain" | "stream";

export interface SocketReader {
  readonly kind: ReaderKind;
  readonly proxy: TcpProxy;
  /** What it would go on from. */
  readonly at: Position | undefined;
  /** Numbers of the messages that a plain reader got on its present connection. */
  readonly numbers: readonly number[];
  readonly isOpen: boolean;
  readonly failure: unknown;
  readonly gaps: number;
  readonly got: number;
  /** Resolves when it reads, with where it began; undefined when the connection ended before. */
  connect(from: { since?: Position | undefined; last?: number | undefined }): Promise<Start | undefined>;
  leave(): void;
}

/** What is compared of a message: the number that it begins with, and its length. */
export const gist = (data: string) => `${Number.parseInt(data, 10)} of ${data.length}`;

type Frame = Readonly<Record<string, unknown>>;

export function createReader(
  kind: ReaderKind,
  proxy: TcpProxy,
  path: string,
  log: TopicLog,
  isWhole: boolean,
): SocketReader {
  let stream: StreamCheck | undefined;
  let numbers: number[] = [];
  let close: (() => void) | undefined;
  let failure: unknown;
  let [gaps, got] = [0, 0];

  const guarded = (run: () => void) => {
    try {
      run();
    } catch (error) {
      failure ??= error;
    }
  };

  function message(data: string, place: { epoch?: string | undefined; offset: number }): void {
    got += 1;
    if (stream === undefined) throw new Error(`${kind}: message ${place.offset} before it began`);
    stream.message({ ...place, data: gist(data) });
  }

  function plain(data: string): void {
    const [number, last] = [Number.parseInt(data, 10), numbers.at(-1)];
    got += 1;
    numbers.push(number);
    if (last === undefined) return;
    if (isWhole ? number !== last + 1 : number <= last)
      throw new Error(`plain: ${number} came after ${last}`);
  }

  function event({ id, name, data }: SseEvent): void {
    const [epoch = "", offset = ""] = id.split(":");
    const at = { epoch, offset: Number(offset) };
    if (name === undefined) {
      stream ??= checkStream(log, { ...at, offset: at.offset - 1, count: 0 });
      message(data, at);
      return;
    }
    gaps += 1;
    const gap = JSON.parse(data) as Gap;
    if (gap.to === undefined) stream = checkStream(log, { ...at, count: 0 });
    else stream?.gap(gap);
  }

  function frame(heard: Frame, since: Position | undefined, began: (start: Start) => void): void {
    if (heard["t"] === "welcome") {
      const start = heard["sub"] as Start;
      stream = checkStream(log, start, since);
      if (start.recovered === false) gaps += 1;
      began(start);
    } else if (heard["t"] === "gap") {
      gaps += 1;
      stream?.gap(heard as unknown as Gap);
    } else if (heard["t"] === "msg") {
      const { epoch, offset, data } = heard as { epoch?: string; offset: number; data: string };
      message(data, { epoch, offset });
    } else if (heard["t"] === "err" && heard["code"] !== "engine_down")
      throw new Error(JSON.stringify(heard));
  }

  function openSocket(query: string, since: Position | undefined): Promise<Start | undefined> {
    const socket = new WebSocket(`ws://${proxy.host}${path}${query}`, kind === "v1" ? [PROTOCOL] : []);
    close = () => socket.close();
    const { promise, resolve } = Promise.withResolvers<Start | undefined>();
    if (kind === "plain") socket.onopen = () => resolve(undefined);
    socket.onmessage = ({ data }: MessageEvent<string>) =>
      guarded(() => (kind === "plain" ? plain(data) : frame(JSON.parse(data), since, resolve)));
    socket.onclose = () => {
      close = undefined;
      resolve(undefined);
    };
    return promise;
  }

  async function openStream(query: string, since: Position | undefined): Promise<undefined> {
    const leaving = new AbortController();
    const own = () => leaving.abort();
    close = own;
    stream = since && checkStream(log, { ...since, count: 0, recovered: true }, since);
    const gone = () => {
      if (close === own) close = undefined;
    };
    // A connection that is reused would be one of before the cut.
    const headers = { Accept: "text/event-stream", Connection: "close" };
    try {
      const asked = { headers, signal: leaving.signal, keepalive: false } as const;
      const { body, status } = await fetch(`http://${proxy.host}${path}${query}`, asked);
      if (body === null || status !== 200) gone();
      else readEvents(body, (each) => guarded(() => event(each))).then(gone, gone);
    } catch {
      gone(); // Nobody there, or torn: it comes back.
    }
    return undefined;
  }

  return {
    kind,
    proxy,
    get at() {
      return stream?.at;
    },
    get numbers() {
      return numbers;
    },
    get isOpen() {
      return close !== undefined;
    },
    get failure() {
      return failure;
    },
    get gaps() {
      return gaps;
    },
    get got() {
      return got;
    },
    connect({ since, last }) {
      numbers = [];
      const asks = new URLSearchParams();
      if (since !== undefined) asks.set("since", `${since.epoch}:${since.offset}`);
      if (last !== undefined) asks.set("last", `${last}`);
      const query = `?${asks}`;
      return kind === "stream" ? openStream(query, since) : openSocket(query, since);
    },
    leave: () => close?.(),
  };
}

interface SseEvent {
  readonly id: string;
  readonly name: string | undefined;
  readonly data: string;
}

async function readEvents(body: ReadableStream<Uint8Array>, heard: (event: SseEvent) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body) {
    const events = (text + decoder.decode(bytes, { stream: true })).split("\n\n");
    text = events.pop() ?? "";
    for (const each of events) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(each)?.[1];
      const [id, data] = [field("id"), field("data")];
      if (id !== undefined && data !== undefined) heard({ id, name: field("event"), data });
    }
  }
}
