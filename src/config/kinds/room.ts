/** Options of a route of kind room. */
import { z } from "zod";
import { flag } from "../option.ts";
import { common, history, presence, slow } from "./every.ts";

export const roomOptions = z.strictObject({
  kind: z.literal("room"),
  echo: flag(true, "whether a plain sender gets its own message back"),
  binary: flag(true, "whether binary messages are broadcast; false ignores them"),
  history,
  presence,
  ...common(["subscribe", "publish", "presence", "history"], "64KiB", "25s", "10s"),
  slow: slow(["close", "drop-oldest"], "close", "1MiB"),
});

export type RoomOptions = z.output<typeof roomOptions>;
