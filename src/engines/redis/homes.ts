/**
 * Which Redis has what. A home is a set of keys that live together, so that one script can change them in one step: all keys of a home
 * begin with its `base`, whose braces put them into one hash slot.
 *
 * With one server a kind has one home, with several one on each, found by rendezvous hashing of a name; on a Cluster BUCKETS, each on the
 * server that has its slot. Failure: what one server has fails with it; the rest goes on.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../clock.ts";
import type { RedisOptions } from "../../config/engine.ts";
import type { Subscription } from "../../engine.ts";
import type { Log } from "../../log.ts";
import type { Listening } from "./channels.ts";
import { createClusterShard } from "./cluster-shard.ts";
import { downError } from "./down.ts";
import type { Heard } from "./listeners.ts";
import type { Script } from "./script.ts";
import type { Arg, Server } from "./server.ts";
import { createShard, type Shard, type ShardOptions } from "./shard.ts";

export interface Home {
  readonly base: string;
  readonly server: Pick<Server, "problem" | "call">;
  run(script: Script, keys: readonly string[], args: readonly Arg[]): Promise<unknown>;
  /** The same, and texts in the answer are bytes. */
  runBinary(script: Script, keys: readonly string[], args: readonly Arg[]): Promise<unknown>;
  listen(channel: string, heard: Heard): Listening;
}

export interface Homes {
  /** Undefined: all servers take calls. Otherwise which one does not, and why. */
  readonly problem: string | undefined;
  /** Unix milliseconds as all nodes count them: by the clock of Redis. */
  now(): number;
  /** The present time as an argument of a script: 0, so it asks Redis and no clock of ours matters; or the time of a test that moves it. */
  stamp(): number;
  /** Where `name` lives among things of this kind. The same one for the same two. */
  of(kind: string, name: string): Home;
  /** All homes of a kind. */
  all(kind: string): readonly Home[];
  /** Called each time a server is up again, or another one has some of the keys. What was told meanwhile is lost. */
  onUp(run: () => void): Subscription;
  /** Resolves when everything is up, or after `timeout`. */
  start(): Promise<void>;
  close(): void;
}

export interface HomesOptions {
  readonly options: RedisOptions;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "warn">;
  /** A listener that threw. MUST NOT throw. */
  readonly onThrow: (channel: string, error: unknown) => void;
  /** For tests that move the clock: it is right, whatever Redis says. */
  readonly trustsClock?: boolean;
}

const BUCKETS = 64;

/** A fresh generation, or epoch: never the same twice. */
export const fresh = (): string => randomBytes(9).toString("base64url");

export function createHomes(deps: HomesOptions): Homes {
  const { options, clock } = deps;
  const urls = [options.redis].flat();
  const waiting = new Set<() => void>();
  const homes = new Map<string, Home>();
  const onUp = () => {
    for (const run of [...waiting]) run();
  };
  const shards = createShards(urls, { ...deps, fresh, onUp });
  const [main] = shards;
  if (main === undefined) throw new Error("engine.redis names no server");

  function problemOf(): string | undefined {
    const ill = shards.filter(({ problem }) => problem !== undefined);
    if (ill.length === 0) return undefined;
    // One of several is called by its name.
    return ill.map(({ name, problem }) => (shards.length > 1 ? `${name}: ${problem}` : problem)).join("; ");
  }

  const homeOf = (kind: string, bucket: number): Home => {
    const known = homes.get(`${bucket} ${kind}`);
    if (known !== undefined) return known;
    const shard = (options.cluster ? main : shards[bucket]) ?? main;
    const made = makeHome(baseOf(options, kind, bucket), shard);
    homes.set(`${bucket} ${kind}`, made);
    return made;
  };
  const count = options.cluster ? BUCKETS : shards.length;
  const names = urls.map(placeName);
  const bucketOf = (name: string): number => {
    if (count === 1) return 0;
    // Their number never changes, so none has to be kept apart from the others.
    return options.cluster ? Bun.hash.xxHash32(name) % BUCKETS : rendezvous(names, name);
  };

  return {
    get problem() {
      return problemOf();
    },
    now: () => Math.floor(clock.wall() + (deps.trustsClock === true ? 0 : skewOf(shards))),
    stamp: () => (deps.trustsClock === true ? Math.floor(clock.wall()) : 0),
    of: (kind, name) => homeOf(kind, bucketOf(name)),
    all: (kind) => Array.from({ length: count }, (_, bucket) => homeOf(kind, bucket)),
    onUp(run) {
      const own = () => run();
      waiting.add(own);
      return { close: () => void waiting.delete(own) };
    },
    async start() {
      await Promise.all(shards.map((shard) => shard.start()));
    },
    close() {
      waiting.clear();
      for (const shard of shards) shard.close();
    },
  };
}

function createShards(urls: readonly string[], deps: ShardOptions): readonly Shard[] {
  const { cluster, sentinel } = deps.options;
  if (cluster) return [createClusterShard(urls, deps)];
  return sentinel === undefined ? urls.map((url) => createShard([url], deps)) : [createShard(urls, deps)];
}

/** Servers of one system have one time, so any of them will do. */
const skewOf = (shards: readonly Shard[]): number => shards.find(({ skew }) => skew !== undefined)?.skew ?? 0;

const NOBODY = "no server of the Redis Cluster is known to have this; try again later";

function makeHome(base: string, shard: Shard): Home {
  const server = (): Server => {
    const found = shard.serverOf(base);
    if (found === undefined) throw downError(NOBODY);
    return found;
  };
  return {
    base,
    server: {
      get problem() {
        const found = shard.serverOf(base);
        return found === undefined ? NOBODY : found.problem;
      },
      call: async (command, args) => server().call(command, args),
    },
    run: async (script, keys, args) => server().run(script, base, keys, args),
    runBinary: async (script, keys, args) => server().runBinary(script, base, keys, args),
    listen: (channel, heard) => shard.channels.listen(channel, heard),
  };
}

/** Braces are where Redis looks for what decides the slot. */
function baseOf({ prefix, cluster }: RedisOptions, kind: string, bucket: number): string {
  const name = kind.replace(/[{}%]/g, encodeURIComponent);
  return `${prefix}:{${name}${cluster ? `#${bucket}` : ""}}`;
}

/** A server that is added or taken away moves only what is or was its own. */
function rendezvous(names: readonly string[], name: string): number {
  let best = 0;
  let most = -1;
  for (const [index, place] of names.entries()) {
    const weight = Bun.hash.xxHash32(`${place}\0${name}`);
    if (weight > most) [best, most] = [index, weight];
  }
  return best;
}

/** Without what may change for the same server: its password. */
function placeName(url: string): string {
  const { host, pathname } = new URL(url);
  return host + pathname;
}
