/**
 * The relay against a model of it: random joins, messages, silences and leavings of several peers over several groups. The model
 * keeps who holds which role, and writes down what each peer is to be told, in order.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { FakeConnection } from "../fake-connection.ts";
import { DESERTED, envelope, heard, relayHouse } from "./relay-house.ts";

type Role = "center" | "local";
const TIMEOUT = 10_000;
const other = (role: Role): Role => (role === "center" ? "local" : "center");

/** What the model knows of a peer. `told` grows as the relay's should. */
interface Known {
  group: string | undefined;
  role: Role;
  open: boolean;
  bad: number;
  /** Units of a tenth of the timeout since its last message. */
  silent: number;
  readonly told: string[];
}

interface Step {
  readonly act: "say" | "self" | "beat" | "bad" | "bye" | "cut" | "wait";
  readonly peer: number;
  readonly group: string;
  readonly role: Role;
  readonly units: number;
}

const steps = fc.array(
  fc.record<Step>({
    act: fc.constantFrom("say", "say", "say", "self", "beat", "bad", "bad", "bye", "cut", "wait"),
    peer: fc.nat(4),
    group: fc.constantFrom("a", "b"),
    role: fc.constantFrom("center", "local"),
    units: fc.integer({ min: 1, max: 6 }),
  }),
  { maxLength: 80, size: "max" },
);

class Model {
  readonly peers: Known[] = [];
  due = 0;
  delivered = 0;

  holder(group: string, role: Role): Known | undefined {
    return this.peers.find((peer) => peer.open && peer.group === group && peer.role === role);
  }

  partner(peer: Known): Known | undefined {
    return peer.group === undefined ? undefined : this.holder(peer.group, other(peer.role));
  }

  leave(peer: Known): void {
    if (!peer.open) return;
    const partner = this.partner(peer);
    peer.open = false;
    partner?.told.push(`disconnect: ${peer.role}已断开连接`);
  }

  join(peer: Known, group: string, role: Role): void {
    peer.bad = 0;
    if (this.holder(group, role) !== undefined) {
      peer.told.push("rejection: 连接被拒绝：同组内已存在相同类型的客户端");
      peer.open = false;
      return;
    }
    peer.group = group;
    peer.role = role;
    peer.told.push("-: 连接成功");
    this.partner(peer)?.told.push(`connect: ${role}已上线连接`);
  }

  say(peer: Known, text: string): void {
    peer.bad = 0;
    this.due += 1;
    const partner = this.partner(peer);
    if (partner === undefined) return;
    this.delivered += 1;
    partner.told.push(`-: ${text}`);
    peer.told.push("-: 消息已发送");
  }

  complain(peer: Known): void {
    peer.told.push("error");
    peer.bad += 1;
    if (peer.bad === 10) this.leave(peer);
  }
}

function play(all: readonly Step[]): void {
  const house = relayHouse({ timeout: TIMEOUT });
  const model = new Model();
  const conns: FakeConnection[] = [];
  const seen: string[][] = [];
  const chairs: number[] = [];

  for (const [at, step] of all.entries()) {
    act(at, step);
    check();
  }
  for (const [i, known] of model.peers.entries()) {
    if (known.open) conns[i]?.leave();
    model.leave(known);
  }
  check();
  expect(house.claims.count).toBe(0);
  expect(house.route.stats()).toEqual(DESERTED);

  function act(at: number, step: Step): void {
    const { known, conn } = sitting(step.peer);
    if (step.act === "wait") wait(step.units);
    else if (step.act === "cut") {
      conn.leave(1006);
      model.leave(known);
    } else {
      known.silent = 0;
      if (step.act === "bad") {
        conn.say("rubbish");
        model.complain(known);
      } else if (known.group === undefined) {
        conn.say(envelope({ group_id: step.group, sender_type: step.role }));
        model.join(known, step.group, step.role);
      } else speak(at, step, conn, known);
    }
  }

  function speak(at: number, { act }: Step, conn: FakeConnection, known: Known): void {
    if (act === "bye") {
      conn.say(envelope({ message_type: "disconnect" }));
      model.leave(known);
    } else if (act === "beat") {
      conn.say(envelope({ message_type: "heartbeat" }));
      known.bad = 0;
      known.told.push("heartbeat: 心跳确认");
    } else if (act === "self") {
      conn.say(envelope({ receiver_type: known.role }));
      known.bad = 0;
      model.due += 1;
    } else {
      conn.say(envelope({ content: `step ${at}` }));
      model.say(known, `step ${at}`);
    }
  }

  /** The peer on a chair; when it has left, a new one takes it. */
  function sitting(chair: number): { known: Known; conn: FakeConnection } {
    const at = chairs[chair] ?? -1;
    const [known, conn] = [model.peers[at], conns[at]];
    if (known?.open && conn !== undefined) return { known, conn };
    const next = {
      group: undefined,
      role: "center",
      open: true,
      bad: 0,
      silent: 0,
      told: [],
    } satisfies Known;
    const opened = house.open();
    chairs[chair] = model.peers.push(next) - 1;
    conns.push(opened);
    seen.push([]);
    return { known: next, conn: opened };
  }

  /** One unit at a time; the last of ten brings the end, a little late, in the order of opening. */
  function wait(units: number): void {
    for (let i = 0; i < units; i += 1) {
      house.clock.advance(TIMEOUT / 10 + TIMEOUT / 200);
      for (const known of model.peers) if (known.open) known.silent += 1;
      for (const known of model.peers) if (known.silent >= 10) model.leave(known);
    }
  }

  function check(): void {
    for (const [i, known] of model.peers.entries()) {
      const conn = conns[i];
      if (conn === undefined) throw new Error("a peer without a connection");
      seen[i]?.push(...heard(conn).map(shorten));
      expect(seen[i]).toEqual(known.told);
      expect(conn.isOpen).toBe(known.open);
    }
    const { due, delivered, dropped } = house.counters;
    expect({ due, delivered }).toEqual({ due: model.due, delivered: model.delivered });
    expect(dropped.absent + dropped.ignored).toBe(due - delivered);
  }
}

/** Without ids, which are random, and without the texts of errors. */
function shorten(line: string): string {
  if (line.startsWith("error: ")) return "error";
  return line.replace(/，您的ID是.*/, "");
}

test("the relay tells everybody what the model tells, in its order, and holds nothing when all have left", () => {
  fc.assert(fc.property(steps, play), { numRuns: 300 });
});
