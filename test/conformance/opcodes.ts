/** Group 4, RFC 6455 section 5.2: an opcode that has no meaning yet fails the connection. */
import { frame } from "../raw-client.ts";
import { type Case, fails, type Group, ping, text } from "./case.ts";

/** With and without a payload, alone and between other frames, at once and byte by byte. */
function reserved(part: string, opcodes: readonly number[]): Case[] {
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = opcodes;
  const around = (opcode: number) => [frame("before"), frame("x", { opcode }), ping("after")];
  const id = (n: number) => `${part}.${n}`;
  return [
    fails({ id: id(1), title: `opcode ${first} without a payload` }, [frame("", { opcode: first })], [1002]),
    fails({ id: id(2), title: `opcode ${second} with a payload` }, [frame("x", { opcode: second })], [1002]),
    fails({ id: id(3), title: `opcode ${third} between others` }, around(third), [1002], [text("before")]),
    fails(
      { id: id(4), title: `opcode ${fourth} between others, in segments of 3 bytes` },
      around(fourth),
      [1002],
      [text("before")],
      3,
    ),
    fails(
      { id: id(5), title: `opcode ${fifth} between others, byte by byte` },
      around(fifth),
      [1002],
      [text("before")],
      1,
    ),
  ];
}

export const opcodes: Group = {
  id: "4",
  title: "opcodes",
  cases: [...reserved("4.1", [3, 4, 5, 6, 7]), ...reserved("4.2", [11, 12, 13, 14, 15])],
};
