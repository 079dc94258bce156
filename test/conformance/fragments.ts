/** Group 5, RFC 6455 section 5.4: messages in fragments, control frames between them, and fragments that belong to nothing. */
import { frame, OPCODE } from "../raw-client.ts";
import {
  BEGUN,
  type Case,
  type Chop,
  fails,
  type Group,
  LAST,
  MIDDLE,
  ping,
  pong,
  survives,
  text,
} from "./case.ts";

const two = [frame("frag", BEGUN), frame("ments", LAST)];
const pinged = [frame("frag", BEGUN), ping("between"), frame("ments", LAST)];
/** A whole message follows, which must not come back. */
const orphan = (fin: boolean) => [frame("orphan", { ...LAST, fin }), frame("after")];
/** One message, then a fragment that continues nothing. */
const late = (fin: boolean) => [...two, frame("orphan", { ...LAST, fin }), frame("after")];
const fives = [
  frame("a", BEGUN),
  frame("b", MIDDLE),
  ping("one"),
  frame("c", MIDDLE),
  frame("d", MIDDLE),
  ping("two"),
  frame("e", LAST),
];

const WAYS: readonly (readonly [name: string, chop: Chop])[] = [
  ["in one write", undefined],
  ["in segments of 10 bytes", 10],
  ["byte by byte", 1],
];

/** The same bytes, cut into segments in three ways. */
function inThreeWays(
  first: number,
  make: (head: Pick<Case, "id" | "title">, chop: Chop) => Case,
  title: string,
) {
  return WAYS.map(([way, chop], index) =>
    make({ id: `5.${first + index}`, title: `${title}, ${way}` }, chop),
  );
}

export const fragments: Group = {
  id: "5",
  title: "fragments",
  cases: [
    fails(
      { id: "5.1", title: "a ping in two fragments" },
      [frame("pi", { opcode: OPCODE.ping, fin: false }), frame("ng", LAST)],
      [1002],
    ),
    fails(
      { id: "5.2", title: "a pong in two fragments" },
      [frame("po", { opcode: OPCODE.pong, fin: false }), frame("ng", LAST)],
      [1002],
    ),
    ...inThreeWays(3, (head, chop) => survives(head, two, [text("fragments")], chop), "two fragments"),
    ...inThreeWays(
      6,
      (head, chop) => survives(head, pinged, [pong("between"), text("fragments")], chop),
      "a ping between two fragments",
    ),
    ...inThreeWays(9, (head, chop) => fails(head, orphan(true), [1002], [], chop), "the end of nothing"),
    ...inThreeWays(12, (head, chop) => fails(head, orphan(false), [1002], [], chop), "the middle of nothing"),
    fails(
      { id: "5.15", title: "the middle of nothing after a whole message" },
      late(false),
      [1002],
      [text("fragments")],
    ),
    fails(
      { id: "5.16", title: "the end of nothing after a whole message, byte by byte" },
      late(true),
      [1002],
      [text("fragments")],
      1,
    ),
    fails({ id: "5.17", title: "an empty fragment of nothing" }, [frame("", MIDDLE)], [1002]),
    fails({ id: "5.18", title: "a text within a text" }, [frame("one", BEGUN), frame("two")], [1002]),
    survives(
      { id: "5.19", title: "five fragments and two pings, with a stop in the middle" },
      [...fives.slice(0, 4), "sync", ...fives.slice(4)],
      [pong("one"), pong("two"), text("abcde")],
    ),
    survives(
      { id: "5.20", title: "five fragments and two pings, byte by byte" },
      fives,
      [pong("one"), pong("two"), text("abcde")],
      1,
    ),
    survives(
      { id: "5.21", title: "fragments without a byte" },
      [frame("", BEGUN), frame("", MIDDLE), frame("x", MIDDLE), frame("", LAST)],
      [text("x")],
    ),
    fails(
      { id: "5.22", title: "binary within a text" },
      [frame("one", BEGUN), frame("two", { opcode: OPCODE.binary, fin: false })],
      [1002],
    ),
  ],
};
