/** Options of a route of kind echo. */
import { z } from "zod";
import { common, slow, welcome } from "./every.ts";

export const echoOptions = z.strictObject({
  kind: z.literal("echo"),
  welcome: welcome("Welcome to the Echo Server!"),
  ...common(["connect"], "1MiB", "25s", "10s"),
  slow: slow(["pause", "close"], "pause", "1MiB"),
});

export type EchoOptions = z.output<typeof echoOptions>;
