/** All groups, in the order and with the numbers of the Autobahn suite; 0 and 14 are our own. */
import { autoFragments } from "./auto-fragments.ts";
import type { Group } from "./case.ts";
import { closing } from "./closing.ts";
import { deflate, deflateTerms } from "./deflate.ts";
import { deflateFrames } from "./deflate-frames.ts";
import { fragments } from "./fragments.ts";
import { framing } from "./framing.ts";
import { handshake } from "./handshake.ts";
import { limits } from "./limits.ts";
import { opcodes } from "./opcodes.ts";
import { pings } from "./pings.ts";
import { reservedBits } from "./reserved-bits.ts";
import { utf8 } from "./utf8.ts";

export const GROUPS: readonly Group[] = [
  handshake,
  framing,
  pings,
  reservedBits,
  opcodes,
  fragments,
  utf8,
  closing,
  limits,
  autoFragments,
  deflate,
  deflateTerms,
  deflateFrames,
];
