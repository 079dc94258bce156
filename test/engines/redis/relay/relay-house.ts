/** A relay route on several nodes that share one Redis, each with connections of its own, in this process; peers without sockets. */
import { type RelayOptions, relayOptions } from "../../../../src/config/kinds/relay.ts";
import type { Homes } from "../../../../src/engines/redis/homes.ts";
import { createRelays } from "../../../../src/engines/redis/relays.ts";
import {
  createRouteCounters,
  DROP_REASONS,
  type DropReason,
  type RouteCounters,
} from "../../../../src/metrics.ts";
import type { Route } from "../../../../src/route.ts";
import { createRelay } from "../../../../src/routes/relay.ts";
import type { Role } from "../../../../src/wire/envelope.ts";
import { eventually } from "../../../calm.ts";
import { type TestClock, testClock } from "../../../clock.ts";
import { type FakeConnection, openFake } from "../../../fake-connection.ts";
import { memoryLog } from "../../../gateway.ts";
import { bounded } from "../../../raw-client.ts";
import { parseFrame, speaking, wordOf } from "../../../relay/v1-house.ts";
import { envelope } from "../../../routes/relay-house.ts";
import { startProxy } from "../../../tcp-proxy.ts";
import type { Frame } from "../../../v1-client.ts";
import { openHomes } from "../homes-house.ts";
import { activityOf, type Life, stoppable, watched } from "./node-parts.ts";

export interface SharedPeer {
  readonly conn: FakeConnection;
  /** Says a command with the next id; its answer, once all is at rest. */
  ask(command: Frame): Promise<Frame | undefined>;
  say(command: Frame): void;
  told(): Promise<Frame[]>;
  /** As `wordOf` has it, since the last time, once all is at rest. */
  heard(): Promise<string[]>;
}

export interface JoinedPeer extends SharedPeer {
  readonly answer: Frame | undefined;
  readonly session: string;
}

export interface RelayNode {
  readonly route: Route;
  readonly homes: Homes;
  readonly counters: RouteCounters;
  open(user?: string | null): SharedPeer;
  join(role: Role, more?: Frame, user?: string | null): Promise<JoinedPeer>;
  /** One that speaks envelopes, and has registered; its greeting is taken. */
  plain(role: Role, group?: string): Promise<FakeConnection>;
  openPlain(): FakeConnection;
  /** As after SIGTERM, once its connections are gone. */
  stop(): Promise<void>;
  /** As after SIGKILL: it says nothing to anybody any more. */
  die(): void;
  /** As after SIGSTOP: it hears nothing, and its timers do not run, but time goes on. */
  freeze(): void;
  thaw(): void;
  /** Redis hears it, and it does not hear Redis. */
  holdAnswers(): void;
  /** So many of the next messages of the relay to it are lost. */
  loseTold(count: number): void;
  /** No way to Redis. Resolves when it knows. */
  cut(): Promise<void>;
  /** The way is there again. Resolves when it is up. */
  mend(): Promise<void>;
}

/** Sums over nodes. */
export interface Tally {
  readonly due: number;
  readonly delivered: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
}

export interface RelayHouse extends AsyncDisposable {
  readonly clock: TestClock;
  /** A node more. */
  node(): Promise<RelayNode>;
  /** What was asked has been done, and everybody who is to hear of it has. */
  rest(): Promise<void>;
  /** Time passes for all nodes, in steps in which everything comes to rest. */
  pass(ms: number): Promise<void>;
  /** Of all nodes that ever were. */
  tally(): Tally;
  /** Callbacks of peers that threw: a test that wants them takes them out. */
  readonly faults: unknown[];
}

export const send = (idem: string, more: Frame = {}): Frame => ({ t: "send", idem, data: idem, ...more });

/** ms */
export const LEASE = 10_000;
const STEP_MS = 1_000;
/** Between two attempts to reach Redis, at most. */
const LAST_RETRY_MS = 2_000;

export function relayNodes(url: string, input: Partial<RelayOptions> = {}): RelayHouse {
  const clock = testClock();
  const options = relayOptions.parse({ kind: "relay", ...input });
  const living = new Set<Life>();
  const all: RouteCounters[] = [];
  const faults: unknown[] = [];
  let count = 0;

  async function rest(): Promise<void> {
    for (let isQuiet = false; !isQuiet; ) {
      const before = activityOf(living);
      for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((done) => setImmediate(done));
      await Promise.all([...living].map(({ echo }) => echo()));
      const after = activityOf(living);
      isQuiet = after.underWay === 0 && before.underWay === 0 && after.begun === before.begun;
    }
  }

  async function node(): Promise<RelayNode> {
    count += 1;
    const self = `node-${count}`;
    const log = memoryLog();
    const way = await startProxy(Number(new URL(url).port));
    const own = stoppable(clock);
    const deps = { clock: own, trustsClock: true, onThrow: (_: string, error: unknown) => fail(error) };
    const opened = await openHomes(`redis://${way.host}`, {}, deps);
    const loss = { left: 0 };
    const activity = { begun: 0, underWay: 0 };
    const homes = watched(opened.homes, activity, loss);
    const counters = createRouteCounters("/relay", "relay");
    all.push(counters);
    const relays = createRelays({
      homes,
      self,
      clock: own,
      lease: LEASE,
      report: ({ error }) => faults.push(error),
    });
    const claims = { claim: fail };
    const route = createRelay({ options, claims, counters, log, clock: own, name: "/relay", relays });
    route.start?.();
    const main = opened.homes.of("relay:/relay", "g");
    let heardEcho = () => {};
    const listening = main.listen(`echo:${self}`, () => heardEcho());
    await listening.ready;

    const life: Life = {
      activity,
      get isStopped() {
        return own.isStopped;
      },
      async stop() {
        await route.dispose();
        opened.homes.close();
        way[Symbol.dispose]();
      },
      async echo() {
        if (own.isStopped) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        heardEcho = resolve;
        const say = () => void main.server.call("PUBLISH", [`echo:${self}`, "1"]).catch(() => {});
        say();
        // A connection that goes away takes it along.
        const again = setInterval(() => (homes.problem === undefined ? say() : resolve()), 20);
        await bounded("an echo", promise).finally(() => clearInterval(again));
      },
    };
    living.add(life);

    const open = (user: string | null = null) => peerOf(openFake(speaking(route, user)), rest);
    const openPlain = () => openFake(route);
    return {
      route,
      homes,
      counters,
      open,
      openPlain,
      async join(role, more = {}, user = null) {
        const peer = open(user);
        const answer = await peer.ask({ t: "join", group: "g", role, ...more });
        return { ...peer, answer, session: String(answer?.["session"]) };
      },
      async plain(role, group = "g") {
        const conn = openPlain();
        conn.say(envelope({ group_id: group, sender_type: role }));
        await rest();
        conn.take();
        return conn;
      },
      async stop() {
        living.delete(life);
        await life.stop();
      },
      die() {
        living.delete(life);
        own.stop();
        opened.homes.close();
        way[Symbol.dispose]();
      },
      freeze() {
        own.stop();
        way.hold();
      },
      thaw() {
        way.flow();
        own.go();
      },
      holdAnswers() {
        own.stop();
        way.stall();
      },
      loseTold(count) {
        loss.left = count;
      },
      async cut() {
        way.isShut = true;
        own.go();
        way.reset();
        await eventually("it is down", () => homes.problem !== undefined);
      },
      async mend() {
        way.isShut = false;
        let passed = 0;
        await eventually("it is up", () => {
          // Pub/sub tries again by this clock, commands by that of the machine.
          const step = passed < LAST_RETRY_MS ? 50 : 1;
          passed += step;
          clock.advance(step);
          return homes.problem === undefined;
        });
      },
    };
  }

  return {
    clock,
    node,
    rest,
    faults,
    async pass(ms) {
      for (let left = ms; left > 0; left -= STEP_MS) {
        clock.advance(Math.min(left, STEP_MS));
        await rest();
      }
    },
    tally() {
      const sum = createRouteCounters("/relay", "relay");
      for (const { due, delivered, dropped } of all) {
        sum.due += due;
        sum.delivered += delivered;
        for (const reason of DROP_REASONS) sum.dropped[reason] += dropped[reason];
      }
      return sum;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...living].map(({ stop }) => stop()));
      if (faults.length > 0) throw faults[0];
    },
  };
}

export async function twoNodes(url: string, input: Partial<RelayOptions> = {}) {
  const house = relayNodes(url, input);
  return { ...house, a: await house.node(), b: await house.node() };
}

function peerOf(conn: FakeConnection, rest: () => Promise<void>): SharedPeer {
  const frames: Frame[] = [];
  let lastId = 0;
  const gather = () => {
    for (const data of conn.take()) frames.push(parseFrame(data));
  };
  gather();
  frames.shift();
  const told = async () => {
    await rest();
    gather();
    return frames.splice(0);
  };
  return {
    conn,
    async ask(command) {
      lastId += 1;
      const id = lastId;
      conn.say(JSON.stringify({ ...command, id }));
      await rest();
      gather();
      const at = frames.findIndex((frame) => frame["id"] === id);
      return at === -1 ? undefined : frames.splice(at, 1)[0];
    },
    say: (command) => conn.say(JSON.stringify(command)),
    told,
    heard: async () => (await told()).map(wordOf),
  };
}

function fail(error?: unknown): never {
  throw error instanceof Error ? error : new Error(`not to be used here: ${String(error)}`);
}
