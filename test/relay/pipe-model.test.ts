/**
 * Pipes against a model of them: random peers come, speak, stall, read, leave, and time passes, over two groups with few seats. Of what
 * one says, its partner gets a prefix, in order and doubled by nothing; all of it, unless that partner has left.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Data } from "../../src/connection.ts";
import type { FakeConnection } from "../fake-connection.ts";
import { pipeHouse, turnEnd } from "./pipe-house.ts";

type Role = "center" | "local";
const WAIT = 10_000;

interface Step {
  readonly act: "say" | "stall" | "read" | "bye" | "cut" | "turn" | "wait";
  readonly seat: number;
  readonly size: number;
}

const steps = fc.array(
  fc.record<Step>({
    act: fc.constantFrom("say", "say", "say", "say", "stall", "read", "bye", "cut", "turn", "wait"),
    // Six chairs for four seats, so that some are third peers.
    seat: fc.nat(5),
    size: fc.constantFrom(0, 1, 40, 400, 100_000),
  }),
  { maxLength: 80, size: "max" },
);

/** What the model knows of a peer. */
interface Known {
  readonly conn: FakeConnection;
  readonly group: string;
  readonly role: Role;
  readonly said: Data[];
  readonly heard: Data[];
  partner: Known | undefined;
}

const SEATS = [
  ["a", "center"],
  ["a", "local"],
  ["a", "center"],
  ["b", "local"],
  ["b", "center"],
  ["b", "local"],
] as const;

async function play(third: "reject" | "replace", all: readonly Step[]): Promise<void> {
  const house = pipeHouse({ third, waitTimeout: WAIT, slow: { policy: "pause", highWater: 500 } });
  const peers: Known[] = [];
  const chairs: (Known | undefined)[] = [];

  for (const [at, step] of all.entries()) {
    const peer = sitting(step.seat);
    act(at, step, peer);
    if (step.act === "turn") await turnEnd();
    check();
  }
  for (const { conn } of peers) if (conn.isOpen) conn.catchUp();
  await turnEnd();
  check();
  for (const { conn } of peers) if (conn.isOpen) conn.leave();
  await turnEnd();
  check();
  expect(house.isEmpty()).toBe(true);

  function act(at: number, { act, size }: Step, peer: Known): void {
    const { conn } = peer;
    if (act === "wait") house.clock.advance(WAIT / 3);
    if (!conn.isOpen) return;
    if (act === "say") {
      // What is said after the partner has left is for nobody.
      const data = at % 2 === 0 ? `${at}${"x".repeat(size)}` : new Uint8Array(size).fill(at);
      if (peer.partner === undefined || peer.partner.conn.isOpen) peer.said.push(data);
      conn.say(data);
    } else if (act === "stall") conn.stall();
    else if (act === "read") conn.catchUp(size);
    else if (act === "bye") conn.leave();
    else if (act === "cut") conn.leave(1006);
  }

  /** The peer on a chair; when it has left, a new one takes it, and may find its partner. */
  function sitting(chair: number): Known {
    const there = chairs[chair];
    if (there?.conn.isOpen) return there;
    const [group = "a", role = "center"] = SEATS[chair] ?? [];
    const known = { conn: house.join(role, group), group, role, said: [], heard: [], partner: undefined };
    chairs[chair] = known;
    pair(known);
    peers.push(known);
    return known;
  }

  function pair(known: Known): void {
    if (!known.conn.isOpen) return;
    const partner = peers.find(
      ({ conn, group, role, partner }) =>
        conn.isOpen && partner === undefined && group === known.group && role !== known.role,
    );
    if (partner === undefined) return;
    known.partner = partner;
    partner.partner = known;
  }

  function check(): void {
    for (const peer of peers) {
      peer.heard.push(...peer.conn.take());
      const said = peer.partner?.said ?? [];
      expect(peer.heard).toEqual(said.slice(0, peer.heard.length));
      if (peer.conn.ended?.code === 1000 && peer.conn.ended.local) expect(peer.heard).toEqual(said);
    }
    const { due, delivered, dropped } = house.counters;
    const pending = due - delivered - dropped.absent - dropped.closed;
    // What this turn still holds belongs to one receiver.
    expect(pending).toBeGreaterThanOrEqual(house.route.stats()["queued"] ?? 0);
  }
}

for (const third of ["reject", "replace"] as const) {
  test(`pipes lose, double and mix up nothing, and hold nothing in the end, if third is ${third}`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, (all) => play(third, all)),
      { numRuns: 150 },
    );
  });
}
