/**
 * Traffic of two engines on a few topics, and all that is said about it: who heard what, which publish was answered how and when. The one
 * thing that must never be: two messages at one position.
 */
import type { EngineError, Message, Position, Topics } from "../../../src/engine.ts";
import type { RedisEngine } from "../../../src/engines/redis.ts";
import { within } from "../../system/program.ts";

export interface Heard {
  readonly messages: readonly Message[];
  readonly skips: readonly Position[];
}

export interface Traffic {
  /** By engine, then topic. */
  heard(engine: number, topic: string): Heard;
  /** Publishes that were refused, or may have happened. */
  refused(topic: string): readonly EngineError[];
  /** The longest that one waited for its answer, in ms. */
  readonly longest: number;
  /** Epochs of publishes that were answered, in order. */
  epochs(topic: string): readonly string[];
  /** Publishes to all topics, one after another on each, until `isSo`. */
  until(isSo: () => boolean): Promise<void>;
  /** Publishes until each topic got through, and all engines heard that. */
  passes(topics?: readonly string[]): Promise<void>;
  /** Positions that two messages have: none, if all is well. */
  doubles(): readonly string[];
}

const WAIT_S = 30;
const PACE_MS = 2;

export const ROUTE = "/room/:room";
const LIMITS = { size: 1_000, ttl: 0, bytes: 0 };

export async function startTraffic(
  engines: readonly RedisEngine[],
  names: readonly string[],
): Promise<Traffic> {
  const rooms = engines.map((engine) => engine.topics(ROUTE, LIMITS));
  const heard = rooms.map(() => new Map(names.map((name) => [name, emptyHeard()])));
  const answered = new Map(names.map((name) => [name, [] as string[]]));
  const refused = new Map(names.map((name) => [name, [] as EngineError[]]));
  const places = new Map<string, string>();
  const doubles: string[] = [];
  let count = 0;
  let longest = 0;

  const note = ({ epoch, offset }: Position, topic: string, data: string) => {
    const place = `${topic} ${epoch} ${offset}`;
    const known = places.get(place) ?? data;
    places.set(place, known);
    if (known !== data) doubles.push(`${place}: ${known} and ${data}`);
  };

  for (const [at, room] of rooms.entries())
    for (const name of names) {
      const own = heard[at]?.get(name) ?? emptyHeard();
      await subscribed(room, name, own, (message) => note(message, name, String(message.data)));
    }

  async function publish(name: string): Promise<void> {
    const n = count++;
    const data = `${name}#${n}`;
    const began = performance.now();
    const answer = await new Promise<Position | EngineError>((done) =>
      rooms[n % rooms.length]?.publish(name, { data, json: false }, done),
    );
    longest = Math.max(longest, performance.now() - began);
    if ("code" in answer) refused.get(name)?.push(answer);
    else {
      note(answer, name, data);
      answered.get(name)?.push(answer.epoch);
    }
  }

  async function until(isSo: () => boolean): Promise<void> {
    let isOver = false;
    const loop = async (name: string) => {
      while (!isOver && !isSo()) {
        await publish(name);
        await Bun.sleep(PACE_MS);
      }
    };
    const all = Promise.all(names.map(loop));
    await within(WAIT_S, all, () => `it did not come to that; refused: ${shown(refused)}`).finally(() => {
      isOver = true;
    });
  }

  const heardAt = (engine: number, topic: string) => heard[engine]?.get(topic) ?? emptyHeard();

  return {
    heard: heardAt,
    refused: (topic) => refused.get(topic) ?? [],
    get longest() {
      return longest;
    },
    epochs: (topic) => [...new Set(answered.get(topic) ?? [])],
    until,
    async passes(topics = names) {
      const before = count;
      const isThrough = (topic: string) =>
        rooms.every((_, engine) =>
          heardAt(engine, topic).messages.some(({ data }) => Number(String(data).split("#")[1]) >= before),
        );
      await until(() => topics.every(isThrough));
    },
    doubles: () => doubles,
  };
}

type Open = { readonly messages: Message[]; readonly skips: Position[] };

const emptyHeard = (): Open => ({ messages: [], skips: [] });

const shown = (refused: ReadonlyMap<string, readonly EngineError[]>) =>
  [...refused].map(([topic, all]) => `${topic} ${all.length} ${all.at(-1)?.text ?? ""}`).join("; ");

function subscribed(room: Topics, name: string, own: Open, heard: (message: Message) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    room.subscribe(
      name,
      (message) => {
        own.messages.push(message);
        heard(message);
      },
      (answer) => ("code" in answer ? reject(new Error(answer.text)) : resolve()),
      (position) => own.skips.push(position),
    );
  });
}

/** Offsets of each epoch grow, and an epoch that was left does not come back. */
export function isOrdered({ messages }: Heard): boolean {
  const last = new Map<string, number>();
  let present = "";
  for (const { epoch, offset } of messages) {
    if (epoch !== present && last.has(epoch)) return false;
    if (offset <= (last.get(epoch) ?? 0)) return false;
    last.set(epoch, offset);
    present = epoch;
  }
  return true;
}
