/** All that is fuzzed, in the order it is. */
import type { Target } from "./target.ts";
import { bridgeFrames } from "./targets/bridge-frames.ts";
import { commands } from "./targets/commands.ts";
import { configFiles } from "./targets/config-files.ts";
import { credentials } from "./targets/credentials.ts";
import { envelopes } from "./targets/envelopes.ts";
import { frames } from "./targets/frames.ts";
import { handshakes } from "./targets/handshakes.ts";
import { packedFrames } from "./targets/packed-frames.ts";
import { tokenFiles } from "./targets/token-files.ts";
import { tokens } from "./targets/tokens.ts";

export const TARGETS: readonly Target[] = [
  frames,
  packedFrames,
  handshakes,
  commands,
  envelopes,
  bridgeFrames,
  credentials,
  configFiles,
  tokenFiles,
  tokens,
];
