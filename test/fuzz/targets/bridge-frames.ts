/** Frames of resumable streams, in both forms, with lengths, tags, counts and requests that are wrong. */
import { MAX_DATA, MAX_SSH_DATA, readFrame } from "../../../src/wire/bridge-frames.ts";
import type { Chance } from "../chance.ts";
import { binary, encode, framesOf, messagesIn, text } from "../client-frames.ts";
import { exchange } from "../exchange.ts";
import { mutateBytes } from "../mutate.ts";
import { bridgeFrameOf, streamPathOf } from "../speech/bridge.ts";
import type { Target } from "../target.ts";
import { judge } from "../verdict.ts";
import { headOf } from "./frames.ts";

export const bridgeFrames: Target = {
  name: "bridge-frames",
  isOnTheWire: true,
  make(chance) {
    const isSsh = chance.is(0.4);
    const path = streamPathOf(chance, isSsh);
    const asked = chance.is(0.1) ? queryMutated(chance, path) : path;
    const said = chance.some(1, 10, () => (chance.is(0.02) ? text("no frame") : binary(written(chance))));
    const head = headOf(chance, asked, isSsh ? "ssh" : "fairlead.bridge.v1");
    return [head, ...said.flatMap((one) => framesOf(chance, one)).map(encode)];
  },
  async run(input, { host }) {
    const verdict = judge(Buffer.concat(input), await exchange(host, input));
    for (const { opcode, payload } of verdict.frames) if (opcode === 2) expectFrame(payload);
    return messagesIn(verdict.sent).some(({ isText, payload }) => !isText && isFrame(payload, MAX_SSH_DATA));
  },
};

function written(chance: Chance): Uint8Array {
  const frame = bridgeFrameOf(chance);
  return chance.is(0.25) ? mutateBytes(chance, frame) : frame;
}

/** Printable, so that it still is a head. */
function queryMutated(chance: Chance, path: string): string {
  return encodeURI(
    mutateBytes(chance, Buffer.from(path))
      .toString()
      .replace(/\P{ASCII}|\s/gu, "~"),
  );
}

function isFrame(payload: Uint8Array, maxData: number): boolean {
  const frame = readFrame(payload, maxData);
  return frame !== undefined && frame.type !== "bad";
}

function expectFrame(payload: Uint8Array): void {
  if (!isFrame(payload, MAX_DATA)) throw new Error(`no frame: ${Buffer.from(payload).toString("hex")}`);
}
