/** Envelopes of plain peers in which a field or a byte is not what it should be. The few groups are shared: partners meet. */
import { parseEnvelope } from "../../../src/wire/envelope.ts";
import type { Chance } from "../chance.ts";
import { encode, framesOf, messagesIn, text } from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes, mutateJson } from "../mutate.ts";
import { envelopeOf } from "../speech/envelopes.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";
import { headOf } from "./frames.ts";

export const envelopes: Target = {
  name: "envelopes",
  isOnTheWire: true,
  make(chance) {
    const said = chance.some(1, 12, () => text(written(chance)));
    return [headOf(chance, "/relay"), ...said.flatMap((one) => framesOf(chance, one)).map(encode)];
  },
  async run(input, { host }) {
    const verdict = judge(Buffer.concat(input), await exchange(host, input));
    for (const { opcode, payload } of verdict.frames) if (opcode === 1) expectEnvelope(`${payload}`);
    return messagesIn(verdict.sent).some(({ payload }) => "envelope" in parseEnvelope(`${payload}`));
  },
};

function written(chance: Chance): string {
  const envelope = envelopeOf(chance);
  const said = JSON.stringify(chance.is(0.4) ? mutateJson(chance, envelope) : envelope);
  return chance.is(0.15) ? mutateBytes(chance, Buffer.from(said)).toString() : said;
}

const FIELDS = "group_id,sender_type,receiver_type,content,message_type";

/** All five fields, in this order, in everything a plain peer hears. */
function expectEnvelope(said: string): void {
  if (Object.keys(JSON.parse(said)).join() !== FIELDS) throw new Error(`no envelope: ${said}`);
}
