/**
 * Who is in a topic, on all nodes that share a Redis. A node's members live as long as it is heard of (tenure.ts); a lease of a member's own
 * is kept by its node. A node keeps its members whatever Redis does, and registers them again where it has to; those of a node that died
 * are removed by whoever sees it first, which is within two leases. Who watches a topic is told through a mirror (mirror.ts), once of each.
 *
 * Limits: pages and scripts of at most ENTRIES_PER_CALL members. A watched topic takes the memory of its members, a million pairs some 200 MB.
 * Failure: while Redis is away nobody is told of anything, and `list` rejects with ENGINE_DOWN; afterwards the difference is told.
 */
import type { Clock } from "../../clock.ts";
import type { Presence, PresencePage, Subscription } from "../../engine.ts";
import type { Report } from "../in-process/down.ts";
import { createTelling, type Telling } from "../in-process/telling.ts";
import { downError } from "./down.ts";
import type { Home, Homes } from "./homes.ts";
import { Mirror, type Page } from "./presence/mirror.ts";
import {
  ARGS,
  createOwnMembers,
  joinOf,
  leaveOf,
  memberOf,
  type OwnMembers,
  weightOf,
} from "./presence/own.ts";
import { CHANGE, PAGE, POSITIONS, SWEEP_MEMBERS } from "./presence/scripts.ts";
import { ENTRIES_PER_CALL, STALE } from "./tenure/lua.ts";
import { createTenure, type Tenure } from "./tenure/tenure.ts";

export interface RedisPresenceOptions {
  readonly homes: Homes;
  readonly clock: Clock;
  /** ms after which the members of a node that was not heard of leave. */
  readonly lease: number;
  /** Of this run of this process, and without a dot. */
  readonly node: string;
  readonly report: Report;
}

export interface RedisPresence extends Presence {
  /** Members of this node, in all topics. */
  readonly count: number;
  /** All members of this node leave. Resolves also when Redis cannot be told. */
  close(): Promise<void>;
}

interface Watched {
  readonly mirror: Mirror;
  readonly channel: Subscription;
  watchers: number;
}

/** What this node has to do with the topics of one home. */
interface Place {
  readonly home: Home;
  readonly tenure: Tenure;
  readonly own: OwnMembers;
  readonly watched: Map<string, Watched>;
  /** Arguments of CHANGE that go to Redis at the end of this turn. */
  changes: string[];
  /** Settles when all that went to Redis was answered and told. Never rejects. */
  answered: Promise<unknown>;
  isChecking: boolean;
}

const AWAY = "the members cannot be read now; try again later";

export function createPresence(options: RedisPresenceOptions): RedisPresence {
  const { homes, report } = options;
  const places = new Map<Home, Place>();
  const telling = createTelling(report);
  let isClosed = false;

  const placeOf = (topic: string): Place => {
    const home = homes.of("presence", topic);
    const place = places.get(home) ?? createPlace(home, options);
    places.set(home, place);
    return place;
  };

  return {
    join(topic, { conn, user, info }, lease) {
      if (isClosed) return;
      const place = placeOf(topic);
      const value = place.own.add(topic, { conn, user, since: homes.now(), info }, lease);
      if (value !== undefined) change(place, joinOf(topic, conn, value));
    },
    leave(topic, conn) {
      if (isClosed) return;
      const place = placeOf(topic);
      if (place.own.remove(topic, conn)) change(place, leaveOf(topic, conn));
    },
    async list(topic, query) {
      if (isClosed) throw downError("the engine is closed");
      const place = placeOf(topic);
      flush(place);
      // What was asked of this node before is in the answer, and was told.
      await place.answered;
      // Whoever watches puts what is told on top of this answer, so it must not be older than what is told.
      if ((await place.watched.get(topic)?.mirror.ready()) === false) throw downError(AWAY);
      return list(place, topic, query);
    },
    watch(topic, changed) {
      if (isClosed) return { close() {} };
      const place = placeOf(topic);
      const watched = place.watched.get(topic) ?? beginWatch(place, topic, telling, options);
      watched.watchers += 1;
      const told = telling.watch(topic, changed);
      let isOver = false;
      return {
        close() {
          told.close();
          if (!isOver) watched.watchers -= 1;
          isOver = true;
          if (watched.watchers === 0) endWatch(place, topic, watched);
        },
      };
    },
    get count() {
      let count = 0;
      for (const { own } of places.values()) count += own.count;
      return count;
    },
    async close() {
      isClosed = true;
      telling.close();
      for (const { own, watched } of places.values()) {
        own.clear();
        for (const { mirror, channel } of watched.values()) {
          mirror.close();
          channel.close();
        }
        watched.clear();
      }
      await Promise.all([...places.values()].map(({ tenure }) => tenure.close()));
    },
  };
}

function createPlace(home: Home, options: RedisPresenceOptions): Place {
  const own = createOwnMembers(options.clock, (topic, conn) => {
    if (own.remove(topic, conn)) change(place, leaveOf(topic, conn));
  });
  const tenure = createTenure({
    ...options,
    home,
    sweep: SWEEP_MEMBERS,
    async settle(send) {
      for (const joins of own.joins()) tell(place, taken(await send(CHANGE, joins)));
    },
    onRenewed: () => void checkAll(place),
  });
  const place: Place = {
    home,
    tenure,
    own,
    watched: new Map(),
    changes: [],
    answered: Promise.resolve(),
    isChecking: false,
  };
  return place;
}

function change(place: Place, args: readonly string[]): void {
  if (place.changes.length === 0) queueMicrotask(() => flush(place));
  place.changes.push(...args);
}

/** A call that fails leaves a doubt, and then all members are registered anew: nothing has to be kept for it. */
function flush(place: Place): void {
  const { changes, tenure, own } = place;
  place.changes = [];
  for (let at = 0; at < changes.length; at += ENTRIES_PER_CALL * ARGS) {
    const some = changes.slice(at, at + ENTRIES_PER_CALL * ARGS);
    const sent = () => own.sent(some);
    const answer = tenure
      .run(CHANGE, some, sent)
      .then((told) => tell(place, taken(told)))
      .catch(() => {
        // Also what was never sent has to be registered now.
        sent();
        tenure.doubt();
      });
    place.answered = Promise.all([place.answered, answer]);
  }
}

function taken(answer: unknown): unknown[] {
  if (!Array.isArray(answer) || answer[0] === STALE) throw downError("this node was held up");
  return answer;
}

/** What this node did itself it need not hear first: topic, text, and so on. */
function tell({ watched }: Place, told: readonly unknown[]): void {
  for (let at = 0; at < told.length; at += 2)
    watched.get(String(told[at]))?.mirror.hear(String(told[at + 1]));
}

async function list(
  place: Place,
  topic: string,
  { after, limit }: Parameters<Presence["list"]>[1],
): Promise<PresencePage> {
  const mirror = place.watched.get(topic)?.mirror;
  const found: PresencePage["members"][number][] = [];
  for (let last = after; ; last = found.at(-1)?.conn) {
    const read = await page(place, topic, last, limit - found.length);
    mirror?.saw(read);
    const settling = mirror?.settlingPage(after, limit);
    if (settling !== undefined)
      return { ...settling, members: settling.members.map(([conn, value]) => memberOf(conn, value)) };
    const { total, start, members } = read;
    for (const [conn, value] of members) found.push(memberOf(conn, value));
    const complete = start + members.length >= total;
    if (complete || found.length >= limit) return { members: found, total, complete };
  }
}

async function page(
  { tenure }: Place,
  topic: string,
  after: string | undefined,
  limit: number,
): Promise<Page> {
  const from = after === undefined ? ["0", "", ""] : ["1", after, weightOf(after)];
  const answer = await tenure.run(PAGE, [topic, Math.min(limit, ENTRIES_PER_CALL), ...from]);
  const [gen, position, number, total, start, list]: unknown[] = Array.isArray(answer) ? answer : [];
  const texts = Array.isArray(list) ? list.map(String) : [];
  const members = Array.from(
    { length: texts.length / 2 },
    (_, n) => [texts[2 * n] ?? "", texts[2 * n + 1] ?? ""] as const,
  );
  return {
    gen: String(gen),
    position: Number(position),
    number: Number(number),
    total: Number(total),
    start: Number(start),
    members,
  };
}

function beginWatch(
  place: Place,
  topic: string,
  telling: Telling,
  { clock, lease }: RedisPresenceOptions,
): Watched {
  const mirror = new Mirror({
    clock,
    settle: lease,
    read: (after) => page(place, topic, after, ENTRIES_PER_CALL),
    tell: ({ kind, conn, value }, total) =>
      telling.tell(topic, { kind, member: memberOf(conn, value), total }),
  });
  const channel = place.home.listen(`${place.home.base}:c:${topic}`, (payload) =>
    mirror.hear(payload.toString()),
  );
  const watched: Watched = { mirror, channel, watchers: 0 };
  place.watched.set(topic, watched);
  // Behind the changes that were made before, and before those that will be.
  flush(place);
  place.answered = Promise.all([place.answered, mirror.load()]);
  // What was told between the read and the subscription was missed.
  channel.ready.then(
    () => check(place, [topic]),
    () => {},
  );
  return watched;
}

function endWatch(place: Place, topic: string, watched: Watched): void {
  if (place.watched.get(topic) !== watched) return;
  place.watched.delete(topic);
  watched.mirror.close();
  watched.channel.close();
}

async function checkAll(place: Place): Promise<void> {
  if (place.isChecking) return;
  place.isChecking = true;
  const topics = [...place.watched.keys()];
  for (let at = 0; at < topics.length; at += ENTRIES_PER_CALL)
    await check(place, topics.slice(at, at + ENTRIES_PER_CALL));
  place.isChecking = false;
}

/** Never rejects: what cannot be asked now is asked again at the next renewal. */
async function check({ tenure, watched }: Place, topics: readonly string[]): Promise<void> {
  const answer = await tenure.run(POSITIONS, topics).catch(() => []);
  const [gen, ...positions]: unknown[] = Array.isArray(answer) ? answer : [];
  if (gen === undefined) return;
  for (const [index, topic] of topics.entries())
    watched.get(topic)?.mirror.check(String(gen), Number(positions[index]));
}
