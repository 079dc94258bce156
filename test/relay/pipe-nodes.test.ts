/** A pipe on several nodes that share their claims: both ends of a group come to one of them. */
import { describe, expect, test } from "bun:test";
import type { RelayOptions } from "../../src/config/kinds/relay.ts";
import type { ClaimOptions, Claims } from "../../src/engine.ts";
import { createClaims } from "../../src/engines/in-process/claims.ts";
import type { Role } from "../../src/wire/envelope.ts";
import { testClock } from "../clock.ts";
import { fakeNodes } from "../fake-cluster.ts";
import type { FakeConnection } from "../fake-connection.ts";
import { lateClaims } from "../late-claims.ts";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

const URLS = ["ws://node-a:1", "ws://node-b:2"] as const;
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function twoNodes(input: Partial<RelayOptions> = {}, urls: readonly (string | undefined)[] = URLS) {
  const nodes = fakeNodes();
  const shared = createClaims({
    clock: testClock(),
    report: ({ error }) => {
      throw error;
    },
  });
  const [a, b] = ["node-a-0", "node-b-0"].map((id, n) =>
    pipeHouse(input, shared, nodes.join(id, urls[n])),
  ) as [ReturnType<typeof pipeHouse>, ReturnType<typeof pipeHouse>];
  return { nodes, shared, a, b };
}

/** How one ends that comes to a node, once nobody is asked any more. */
async function comes(house: ReturnType<typeof pipeHouse>, role: Role, group = "g"): Promise<FakeConnection> {
  const end = house.join(role, group);
  await settle();
  return end;
}

describe("two ends of a pipe at two nodes", () => {
  test("meet at the node of the first one: the second is told where that is", async () => {
    const { shared, a, b } = twoNodes();
    const center = await comes(a, "center");
    const lost = await comes(b, "local");
    expect(lost.ended).toMatchObject({ code: 4011, reason: URLS[0] });
    const local = await comes(a, "local");
    center.say("hello");
    await turnEnd();
    expect(local.sent).toEqual(["hello"]);
    local.leave();
    expect([center.ended?.code, shared.count]).toEqual([1000, 0]);
    expect([a.isEmpty(), b.isEmpty()]).toEqual([true, true]);
  });

  test("who come at the same moment meet: one of them is sent to the other", async () => {
    const { a, b } = twoNodes();
    const [center, local] = await Promise.all([comes(b, "center"), comes(a, "local")]);
    expect([center.ended?.code, local.ended?.reason]).toEqual([undefined, URLS[1]]);
  });

  test("have left what they held, and the next two meet at the other node", async () => {
    const { a, b } = twoNodes();
    (await comes(a, "center")).leave();
    const local = await comes(b, "local");
    const sent = await comes(a, "center");
    expect([local.ended, sent.ended?.reason]).toEqual([undefined, URLS[1]]);
    local.leave();
    expect((await comes(a, "center")).ended).toBeUndefined();
  });

  test("of other groups stay where they are", async () => {
    const { a, b } = twoNodes();
    await comes(a, "center", "one");
    expect((await comes(b, "center", "two")).ended).toBeUndefined();
  });
});

describe("a third peer at another node", () => {
  test("is sent to the node of the pair, and refused there", async () => {
    const { shared, a, b } = twoNodes();
    a.pair();
    expect((await comes(b, "center")).ended).toMatchObject({ code: 4011, reason: URLS[0] });
    expect((await comes(a, "center")).ended?.code).toBe(4409);
    expect(shared.count).toBe(3);
  });

  test("is sent to the node of the pair, and replaces the older one there", async () => {
    const { a, b } = twoNodes({ third: "replace" });
    const { center, local } = a.pair();
    expect((await comes(b, "center")).ended).toMatchObject({ code: 4011, reason: URLS[0] });
    expect([center.ended, local.ended]).toEqual([undefined, undefined]);
    const newer = await comes(a, "center");
    expect([center.ended?.code, local.ended?.code, newer.ended]).toEqual([4590, 1000, undefined]);
    // The group stays here while somebody does.
    expect((await comes(b, "local")).ended?.code).toBe(4011);
    newer.leave();
    expect((await comes(b, "local")).ended).toBeUndefined();
  });
});

describe("an end whose group is at a node", () => {
  test.each([
    ["that clients cannot be sent to", "name-of-node-a-0", [undefined, URLS[1]]],
    ["that is gone", "lease has not ended", URLS],
  ])("%s is told to try again, and the log says why", async (how, reason, urls) => {
    const { nodes, a, b } = twoNodes({}, urls);
    await comes(a, "center");
    if (how.includes("gone")) nodes.leave("node-a-0");
    expect((await comes(b, "local")).ended?.code).toBe(1013);
    expect(b.log.lines).toMatchObject([{ level: "warn", reason: expect.stringContaining(reason) }]);
  });

  test("that nobody can be asked about is told to try again, and sent there later", async () => {
    const { nodes, a, b } = twoNodes();
    await comes(a, "center");
    nodes.isDown = true;
    expect((await comes(b, "local")).ended?.code).toBe(1013);
    nodes.isDown = false;
    expect((await comes(b, "local")).ended?.code).toBe(4011);
  });
});

describe("a group's claim", () => {
  const cluster = () => fakeNodes().join("node-a-0", URLS[0]);

  /** Grants everything; the test loses a claim, or is told that this node has it already. */
  function looseClaims() {
    const held: { readonly name: string; readonly options: ClaimOptions }[] = [];
    const released: string[] = [];
    const own: string[] = [];
    const claims: Claims = {
      claim(name, options, done) {
        if (own.length > 0) return done({ takenBy: own.pop() ?? "" });
        held.push({ name, options });
        done({ holder: "x", fence: 1, renew: () => true, release: () => void released.push(name) });
      },
    };
    return { claims, held, released, own };
  }

  test("is asked for once, whoever waits for its answer, and before any role", () => {
    const late = lateClaims();
    const { join, route } = pipeHouse({}, late.claims, cluster());
    join("center");
    join("local");
    expect(late.asked.map(({ name }) => name)).toEqual(["/pipe\0g\0node"]);
    late.grant(0);
    expect(late.asked.map(({ name }) => name).slice(1)).toEqual(["/pipe\0g\0center", "/pipe\0g\0local"]);
    late.grant(1);
    late.grant(2);
    expect(route.stats()).toMatchObject({ pairs: 1, waiting: 0 });
  });

  test("is given back when its only guest has left before the answers", () => {
    const late = lateClaims();
    const { join, route } = pipeHouse({}, late.claims, cluster());
    join("center").leave();
    late.grant(0);
    late.grant(1);
    expect([late.released(), Object.values(route.stats())]).toEqual([2, [0, 0, 0, 0]]);
  });

  test("is given back when its only guest gets no role", () => {
    const late = lateClaims();
    const { join } = pipeHouse({}, late.claims, cluster());
    const center = join("center");
    late.grant(0);
    late.asked[1]?.done({ takenBy: "somebody" });
    expect([center.ended?.code, late.released()]).toEqual([4409, 1]);
  });

  test.each(["expired", "taken"] as const)(
    "that is lost (%s) ends everybody here, who may try again; a newcomer claims it anew",
    (how) => {
      const { claims, held, released } = looseClaims();
      const house = pipeHouse({}, claims, cluster());
      const { center, local } = house.pair();
      held[0]?.options.onLost(how);
      expect([center.ended?.code, local.ended?.code]).toEqual([1013, 1013]);
      expect(released.sort()).toEqual(["/pipe\0g\0center", "/pipe\0g\0local"]);
      expect(house.join("center").ended).toBeUndefined();
      expect(held.filter(({ name }) => name.endsWith("node")).length).toBe(2);
    },
  );

  test("that is lost while a role is asked for ends that one, and gives the role back", () => {
    const late = lateClaims();
    const { join } = pipeHouse({}, late.claims, cluster());
    const center = join("center");
    late.grant(0);
    late.asked[0]?.options.onLost("expired");
    expect(center.ended?.code).toBe(1013);
    late.grant(1);
    expect(late.released()).toBe(1);
  });

  test("that this node seems to have still is asked for once more", async () => {
    const { claims, own } = looseClaims();
    const { join, log } = pipeHouse({}, claims, cluster());
    own.push("node-a-0");
    expect(join("center").ended).toBeUndefined();
    own.push("node-a-0", "node-a-0");
    const other = join("center", "other");
    await settle();
    expect([other.ended?.code, log.lines[0]?.["reason"]]).toEqual([
      1013,
      "what this node gave back is not free yet",
    ]);
  });
});
