/**
 * A reader of fairlead.v1 that believes only what PROTOCOL.md says: it follows its position in each topic over all its connections, and
 * everything that does not fit is a fault. Stalls, cuts and restarts do not excuse anything: loss is what a `gap` or `recovered: false` says.
 */
import type { Gap, Position, Start } from "../../src/wire/v1.ts";
import type { TruthLog } from "./log.ts";

interface MessageFrame {
  readonly topic: string;
  readonly epoch?: string;
  readonly offset: number;
  readonly data: string;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Place {
  epoch: string;
  offset: number;
  /** What gaps with `latest` named: of these messages only the newest values come. */
  skips: readonly Range[];
}

/** A command that waits for its answer. `since` as it was sent, by topic. */
export interface Asked {
  readonly t: "sub" | "unsub";
  /** A topic, or PATTERN. */
  readonly name: string;
  readonly since?: ReadonlyMap<string, Position> | undefined;
}

export interface V1Follower {
  /** One frame, which is kept until `believe`: the log hears of a message after its readers. */
  heard(text: string): void;
  /** Takes in what was heard. Throws at the first frame that does not fit. */
  believe(): void;
  /** Where it stands in each topic that it has read, over all its connections. */
  readonly places: ReadonlyMap<string, Place>;
  /** A command was sent under this id. */
  asked(id: number, what: Asked): void;
  /** The next connection asks for its path's topic from here. */
  connecting(since: Position | undefined): void;
  /** Losses that it was told of. */
  readonly gaps: number;
  readonly got: number;
}

/** The one pattern that readers use: every topic. */
export const PATTERN = "*";

type Frame = Readonly<Record<string, unknown>>;

export function createFollower(log: TruthLog): V1Follower {
  const places = new Map<string, Place>();
  /** What this connection has subscribed to, and the topics that it reads therefore. */
  const names = new Set<string>();
  const flowing = new Set<string>();
  const asked = new Map<number, Asked>();
  let connectingSince: Position | undefined;
  let frames: string[] = [];
  let gaps = 0;
  let got = 0;

  function begin(topic: string, start: Start, since: Position | undefined): void {
    const { epoch, offset, recovered, count } = start;
    const said = `${topic} from ${JSON.stringify(since)}: ${JSON.stringify(start)}`;
    if (flowing.has(topic)) {
      const place = places.get(topic);
      if (recovered !== undefined || count !== 0 || place?.epoch !== epoch || place.offset !== offset)
        throw new Error(`it flows already and stands at ${JSON.stringify(place)}; ${said}`);
      return;
    }
    if ((since === undefined) !== (recovered === undefined))
      throw new Error(`recovered without since, or neither; ${said}`);
    if (recovered === true && (since?.epoch !== epoch || since.offset !== offset - count))
      throw new Error(said);
    if (recovered === false) gaps += 1;
    if (count < 0 || count > offset) throw new Error(said);
    flowing.add(topic);
    places.set(topic, { epoch, offset: offset - count, skips: [] });
  }

  function beginAll(positions: Readonly<Record<string, Start>>, since: Asked["since"]): void {
    for (const [topic, start] of Object.entries(positions)) {
      const from = since && (since.get(topic) ?? { epoch: start.epoch, offset: 0 });
      begin(topic, start, flowing.has(topic) ? undefined : from);
    }
  }

  /** A topic that a pattern has waited for begins with its first message. */
  function placeOf(topic: string, offset: number, epoch: string | undefined): Place {
    const place = places.get(topic);
    if (flowing.has(topic) && place !== undefined) return place;
    if (!names.has(PATTERN) || offset !== 1 || epoch === undefined)
      throw new Error(`message ${offset} of ${topic}, which it does not read`);
    const begun = { epoch, offset: 0, skips: [] };
    places.set(topic, begun);
    flowing.add(topic);
    return begun;
  }

  function message(frame: Frame): void {
    const { topic, epoch, offset, data } = frame as unknown as MessageFrame;
    const place = placeOf(topic, offset, epoch);
    if (offset === 1 && epoch === undefined) throw new Error("offset 1 without an epoch");
    if (epoch !== undefined && epoch !== place.epoch)
      throw new Error(`epoch ${epoch} after ${place.epoch} without a gap`);
    if (offset <= place.offset) throw new Error(`offset ${offset} of ${topic} after ${place.offset}`);
    for (let lost = place.offset + 1; lost < offset; lost += 1) {
      if (!place.skips.some(({ from, to }) => from <= lost && lost <= to))
        throw new Error(`${offset} of ${topic} after ${place.offset}, and nobody said that ${lost} was lost`);
    }
    const text = log.at(topic, place.epoch, offset)?.text;
    if (text !== data) throw new Error(`${offset} of ${topic} is ${text}, but came as ${data}`);
    place.offset = offset;
    place.skips = place.skips.filter(({ to }) => to > offset);
    got += 1;
  }

  function gap(frame: Frame): void {
    const { topic, epoch, offset, from, to, latest } = frame as unknown as Gap;
    const place = places.get(topic);
    if (place === undefined || !flowing.has(topic))
      throw new Error(`a gap in ${topic}, which it does not read`);
    gaps += 1;
    // What it has not lost may come first where only the newest values are kept.
    if (from !== undefined && (latest ? from <= place.offset : from !== place.offset + 1))
      throw new Error(`a gap from ${from} after ${place.offset}`);
    if (to !== undefined && (to < (from ?? 1) || to > offset || epoch !== place.epoch))
      throw new Error(`a gap that ends nowhere: ${JSON.stringify(frame)} at ${JSON.stringify(place)}`);
    if (latest === true) place.skips = [...place.skips, { from: from ?? place.offset + 1, to: to ?? offset }];
    else Object.assign(place, { epoch, offset: to ?? offset, skips: [] });
  }

  function answer(frame: Frame, { t, name, since }: Asked): void {
    if (t === "sub") {
      if (name === PATTERN) beginAll(frame["positions"] as Readonly<Record<string, Start>>, since);
      else begin(name, frame as unknown as Start, since?.get(name));
      names.add(name);
      return;
    }
    names.delete(name);
    for (const topic of flowing) if (!names.has(topic) && !names.has(PATTERN)) flowing.delete(topic);
  }

  function welcome(sub: Start & { readonly topic: string }): void {
    begin(sub.topic, sub, connectingSince);
    names.add(sub.topic);
  }

  function take(text: string): void {
    const frame: Frame = JSON.parse(text);
    const id = Number(frame["id"]);
    const waiting = asked.get(id);
    if (frame["t"] === "msg") message(frame);
    else if (frame["t"] === "gap") gap(frame);
    else if (frame["t"] === "err") throw new Error(text);
    else if (frame["t"] === "welcome") welcome(frame["sub"] as Parameters<typeof welcome>[0]);
    else if (waiting !== undefined) answer(frame, waiting);
    asked.delete(id);
  }

  return {
    places,
    heard: (text) => void frames.push(text),
    believe() {
      const heard = frames;
      frames = [];
      for (const text of heard) take(text);
    },
    asked: (id, what) => void asked.set(id, what),
    connecting(since) {
      connectingSince = since;
      asked.clear();
      names.clear();
      flowing.clear();
    },
    get gaps() {
      return gaps;
    },
    get got() {
      return got;
    },
  };
}
