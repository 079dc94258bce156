/** Compressed messages with streams and frames that are wrong, cut, or much larger inside, where a route has compression. */
import type { Chance } from "../chance.ts";
import { type ClientFrame, encode, frameOf, messagesIn } from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes } from "../mutate.ts";
import { EXTENSION, packed, RSV1 } from "../packed.ts";
import { commandOf } from "../speech/commands.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";
import { headOf } from "./frames.ts";

const BOMB = packed(Buffer.alloc(3 * 1024 * 1024));

export const packedFrames: Target = {
  name: "packed-frames",
  isOnTheWire: true,
  make(chance) {
    const speaksV1 = chance.is(0.5);
    const path = speaksV1 ? "/packed/a" : "/packed";
    const opening = headOf(chance, path, speaksV1 ? "fairlead.v1" : undefined, EXTENSION);
    const say = (nth: number) =>
      speaksV1
        ? JSON.stringify(commandOf(chance, () => nth + 1))
        : "hello, hello, hello".repeat(chance.below(200));
    return [opening, ...chance.some(1, 6, (nth) => encode(frameFor(chance, say(nth))))];
  },
  async run(input, { host }) {
    const verdict = judge(Buffer.concat(input), await exchange(host, input));
    return messagesIn(verdict.sent).length > 0;
  },
};

function frameFor(chance: Chance, said: string): ClientFrame {
  const stream = chance.is(0.03) ? BOMB : packed(Buffer.from(said));
  const payload = chance.is(0.2) ? mutateBytes(chance, stream) : stream;
  const frame = { ...frameOf(chance, chance.is(0.9) ? 1 : 2, payload), rsv: RSV1 };
  if (chance.is(0.05)) return { ...frame, rsv: chance.below(8) };
  return chance.is(0.05) ? { ...frame, fin: false } : frame;
}
