/** Random steps of three nodes whose members come and go while nodes die and stall and data is lost: all see the same in the end, each change once. */
import { expect } from "bun:test";
import fc from "fast-check";
import { type TestClock, testClock } from "../../clock.ts";
import { type RedisHouse, sharedRedis } from "../../redis-house.ts";
import { requires } from "../../requires.ts";
import { startProxy, type TcpProxy } from "../../tcp-proxy.ts";
import { isUp, type LeaseNode, openNode, pass } from "./leases-house.ts";
import { conns, look, type View, who } from "./presence-house.ts";

const redis = sharedRedis();
const LEASE = 1_000;
const NODES = 3;
const TOPICS = ["t", "u"];

const step = fc.record({
  do: fc.constantFrom(
    "join",
    "join",
    "join",
    "leave",
    "leave",
    "pass",
    "stall",
    "flow",
    "cut",
    "die",
    "flush",
  ),
  node: fc.nat({ max: NODES - 1 }),
  topic: fc.constantFrom(...TOPICS),
  conn: fc.constantFrom("1", "2", "10"),
  ms: fc.constantFrom(1, 100, 400, 1_000, 2_000),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Machine {
  readonly name: string;
  readonly node: LeaseNode;
  readonly way: TcpProxy;
  readonly views: ReadonlyMap<string, View>;
  /** `topic conn` */
  readonly members: Set<string>;
  isStalled: boolean;
}

/** A watch tells only what changes from then on, so who was there is asked before and after. */
async function lookAt(node: LeaseNode, topic: string): Promise<View> {
  for (;;) {
    const known = await conns(node.presence, topic);
    const view = look(node.presence, topic, known);
    const after = await conns(node.presence, topic);
    if (view.told.length === 0 && after.join() === known.join()) return view;
    view.close();
  }
}

class House {
  readonly clock: TestClock = testClock();
  readonly machines: Machine[] = [];
  opened = 0;

  constructor(readonly server: RedisHouse) {}

  async open(): Promise<Machine> {
    const way = await startProxy(this.server.port);
    const node = await openNode(`redis://${way.host}`, { clock: this.clock, lease: LEASE });
    const views = new Map<string, View>();
    for (const topic of TOPICS) views.set(topic, await lookAt(node, topic));
    return { name: `n${this.opened++}`, node, way, views, members: new Set(), isStalled: false };
  }

  awake(): LeaseNode[] {
    return this.machines.filter(({ isStalled }) => !isStalled).map(({ node }) => node);
  }

  /** Whoever lives has its members in the topic, and nobody else is there. */
  expected(topic: string): string[] {
    const all = this.machines.flatMap(({ members }) => [...members]);
    return all.filter((each) => each.startsWith(`${topic} `)).map((each) => each.slice(topic.length + 1));
  }

  close(): void {
    for (const { node, way } of this.machines) {
      node.die();
      way[Symbol.dispose]();
    }
  }
}

async function play(house: House, step: Step): Promise<void> {
  const machine = house.machines[step.node];
  if (machine === undefined) return;
  const conn = `${machine.name}-${step.conn}`;
  const entry = `${step.topic} ${conn}`;
  if (step.do === "join") {
    machine.node.presence.join(step.topic, who(conn), 0);
    machine.members.add(entry);
  } else if (step.do === "leave") {
    machine.node.presence.leave(step.topic, conn);
    machine.members.delete(entry);
  } else if (step.do === "pass") await pass(house.clock, step.ms, LEASE, house.awake());
  else if (step.do === "stall") {
    machine.way.hold();
    machine.isStalled = true;
  } else if (step.do === "flow") {
    machine.way.flow();
    machine.isStalled = false;
  } else if (step.do === "cut") {
    machine.way.flow();
    machine.isStalled = false;
    machine.way.reset();
  } else if (step.do === "flush") await house.server.flush();
  else {
    for (const each of house.machines) {
      each.way.flow();
      each.isStalled = false;
    }
    await Promise.all(house.machines.map(({ node }) => isUp(node)));
    machine.node.die();
    machine.way[Symbol.dispose]();
    house.machines[step.node] = await house.open();
  }
}

async function expectAll(house: House): Promise<void> {
  for (const machine of house.machines) {
    machine.way.flow();
    machine.isStalled = false;
  }
  await Promise.all(house.machines.map(({ node }) => isUp(node)));
  await pass(house.clock, 2 * LEASE, LEASE, house.awake());
  // What a mirror missed it looks for a moment later.
  await pass(house.clock, LEASE, LEASE, house.awake());
  for (const topic of TOPICS) {
    const expected = house.expected(topic).sort();
    for (const { node, views } of house.machines) {
      expect((await conns(node.presence, topic)).sort()).toEqual(expected);
      expect([...(views.get(topic)?.members ?? [])].sort()).toEqual(expected);
      expect(views.get(topic)?.wrong).toEqual([]);
    }
  }
}

requires("redis-server")(
  "tells each join and leave once, and is right after two leases, whatever nodes and Redis do",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
        const house = new House(await redis());
        try {
          for (let n = 0; n < NODES; n++) house.machines.push(await house.open());
          for (const each of steps) await play(house, each);
          await expectAll(house);
        } finally {
          house.close();
        }
      }),
      { numRuns: Number(process.env["RUNS"] ?? 10) },
    );
  },
);
