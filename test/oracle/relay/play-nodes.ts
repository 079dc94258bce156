/**
 * Plays a sequence of steps on a relay of three nodes, and holds all that is said, handed over and told to the ledger. What is done to
 * nodes may end sessions at moments that nobody sees, so `unknown` is believed after it; all else holds as on one node.
 */
import fc from "fast-check";
import type { Role } from "../../../src/wire/envelope.ts";
import { type Device, observe, openPeer, openPlain } from "./device.ts";
import { createLedger } from "./ledger.ts";
import type { Line } from "./net.ts";
import { LAST_LEASE_MS, NODES, openNodes } from "./nodes.ts";
import { BOTH, type Played, type RelayKind, ROLES } from "./play.ts";

export interface NodesStep {
  readonly act:
    | "say"
    | "open"
    | "cut"
    | "hold"
    | "flow"
    | "wait"
    | "pause"
    | "read"
    | "notice"
    | "close"
    | "die"
    | "kill"
    | "stop"
    | "freeze"
    | "thaw"
    | "away"
    | "back"
    | "flush";
  readonly device: number;
  readonly node: number;
  readonly times: number;
  readonly as: "text" | "json" | "bytes";
  readonly size: number;
  readonly ttl: number | undefined;
  /** Of those on their way, how many still arrive. */
  readonly frames: number;
  /** Whether the server hears of a cut. */
  readonly isClean: boolean;
  readonly ms: number;
  /** Whether everything comes to rest before the next step. */
  readonly rests: boolean;
}

const often = (weight: number, ...acts: NodesStep["act"][]) => ({
  weight,
  arbitrary: fc.constantFrom(...acts),
});

export const nodesSteps = fc.array(
  fc.record<NodesStep>({
    act: fc.oneof(
      often(14, "say"),
      often(8, "open"),
      often(5, "wait"),
      often(4, "cut", "flow", "read"),
      often(2, "hold", "pause", "kill", "freeze", "thaw", "away", "back"),
      often(1, "notice", "close", "die", "stop", "flush"),
    ),
    device: fc.constantFrom(0, 0, 1, 1, 2, 3),
    node: fc.nat(NODES - 1),
    times: fc.integer({ min: 1, max: 6 }),
    as: fc.constantFrom("text", "text", "json", "bytes"),
    size: fc.constantFrom(8, 8, 8, 400),
    ttl: fc.constantFrom(undefined, undefined, 0, 400, 3_000),
    frames: fc.constantFrom(0, 0, 1, 2, 5),
    isClean: fc.boolean(),
    ms: fc.constantFrom(0, 1, 300, 1_000, 4_000, 12_000),
    rests: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40, size: "max" },
);

/** Small, so that short sequences reach every bound. */
const QUEUE = { size: 8, bytes: 0, total: 0, ttl: 5_000, plain: true };
const SESSION = { ttl: 10_000, max: 0 };
const SLOW = { policy: "pause", highWater: 2_000 } as const;
const STEP_MS = 1_000;
/** Longer than any message, session and role is waited for. */
const LAST_MS = 40_000 + LAST_LEASE_MS;

/** `flush`: empties Redis. */
export async function playNodes(
  { url, flush }: { readonly url: string; flush(): Promise<void> },
  { third, isMixed }: RelayKind,
  all: readonly NodesStep[],
): Promise<Played> {
  const ledger = createLedger(third, "all, of many");
  const people = new Map<string, { name: string; role: Role; session: string }>();
  const options = { third, queue: QUEUE, session: SESSION, slow: SLOW, timeout: 0, language: "en" } as const;
  const house = await openNodes(url, options, {
    sent(name, data) {
      const person = people.get(name);
      if (person !== undefined) person.session = observe(ledger, person, person.session, data);
    },
    // It left, and so its session has ended.
    closed({ code }) {
      if (code === 1000) ledger.sessionEnds();
    },
  });
  const lines: Line[] = [];
  const devices: (Device | undefined)[] = ROLES.map(() => undefined);
  const lineOf = new Map<Device, Line>();
  const dead: Device[] = [];
  let lives = 0;

  function open(index: number): void {
    if (devices[index]?.isOpen) return;
    lives += 1;
    const role = ROLES[index] ?? "center";
    const name = `${role}${index}.${lives}`;
    const line = house.line(name);
    lines.push(line);
    people.set(name, { name, role, session: "" });
    const way = { url: "ws://oracle/relay", WebSocket: line.WebSocket, clock: house.clock };
    const device =
      isMixed && index === 3 ? openPlain(name, role, ledger, way) : openPeer(name, role, ledger, way);
    devices[index] = device;
    lineOf.set(device, line);
  }

  /** Goes for ever, without a word. */
  function die(index: number, device: Device, line: Line): void {
    line.isDown = true;
    line.cut(0, false);
    dead.push(device);
    devices[index] = undefined;
  }

  /** Sessions may end while time passes; whose they are nobody here knows. */
  async function wait(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= STEP_MS) {
      ledger.sessionEnds(...BOTH.filter((role) => !house.isConnected(ledger.speaker(role))));
      house.clock.advance(Math.min(left, STEP_MS));
      await house.settle();
      ledger.sessionEnds(...BOTH.filter((role) => !house.isConnected(ledger.speaker(role))));
    }
  }

  async function shake({ act, node }: NodesStep): Promise<void> {
    if (!["kill", "stop", "freeze", "thaw", "away", "back", "flush"].includes(act)) return;
    ledger.sessionEnds(...BOTH);
    if (act === "kill") await house.kill(node);
    if (act === "stop") await house.stop(node);
    if (act === "freeze") house.freeze(node);
    if (act === "thaw") await house.thaw(node);
    if (act === "away") await house.cut(node);
    if (act === "back") await house.mend(node);
    if (act === "flush") await flush();
    ledger.sessionEnds(...BOTH);
  }

  async function act(step: NodesStep): Promise<void> {
    const { device: index, ms, frames, isClean } = step;
    if (step.act === "open") open(index);
    if (step.act === "wait") await wait(ms);
    if (step.act === "notice") for (const line of lines) line.notice();
    await shake(step);
    const device = devices[index];
    const line = device && lineOf.get(device);
    if (device === undefined || line === undefined) return;
    if (step.act === "say") for (let n = 0; n < step.times; n += 1) device.say(step);
    if (step.act === "cut") line.cut(frames, isClean);
    if (step.act === "hold") line.hold();
    if (step.act === "flow") line.flow();
    if (step.act === "pause" || step.act === "read") device.read(step.act === "read");
    if (step.act === "close") device.close();
    if (step.act === "die") die(index, device, line);
  }

  /** Everybody reads and can be reached, all nodes run, somebody has each role, and time goes on until nothing can change any more. */
  async function finish(): Promise<void> {
    for (let node = 0; node < NODES; node += 1) {
      await house.thaw(node);
      await house.mend(node);
    }
    ledger.sessionEnds(...BOTH);
    for (const line of lines) {
      line.flow();
      line.notice();
    }
    for (const device of dead) device.close();
    for (const device of devices) device?.read(true);
    await wait(LAST_LEASE_MS);
    for (const index of [0, 1]) if (!devices.some((device) => isIn(ROLES[index], device))) open(index);
    await wait(LAST_MS);
    const present = devices.filter((device) => device?.isOpen === true);
    for (const device of present)
      if (device?.partner === "offline") throw new Error(`${device.name} sees nobody`);
    for (const device of present) if (device?.partner === "unknown") device.close();
    await wait(STEP_MS);
    if (ledger.open().length > 0) throw new Error(`no end of ${ledger.open().join(", ")}`);
  }

  try {
    for (const step of all) {
      await act(step);
      if (step.rests) await house.settle();
      ledger.check();
    }
    await finish();
    ledger.finish();
    ledger.check();
    return { given: ledger.givenCount, ended: ledger.ended };
  } finally {
    for (const device of devices) device?.close();
    await house.end();
  }
}

const isIn = (role: Role | undefined, device: Device | undefined) =>
  device?.isOpen === true && device.role === role;
