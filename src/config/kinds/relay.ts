/** Options of a route of kind relay. */
import { z } from "zod";
import { duration, flag, option, size } from "../option.ts";
import { common, record, slow } from "./every.ts";

export const relayOptions = z.strictObject({
  kind: z.literal("relay"),
  mode: option(
    z.enum(["messages", "pipe"]).default("messages"),
    "messages: what peers say is read, answered and handed on; pipe: two sockets are joined, frame for frame",
  ),
  waitTimeout: duration("60s", "mode pipe: who has no partner for so long is closed with 4408"),
  timeout: duration("30s", "a peer that says nothing at all for so long is closed with 4408"),
  confirm: option(
    z.union([z.enum(["delivered", "always"]), z.literal(false)]).default("delivered"),
    "when a sender is told that its message was sent: when handed over, always (also without a partner), never",
  ),
  third: option(
    z.enum(["reject", "replace", "standby"]).default("reject"),
    "who comes for a role that is taken: is closed with 4409, takes it (the holder gets 4590), or waits for it",
  ),
  grace: duration(
    "0s",
    "how long a partner may be away before the other one is told; 0 tells at once, 10s suits phones",
  ),
  queue: z
    .strictObject({
      size: option(
        z.int().min(0).default(256),
        "messages that wait for an absent partner; one more is dropped, and its sender told",
        "messages",
      ),
      bytes: size("1MiB", "bytes that wait for an absent partner"),
      total: size("64MiB", "bytes that wait in all queues of the route; one sender has at most half"),
      ttl: duration("30s", "how long a message waits before it expires, at most; 0 = without end"),
      plain: flag(false, "whether messages of plain clients wait too, and are confirmed when handed over"),
    })
    .prefault({}),
  session: z
    .strictObject({
      ttl: duration("60s", "how long a client of fairlead.v1 may be away and go on; 0 = without end"),
      max: option(
        z.int().min(0).default(10_000),
        "sessions of clients that are away; past it the oldest of whoever left the most ends",
        "sessions",
      ),
    })
    .prefault({}),
  language: option(z.enum(["zh", "en"]).default("zh"), "language of the server's messages"),
  record,
  ...common(["join:center", "join:local"], "1MiB", "25s", "10s"),
  slow: slow(["pause", "close"], "pause", "1MiB"),
});

export type RelayOptions = z.output<typeof relayOptions>;
