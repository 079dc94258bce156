/** A relay route on several nodes that share one Redis, each with connections of its own, in this process; peers without sockets. */
import { type RelayOptions, relayOptions } from "../../../../src/config/kinds/relay.ts";
import type { Home, Homes } from "../../../../src/engines/redis/homes.ts";
import { createRelays } from "../../../../src/engines/redis/relays.ts";
import { createRouteCounters, type RouteCounters } from "../../../../src/metrics.ts";
import type { Route } from "../../../../src/route.ts";
import { createRelay } from "../../../../src/routes/relay.ts";
import type { Role } from "../../../../src/wire/envelope.ts";
import { type TestClock, testClock } from "../../../clock.ts";
import { type FakeConnection, openFake } from "../../../fake-connection.ts";
import { memoryLog } from "../../../gateway.ts";
import { bounded } from "../../../raw-client.ts";
import { parseFrame, speaking, wordOf } from "../../../relay/v1-house.ts";
import { envelope } from "../../../routes/relay-house.ts";
import type { Frame } from "../../../v1-client.ts";
import { openHomes } from "../homes-house.ts";

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
  /** As after SIGKILL: it says nothing to anybody any more. */
  die(): void;
}

export interface RelayHouse extends AsyncDisposable {
  readonly clock: TestClock;
  /** A node more. */
  node(): Promise<RelayNode>;
  /** What was asked has been done, and everybody who is to hear of it has. */
  rest(): Promise<void>;
  /** Time passes for all nodes, in steps in which everything comes to rest. */
  pass(ms: number): Promise<void>;
}

/** ms */
export const LEASE = 10_000;
const STEP_MS = 1_000;

export function relayNodes(url: string, input: Partial<RelayOptions> = {}): RelayHouse {
  const clock = testClock();
  const options = relayOptions.parse({ kind: "relay", ...input });
  const living = new Set<{ readonly stop: () => Promise<void>; readonly echo: () => Promise<void> }>();
  const activity = { begun: 0, ended: 0 };
  let count = 0;

  async function rest(): Promise<void> {
    for (let isQuiet = false; !isQuiet; ) {
      const before = activity.begun;
      const wasQuiet = before === activity.ended;
      for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((done) => setImmediate(done));
      await Promise.all([...living].map(({ echo }) => echo()));
      isQuiet = wasQuiet && activity.begun === before && activity.ended === before;
    }
  }

  async function node(): Promise<RelayNode> {
    count += 1;
    const self = `node-${count}`;
    const log = memoryLog();
    const opened = await openHomes(url, {}, { clock, trustsClock: true, onThrow: (_, error) => fail(error) });
    const homes = watched(opened.homes, activity);
    const counters = createRouteCounters("/relay", "relay");
    const relays = createRelays({ homes, self, clock, lease: LEASE });
    const claims = { claim: fail };
    const route = createRelay({ options, claims, counters, log, clock, name: "/relay", relays });
    route.start?.();
    const main = opened.homes.of("relay:/relay", "g");
    let heardEcho = () => {};
    const listening = main.listen(`echo:${self}`, () => heardEcho());
    await listening.ready;

    const life = {
      async stop() {
        await route.dispose();
        opened.homes.close();
      },
      echo: () =>
        bounded(
          "an echo",
          new Promise<void>((resolve) => {
            heardEcho = resolve;
            main.server.call("PUBLISH", [`echo:${self}`, "1"]).catch(resolve);
          }),
        ),
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
      die() {
        living.delete(life);
        opened.homes.close();
      },
    };
  }

  return {
    clock,
    node,
    rest,
    async pass(ms) {
      for (let left = ms; left > 0; left -= STEP_MS) {
        clock.advance(Math.min(left, STEP_MS));
        await rest();
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...living].map(({ stop }) => stop()));
    },
  };
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

function watched(homes: Homes, activity: { begun: number; ended: number }): Homes {
  const seen = new Map<Home, Home>();
  const wrap = (home: Home): Home => {
    const run: Home["run"] = async (...args) => {
      activity.begun += 1;
      try {
        return await home.run(...args);
      } finally {
        activity.ended += 1;
      }
    };
    const wrapped = seen.get(home) ?? {
      base: home.base,
      get server() {
        return home.server;
      },
      run,
      runBinary: home.runBinary,
      listen(channel, heard) {
        const listening = home.listen(channel, heard);
        const end = () => {
          activity.ended += 1;
        };
        activity.begun += 1;
        listening.ready.then(end, end);
        return listening;
      },
    };
    seen.set(home, wrapped);
    return wrapped;
  };
  return {
    get problem() {
      return homes.problem;
    },
    now: () => homes.now(),
    stamp: () => homes.stamp(),
    of: (kind, name) => wrap(homes.of(kind, name)),
    all: (kind) => homes.all(kind).map(wrap),
    onUp: (run) => homes.onUp(run),
    start: () => homes.start(),
    close: () => homes.close(),
  };
}

function fail(error?: unknown): never {
  throw error instanceof Error ? error : new Error(`not to be used here: ${String(error)}`);
}
