/** Commands of fairlead.v1 in which a field or a byte is not what it should be. */
import { joinFrame } from "../../../src/wire/binary-frame.ts";
import { decodeCommand } from "../../../src/wire/commands.ts";
import type { Chance } from "../chance.ts";
import { binary, encode, framesOf, type Message, messagesIn, text } from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes, mutateJson } from "../mutate.ts";
import { commandOf } from "../speech/commands.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";
import { headOf } from "./frames.ts";

const PATHS = ["/room/a", "/room/b?presence=1", "/feed/a", "/feed/b?last=2", "/paced", "/relay", "/echo"];

export const commands: Target = {
  name: "commands",
  isOnTheWire: true,
  make(chance) {
    const path = chance.pick(PATHS);
    let id = 0;
    const ids = () => {
      id += chance.pick([1, 1, 1, 1, 5, 0]);
      return id;
    };
    // A relay hears nothing from who has not joined.
    const first = path === "/relay" ? [text(JSON.stringify({ t: "join", id: ++id, ...seat(chance) }))] : [];
    const said = [...first, ...chance.some(1, 8, () => message(chance, ids))];
    return [headOf(chance, path, "fairlead.v1"), ...said.flatMap((one) => framesOf(chance, one)).map(encode)];
  },
  async run(input, { host }) {
    const verdict = judge(Buffer.concat(input), await exchange(host, input));
    for (const { opcode, payload } of verdict.frames) if (opcode === 1) expectFrame(JSON.parse(`${payload}`));
    return messagesIn(verdict.sent).some(isCommand);
  },
};

const seat = (chance: Chance) => ({
  group: chance.pick(["g1", "g2"]),
  role: chance.pick(["center", "local"]),
});

function message(chance: Chance, ids: () => number): Message {
  const command = commandOf(chance, ids);
  const mutated = chance.is(0.4) ? mutateJson(chance, command) : command;
  const written = JSON.stringify(mutated);
  const said = chance.is(0.1) ? mutateBytes(chance, Buffer.from(written)).toString() : written;
  if (chance.is(0.9)) return text(said);
  const frame = joinFrame(said, chance.bytes(chance.below(20)));
  return binary(chance.is(0.3) ? mutateBytes(chance, frame) : frame);
}

function isCommand({ isText, payload }: Message): boolean {
  return "command" in decodeCommand(isText ? Buffer.from(payload).toString() : payload);
}

/** What a client of fairlead.v1 counts on in each text frame. */
function expectFrame(frame: { readonly t?: unknown; readonly code?: unknown }): void {
  if (typeof frame.t !== "string") throw new Error(`a frame without t: ${JSON.stringify(frame)}`);
  if (frame.t === "err" && typeof frame.code !== "string")
    throw new Error(`an error without its word: ${JSON.stringify(frame)}`);
}
