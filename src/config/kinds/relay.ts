/** Options of a route of kind relay. */
import { z } from "zod";
import { duration, option } from "../option.ts";
import { common, slow } from "./every.ts";

export const relayOptions = z.strictObject({
  kind: z.literal("relay"),
  timeout: duration("30s", "a peer that says nothing at all for so long is closed with 4408"),
  confirm: option(
    z.union([z.enum(["delivered", "always"]), z.literal(false)]).default("delivered"),
    "when a sender is told that its message was sent: when handed over, always (also without a partner), never",
  ),
  language: option(z.enum(["zh", "en"]).default("zh"), "language of the server's messages"),
  ...common("1MiB", "25s", "10s"),
  slow: slow(["pause", "close"], "pause", "1MiB"),
});

export type RelayOptions = z.output<typeof relayOptions>;
