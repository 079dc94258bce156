/** Plays a sequence of steps on a relay without sockets, and holds all that is said, handed over and told to the ledger. */
import fc from "fast-check";
import type { Role } from "../../../src/wire/envelope.ts";
import { type Device, observe, openPeer, openPlain } from "./device.ts";
import { openHouse } from "./house.ts";
import { createLedger, type Fate, type Third } from "./ledger.ts";
import type { Line } from "./net.ts";

export interface RelayKind {
  readonly third: Third;
  /** Whether the fourth device speaks envelopes. */
  readonly isMixed: boolean;
}

export const RELAY_KINDS: readonly RelayKind[] = (["reject", "replace", "standby"] as const).flatMap(
  (third) => [
    { third, isMixed: false },
    { third, isMixed: true },
  ],
);

/** The third and the fourth come for roles that others may have. */
export const BOTH = ["center", "local"] as const;
export const ROLES: readonly Role[] = ["center", "local", "center", "local"];

export interface Step {
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
    | "restart";
  readonly device: number;
  readonly times: number;
  readonly as: "text" | "json" | "bytes";
  readonly size: number;
  readonly ttl: number | undefined;
  /** Of those on their way, how many still arrive. */
  readonly frames: number;
  /** Of a cut: whether the server hears of it. Of a restart: whether it drains. */
  readonly isClean: boolean;
  readonly ms: number;
  /** Whether everything comes to rest before the next step. */
  readonly rests: boolean;
}

const often = (weight: number, ...acts: Step["act"][]) => ({ weight, arbitrary: fc.constantFrom(...acts) });

export const relaySteps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      often(14, "say"),
      often(8, "open"),
      often(6, "wait"),
      often(5, "cut", "flow", "read"),
      often(4, "hold", "pause"),
      often(1, "notice", "close", "die", "restart"),
    ),
    device: fc.constantFrom(0, 0, 1, 1, 2, 3),
    times: fc.integer({ min: 1, max: 6 }),
    as: fc.constantFrom("text", "text", "json", "bytes"),
    size: fc.constantFrom(8, 8, 8, 400),
    ttl: fc.constantFrom(undefined, undefined, 0, 400, 3_000),
    frames: fc.constantFrom(0, 0, 1, 2, 5),
    isClean: fc.boolean(),
    ms: fc.constantFrom(0, 1, 300, 1_000, 4_000, 12_000),
    rests: fc.boolean(),
  }),
  { minLength: 1, maxLength: 50, size: "max" },
);

/** Small, so that short sequences reach every bound. Bytes are not bounded: the random names of messages differ in length from run to run. */
const QUEUE = { size: 8, bytes: 0, total: 0, ttl: 5_000, plain: true };
const SESSION = { ttl: 10_000, max: 0 };
const SLOW = { policy: "pause", highWater: 2_000 } as const;
/** No more than so much passes without anybody having a turn: else an answer could not come in time. */
const STEP_MS = 1_000;
/** Longer than any message, session and role is waited for. */
const LAST_MS = 40_000;

export interface Played {
  readonly given: number;
  ended(fate: Fate): number;
}

export async function playRelay({ third, isMixed }: RelayKind, all: readonly Step[]): Promise<Played> {
  const ledger = createLedger(third, "all");
  const people = new Map<string, { name: string; role: Role; session: string }>();
  const options = { third, queue: QUEUE, session: SESSION, slow: SLOW, timeout: 0, language: "en" } as const;
  const house = openHouse(options, {
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

  /** Of one who is not connected. */
  function sessionExpired(): void {
    ledger.sessionEnds(...BOTH.filter((role) => !house.isConnected(ledger.speaker(role))));
  }

  async function wait(ms: number): Promise<void> {
    for (let left = ms; left >= 0; left -= STEP_MS) {
      const away = house.away();
      house.clock.advance(Math.min(left, STEP_MS));
      if (house.away() < away) sessionExpired();
      await house.settle();
    }
  }

  async function act(step: Step): Promise<void> {
    const { device: index, ms, frames, isClean } = step;
    if (step.act === "open") open(index);
    if (step.act === "wait") await wait(ms);
    if (step.act === "notice") for (const line of lines) line.notice();
    if (step.act === "restart") {
      ledger.sessionEnds(...BOTH);
      await house.restart(isClean);
    }
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

  /** Everybody reads and can be reached, somebody has each role, and time goes on until nothing can change any more. */
  async function finish(): Promise<void> {
    for (const line of lines) {
      line.flow();
      line.notice();
    }
    for (const device of dead) device.close();
    for (const device of devices) device?.read(true);
    await wait(STEP_MS);
    // What waits is handed over as soon as somebody is there and reads.
    for (const index of [0, 1]) if (!devices.some((device) => isIn(ROLES[index], device))) open(index);
    await wait(2 * STEP_MS);
    if (house.queued() > 0) throw new Error(`${house.queued()} messages wait for somebody who is there`);
    await wait(LAST_MS);
    const present = devices.filter((device) => device?.isOpen === true);
    for (const device of present)
      if (device?.partner === "offline") throw new Error(`${device.name} sees nobody`);
    for (const device of present) if (device?.partner === "unknown") device.close();
    await wait(STEP_MS);
    if (ledger.open().length > 0) throw new Error(`no end of ${ledger.open().join(", ")}`);
    if (house.unaccounted() !== 0) throw new Error(`${house.unaccounted()} messages are not accounted for`);
  }

  try {
    for (const step of all) {
      await act(step);
      if (step.rests) await house.settle();
      ledger.check();
    }
    await finish();
    ledger.check();
    return { given: ledger.givenCount, ended: ledger.ended };
  } finally {
    for (const device of devices) device?.close();
    await house.end();
  }
}

const isIn = (role: Role | undefined, device: Device | undefined) =>
  device?.isOpen === true && device.role === role;
