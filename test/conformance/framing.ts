/** Group 1, RFC 6455 section 5.2: payloads around each form of the length, text and binary. */
import { type FrameOptions, frame, OPCODE } from "../raw-client.ts";
import { type Case, type Group, survives, told } from "./case.ts";

/** Around the borders of 7 and 16 bits. */
const SIZES = [0, 125, 126, 127, 128, 65_535, 65_536] as const;
const KINDS = [
  { part: "1.1", name: "text", opcode: OPCODE.text, fill: "*" },
  { part: "1.2", name: "binary", opcode: OPCODE.binary, fill: "\xfe" },
] as const;

/** Bytes of one value, which is no whole character of UTF-8 where that is allowed. */
const payloadOf = (fill: string, size: number) => Buffer.alloc(size, fill, "latin1");

const sized = KINDS.flatMap(({ part, name, opcode, fill }) => [
  ...SIZES.map((size, index) => {
    const payload = payloadOf(fill, size);
    const head = { id: `${part}.${index + 1}`, title: `${name} of ${size} bytes` };
    return survives(head, [frame(payload, { opcode })], [told(opcode, payload)]);
  }),
  chopped(`${part}.${SIZES.length + 1}`, name, opcode, payloadOf(fill, 65_536)),
]);

function chopped(id: string, name: string, opcode: number, payload: Buffer): Case {
  const title = `${name} of ${payload.length} bytes, in segments of 997 bytes`;
  return survives({ id, title }, [frame(payload, { opcode })], [told(opcode, payload)], 997);
}

const LONGER = {
  verdict: "NON-STRICT",
  why: "The runtime takes a length in a longer form than it needs (a probe of `test/runtime.test.ts`). Section 5.2 binds senders to the shortest and leaves open what a receiver does.",
} as const;

/** A strict server fails the connection, the other one reads the message. */
function longer(id: string, title: string, options: FrameOptions): Case {
  const taken = survives({ id, title, known: LONGER }, [frame("x", options)], [told(OPCODE.text, "x")]);
  return {
    ...taken,
    plan: () => {
      const { send, strict } = taken.plan();
      return { send, strict: { back: [], ends: [1002] }, nonStrict: strict };
    },
  };
}

export const framing: Group = {
  id: "1",
  title: "framing",
  cases: [...sized, longer("1.3.1", "a length of 1 byte that is written in 64 bits", { announce: 1n })],
};
