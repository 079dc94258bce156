/** Plays a sequence of steps on a real gateway, with peers behind links that stall, that end in the middle of a frame, and that die in silence. */
import fc from "fast-check";
import type { WebSocketConstructor } from "../../../src/client/relay.ts";
import type { Role } from "../../../src/wire/envelope.ts";
import { eventually } from "../../calm.ts";
import { startGateway, type TestGateway } from "../../gateway.ts";
import { startProxy, type TcpProxy } from "../../tcp-proxy.ts";
import { type Device, observe, openPeer, openPlain } from "./device.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { BOTH, type Played, type RelayKind, ROLES } from "./play.ts";

export interface Step {
  readonly act:
    | "say"
    | "open"
    | "tear"
    | "cut"
    | "hold"
    | "flow"
    | "pause"
    | "read"
    | "close"
    | "die"
    | "restart";
  readonly device: number;
  readonly times: number;
  readonly as: "text" | "json" | "bytes";
  readonly size: number;
  readonly ttl: number | undefined;
  /** Of those on their way, how many still arrive. */
  readonly bytes: number;
  /** Whether the loop has a turn before the next step. */
  readonly rests: boolean;
}

const often = (weight: number, ...acts: Step["act"][]) => ({ weight, arbitrary: fc.constantFrom(...acts) });

export const socketSteps = fc.array(
  fc.record<Step>({
    act: fc.oneof(
      often(12, "say"),
      often(8, "open"),
      often(4, "tear", "flow", "read"),
      often(2, "cut", "hold", "pause"),
      often(4, "close", "die", "restart"),
    ),
    device: fc.constantFrom(0, 0, 1, 1, 2, 3),
    times: fc.integer({ min: 1, max: 6 }),
    as: fc.constantFrom("text", "text", "json", "bytes"),
    size: fc.constantFrom(12, 12, 300, 5_000),
    ttl: fc.constantFrom(undefined, undefined, 0, 30),
    bytes: fc.nat(3_000),
    rests: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25, size: "max" },
);

/** Small, so that short sequences reach the bound. */
const QUEUE = { size: 8, bytes: 20_000 };
const DELAYS = { minDelay: 4, maxDelay: 20 };

interface Present {
  readonly device: Device;
  readonly proxy: TcpProxy;
}

export async function playRelayOnSockets(
  { third, isMixed }: RelayKind,
  all: readonly Step[],
): Promise<Played> {
  const ledger = createLedger(third, "what arrives");
  const start = () =>
    startGateway(
      { "/relay": { kind: "relay", third, queue: QUEUE, timeout: 0, language: "en" } },
      { drain: { window: 20 } },
    );
  let gateway = await start();
  const everybody: Present[] = [];
  const present: (Present | undefined)[] = ROLES.map(() => undefined);

  async function open(index: number): Promise<void> {
    if (present[index]?.device.isOpen) return;
    const role = ROLES[index] ?? "center";
    const name = `${role}${index}.${everybody.length}`;
    const proxy = await startProxy(portOf(gateway));
    const way = { url: `ws://${proxy.host}/relay`, WebSocket: watched(ledger, name, role), delays: DELAYS };
    const device =
      isMixed && index === 3 ? openPlain(name, role, ledger, way) : openPeer(name, role, ledger, way);
    present[index] = { device, proxy };
    everybody.push({ device, proxy });
  }

  async function restart(): Promise<void> {
    ledger.sessionEnds(...BOTH);
    await gateway[Symbol.asyncDispose]();
    gateway = await start();
    ledger.sessionEnds(...BOTH);
    for (const { proxy } of everybody) proxy.target = portOf(gateway);
  }

  async function act(step: Step): Promise<void> {
    if (step.act === "open") await open(step.device);
    if (step.act === "restart") await restart();
    const who = present[step.device];
    if (who === undefined) return;
    const { device, proxy } = who;
    const say = () => {
      for (let n = 0; n < step.times; n += 1) device.say(step);
    };
    if (step.act === "say") say();
    if (step.act === "tear") await tear(proxy, step.bytes, say);
    if (step.act === "cut") proxy.reset();
    if (step.act === "hold") proxy.hold();
    if (step.act === "flow") proxy.flow();
    if (step.act === "pause" || step.act === "read") device.read(step.act === "read");
    if (step.act === "close") device.close();
    if (step.act !== "die") return;
    proxy.goSilent();
    present[step.device] = undefined;
  }

  /** Everybody reads and can be reached, somebody has each role, and all that was said has its end. */
  async function finish(): Promise<void> {
    for (const { device, proxy } of everybody) {
      proxy.flow();
      device.read(true);
      if (present.some((who) => who?.device === device)) continue;
      device.close();
      proxy[Symbol.dispose]();
    }
    await eventually("an end of every send", async () => {
      ledger.check();
      for (const index of [0, 1]) if (!present.some((who) => isIn(ROLES[index], who))) await open(index);
      if (!BOTH.every((role) => present.some((who) => isPlaced(role, who)))) return false;
      for (const who of present) if (who?.device.partner === "unknown") who.device.close();
      return ledger.open().length === 0;
    });
  }

  try {
    for (const index of [0, 1]) await open(index);
    for (const step of all) {
      await act(step);
      if (step.rests) await turn();
      ledger.check();
    }
    await finish();
    ledger.finish();
    ledger.check();
    return { given: ledger.givenCount, ended: ledger.ended };
  } finally {
    for (const { device } of everybody) device.close();
    for (const { proxy } of everybody) proxy[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  }
}

/** What is said now is on its way when the connection ends, and some of it arrives. */
async function tear(proxy: TcpProxy, bytes: number, say: () => void): Promise<void> {
  proxy.hold();
  say();
  await turn();
  proxy.letThrough(bytes);
  proxy.reset();
  proxy.flow();
}

const turn = () => new Promise<void>((done) => setImmediate(done));

const isIn = (role: Role | undefined, who: Present | undefined) =>
  who?.device.isOpen === true && who.device.role === role;

/** A plain one cannot tell. */
const isPlaced = (role: Role, who: Present | undefined) =>
  isIn(role, who) && who?.device.partner !== "unknown" && who?.device.partner !== "offline";

const portOf = (gateway: TestGateway) => Number(gateway.host.split(":")[1]);

/** The runtime's own, whose frames are seen in both directions. */
function watched(ledger: Ledger, name: string, role: Role): WebSocketConstructor {
  let session = "";
  return class Watched extends WebSocket {
    constructor(url: string, protocols: string | string[] = []) {
      super(url, protocols);
      this.binaryType = "arraybuffer";
      this.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
        const frame = typeof data === "string" ? data : new Uint8Array(data);
        session = observe(ledger, { name, role }, session, frame);
      });
      this.addEventListener("close", ({ code }) => {
        if (code === 1000) ledger.sessionEnds();
      });
    }

    override send(data: Parameters<WebSocket["send"]>[0]): void {
      // Its answer may be lost, and the session that it begins stay unknown.
      if (typeof data === "string" && data.includes('"t":"join"') && !data.includes('"session"'))
        ledger.sessionEnds();
      super.send(data);
    }
  };
}
