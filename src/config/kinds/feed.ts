/** Options of a route of kind feed. */
import { z } from "zod";
import { bounded, duration, flag, option } from "../option.ts";
import { common, highWaterOf, history, presence, welcome } from "./every.ts";

/** A message of a source: any JSON value as `data`; `topic` where it is not the source's own name. */
export interface SourceMessage {
  readonly data: unknown;
  readonly topic?: string;
}
export type Source = (signal: AbortSignal) => AsyncIterable<SourceMessage>;

export const FEED_WELCOME = '{"type":"connected","message":"Connected to the real-time feed"}';

export const feedOptions = z.strictObject({
  kind: z.literal("feed"),
  welcome: welcome(FEED_WELCOME),
  topic: option(
    z.string().optional(),
    "the topic of a path without a parameter; default: the source's name, else feed",
  ),
  source: option(
    z
      .union([
        z.literal("stocks"),
        z.custom<Source>((value) => typeof value === "function", {
          message: 'expected "stocks" or a function',
        }),
      ])
      .optional(),
    "what publishes into this feed",
  ),
  interval: duration("2s", "how often the source stocks publishes"),
  publish: flag(
    false,
    "whether clients may publish, by message or POST; caps of a token and access of the route come before it",
  ),
  keyField: option(
    z.string().min(1).optional(),
    "field of a JSON message that tells values apart for latest-only delivery",
  ),
  maxRate: bounded(
    option(
      z.number().min(0).default(0),
      "messages a second that a topic takes; of what comes faster only the newest of each key is published. 0 = all",
      "messages/s",
    ),
    "what a page can draw in a second is for its author to say; 0 takes all",
    "of what waits only the newest of each key",
  ),
  history,
  presence,
  ...common(["subscribe", "publish", "presence", "history"], "64KiB", "25s", "10s"),
  slow: z
    .strictObject({
      policy: option(
        z.enum(["close", "drop-oldest", "latest"]).optional(),
        "what happens to a reader with more than highWater waiting; default: drop-oldest, with keyField latest",
      ),
      highWater: highWaterOf("1MiB"),
    })
    .prefault({}),
});

export type FeedOptions = z.output<typeof feedOptions>;
