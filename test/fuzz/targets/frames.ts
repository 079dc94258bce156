/** Frames: what each kind of route may hear, with frames that are wrong, cut, doubled or out of order; and, now and then, noise. */
import { joinFrame } from "../../../src/wire/binary-frame.ts";
import { head, OPCODE } from "../../raw-client.ts";
import type { Chance } from "../chance.ts";
import {
  binary,
  type ClientFrame,
  encode,
  frameOf,
  framesOf,
  type Message,
  messagesIn,
  text,
} from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes } from "../mutate.ts";
import { bridgeFrameOf } from "../speech/bridge.ts";
import { commandOf } from "../speech/commands.ts";
import { envelopeOf } from "../speech/envelopes.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";

interface Door {
  readonly path: string;
  readonly protocol?: string;
  speak(chance: Chance, nth: number): Message;
}

const words = (chance: Chance) =>
  chance.is(0.7) ? text(chance.pick(["hello", "", "你好", "{}"])) : binary(chance.bytes(chance.below(200)));
const command = (chance: Chance, nth: number) => {
  const said = JSON.stringify(commandOf(chance, () => nth + 1));
  return chance.is(0.9) ? text(said) : binary(joinFrame(said, chance.bytes(5)));
};
const envelope = (chance: Chance) => text(JSON.stringify(envelopeOf(chance)));
const stream = (chance: Chance) => binary(bridgeFrameOf(chance));

const V1 = "fairlead.v1";
const DOORS: readonly Door[] = [
  { path: "/echo", speak: words },
  { path: "/echo", protocol: V1, speak: command },
  { path: "/room/a", speak: words },
  { path: "/room/a?presence=1&last=3", protocol: V1, speak: command },
  { path: "/feed/a", speak: words },
  { path: "/feed/a", protocol: V1, speak: command },
  { path: "/paced", protocol: V1, speak: command },
  { path: "/relay", speak: envelope },
  { path: "/relay", protocol: V1, speak: command },
  { path: "/pipe?group=g&role=center", speak: words },
  { path: "/pipe?group=g&role=local", speak: words },
  { path: "/bridge", speak: words },
  { path: "/lines", speak: words },
  { path: "/bridge", protocol: "fairlead.bridge.v1", speak: stream },
  { path: "/bridge/v4/connect", protocol: "ssh", speak: stream },
];

/** With a key that chance gives. */
export function headOf(chance: Chance, path: string, protocol?: string, extension?: string): Buffer {
  const key = chance.bytes(16).toString("base64");
  const headers = {
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Protocol": protocol ?? null,
    "Sec-WebSocket-Extensions": extension ?? null,
  };
  return Buffer.from(head({ path, headers }));
}

export const frames: Target = {
  name: "frames",
  isOnTheWire: true,
  make(chance) {
    const { path, protocol, speak } = chance.pick(DOORS);
    const opening = headOf(chance, path, protocol);
    if (chance.is(0.1)) return [opening, ...chance.some(1, 5, () => chance.bytes(1 + chance.below(60)))];
    const said = chance
      .some(1, 6, (nth) => framesOf(chance, speak(chance, nth)))
      .flat()
      .flatMap((frame) => (chance.is(0.1) ? [control(chance), frame] : [frame]));
    const wrong = chance.is(0.85) ? mutated(chance, said) : said;
    const bytes = wrong.map(encode).map((one) => (chance.is(0.03) ? mutateBytes(chance, one) : one));
    // Some do not wait for their 101.
    return chance.is(0.1) ? [Buffer.concat([opening, ...bytes])] : [opening, ...bytes];
  },
  async run(input, { host }) {
    const verdict = judge(Buffer.concat(input), await exchange(host, input));
    return verdict.statuses.includes(101) && messagesIn(verdict.sent).length > 0;
  },
};

function control(chance: Chance): ClientFrame {
  const closing = Buffer.concat([
    Buffer.of(chance.pick([3, 3, 11, 15, 255]), chance.below(256)),
    Buffer.from("bye"),
  ]);
  const [opcode, payload] = chance.pick([
    [OPCODE.ping, chance.bytes(chance.pick([0, 4, 125]))],
    [OPCODE.pong, chance.bytes(4)],
    [OPCODE.close, closing],
  ]);
  return frameOf(chance, opcode, payload);
}

/** One frame is another than it was, comes twice, late or never. */
function mutated(chance: Chance, list: readonly ClientFrame[]): ClientFrame[] {
  const at = chance.below(list.length);
  const frame = list[at] ?? frameOf(chance, OPCODE.text, chance.bytes(3));
  switch (chance.below(5)) {
    case 0:
      return list.toSpliced(at, 0, frame);
    case 1:
      return list.toSpliced(at, 1);
    case 2:
      return [...list.toSpliced(at, 1), frame];
    default:
      return list.toSpliced(at, 1, spoiled(chance, frame));
  }
}

const LENGTHS = [
  0n,
  1n,
  125n,
  126n,
  127n,
  65_535n,
  65_536n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

function spoiled(chance: Chance, frame: ClientFrame): ClientFrame {
  switch (chance.below(7)) {
    case 0:
      return { ...frame, opcode: chance.below(16) };
    case 1:
      return { ...frame, rsv: 1 + chance.below(7) };
    case 2:
      return { ...frame, fin: !frame.fin };
    case 3:
      return { ...frame, mask: undefined };
    case 4:
      return { ...frame, announced: chance.pick(LENGTHS) };
    case 5: {
      const payload = chance.bytes(chance.pick([125, 126, 65_535, 65_536, 70_000]));
      return { ...frame, payload, announced: BigInt(payload.length) };
    }
    default: {
      const payload = mutateBytes(chance, frame.payload);
      return { ...frame, payload, announced: BigInt(payload.length) };
    }
  }
}
