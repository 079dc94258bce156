/** What scripts do and say about the topics of one route, in the engine's words. Every call may reject with ENGINE_DOWN. */
import {
  HISTORY_PAGE_BYTES,
  type HistoryLimits,
  type HistoryQuery,
  type Message,
  type Position,
} from "../../../engine.ts";
import { collect, type Held } from "../../../topics/history.ts";
import { createUniqueIds } from "../../../unique-ids.ts";
import type { Home, Homes } from "../homes.ts";
import type { Arg } from "../server.ts";
import { decodeBody } from "./body.ts";
import { headsKey, idemKeys, logKey, newsChannel, topicChannel } from "./names.ts";
import type { Rest } from "./reader.ts";
import { LOOK, PAGE, PUBLISH, SCAN, SWEEP } from "./scripts.ts";

/**
 * A topic keeps so many of its last messages whatever its history says, so that what pub/sub loses can be had; within TAIL_BYTES and
 * TAIL_MS where the history keeps nothing at all.
 */
const TAIL = 64;
const TAIL_BYTES = 256 * 1024;
const TAIL_MS = 60_000;

const REST_LIMIT = 256;

export interface Found extends Position {
  readonly topic: string;
}

export interface Store {
  home(topic: string): Home;
  readonly homes: readonly Home[];
  publish(topic: string, messages: readonly Arg[]): Promise<unknown>;
  /** Where topics of one home stand; they are kept until `till` (unix ms), because somebody listens. */
  look(home: Home, topics: readonly string[], till: number): Promise<readonly Position[]>;
  page(topic: string, query: HistoryQuery): Promise<Held & { readonly epoch: string }>;
  rest(topic: string, after: Position): Promise<Rest>;
  /** `cursor` begins as "0", and comes back as that after the last. */
  scan(
    home: Home,
    cursor: string,
    glob: string,
  ): Promise<{ readonly cursor: string; readonly found: readonly Found[] }>;
  /** True: there is more to do at once. */
  sweep(home: Home, pause: number): Promise<boolean>;
}

export function createStore(homes: Homes, route: string, limits: HistoryLimits): Store {
  const kind = `topics ${route}`;
  // One for each call: whichever of them is used, it was not used before.
  const freshEpoch = createUniqueIds();
  const now = () => [homes.now(), freshEpoch()] as const;
  const home = (topic: string) => homes.of(kind, topic);
  const { size, ttl, bytes, total = 0 } = limits;
  const kept =
    size === 0
      ? {
          size: TAIL,
          ttl: Math.min(ttl || TAIL_MS, TAIL_MS),
          bytes: Math.min(bytes || TAIL_BYTES, TAIL_BYTES),
        }
      : { size: Math.max(size, TAIL), ttl, bytes };
  // With several homes each has its part: no step could count them all.
  const share = Math.ceil(total / homes.all(kind).length);

  async function read(
    topic: string,
    mode: "after" | "before" | "rest",
    offset: number,
    limit: number,
  ): Promise<Raw> {
    const at = home(topic);
    const bounds = [size, ttl, bytes, mode, offset, limit, HISTORY_PAGE_BYTES];
    const keys = [headsKey(at), logKey(at, topic)];
    return rawOf(topic, await at.runBinary(PAGE, keys, [...now(), topic, ...bounds]));
  }

  return {
    home,
    homes: homes.all(kind),
    publish(topic, messages) {
      const at = home(topic);
      const bounds = [kept.size, kept.ttl, kept.bytes, share];
      const channels = [topicChannel(at, topic), newsChannel(at)];
      const keys = [headsKey(at), logKey(at, topic), ...idemKeys(at)];
      return at.run(PUBLISH, keys, [...now(), ...bounds, topic, ...channels, ...messages]);
    },
    async look(at, topics, till) {
      const answer = listOf(await at.run(LOOK, [headsKey(at)], [...now(), till, ...topics]));
      return topics.map((_, n) => ({ epoch: String(answer[n * 2]), offset: Number(answer[n * 2 + 1]) }));
    },
    async page(topic, { since, before, limit }) {
      const mode = since === undefined ? "before" : "after";
      const raw = await read(topic, mode, (since ?? before)?.offset ?? Number.MAX_SAFE_INTEGER, limit);
      return { epoch: raw.epoch, ...heldOf(raw) };
    },
    async rest(topic, after) {
      const { epoch, head, messages } = await read(topic, "rest", after.offset, REST_LIMIT);
      if (epoch === after.epoch) return { epoch, offset: head, messages };
      const whole = await read(topic, "rest", 0, REST_LIMIT);
      return { epoch: whole.epoch, offset: whole.head, messages: whole.messages };
    },
    async scan(at, cursor, glob) {
      const [next, ...rest] = listOf(await at.run(SCAN, [headsKey(at)], [...now(), cursor, glob]));
      const found = [];
      for (let n = 0; n < rest.length; n += 3)
        found.push({ topic: String(rest[n]), epoch: String(rest[n + 1]), offset: Number(rest[n + 2]) });
      return { cursor: String(next), found };
    },
    async sweep(at, pause) {
      const args = [...now(), pause, kept.ttl, kept.bytes];
      return (await at.run(SWEEP, [headsKey(at)], args)) === 1;
    },
  };
}

interface Raw {
  readonly epoch: string;
  readonly head: number;
  readonly oldest: number;
  readonly messages: readonly Message[];
}

function rawOf(topic: string, answer: unknown): Raw {
  const [epochBytes, head, oldest, ...rest] = listOf(answer);
  const epoch = String(epochBytes);
  const messages: Message[] = [];
  for (let n = 0; n < rest.length; n += 3) {
    const [offset, time, body] = [rest[n], rest[n + 1], rest[n + 2]];
    if (body instanceof Buffer)
      messages.push(decodeBody(body, 0, { topic, epoch, offset: Number(offset), time: Number(time) }));
  }
  return { epoch, head: Number(head), oldest: Number(oldest), messages };
}

/** What was fetched, as `pageOf` reads it. It asks for what was fetched, and nothing else. */
function heldOf({ head, oldest, messages }: Raw): Held {
  const byOffset = new Map(messages.map((message) => [message.offset, message]));
  const read: Held["read"] = (offset, step, limit) =>
    collect((nth) => byOffset.get(offset + nth * step), limit);
  return { head, oldest, read };
}

function listOf(answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new Error("an answer of another form");
}
