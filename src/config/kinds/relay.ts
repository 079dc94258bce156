/** Options of a route of kind relay. */
import { z } from "zod";
import { bounded, duration, flag, option, size } from "../option.ts";
import { common, record, slow } from "./every.ts";

export const relayOptions = z.strictObject({
  kind: z.literal("relay"),
  mode: option(
    z.enum(["messages", "pipe"]).default("messages"),
    "messages: what peers say is read, answered and handed on; pipe: two sockets are joined, frame for frame",
  ),
  waitTimeout: bounded(
    duration("60s", "mode pipe: who has no partner for so long is closed with 4408"),
    "in mode pipe; who waits holds a role and what it said",
    "close 4408",
  ),
  timeout: bounded(
    duration("30s", "a peer that says nothing at all for so long is closed with 4408"),
    "clients send a heartbeat every 20 s",
    "close 4408",
  ),
  confirm: option(
    z.union([z.enum(["delivered", "always"]), z.literal(false)]).default("delivered"),
    "when a sender is told that its message was sent: when handed over, always (also without a partner), never",
  ),
  third: option(
    z.enum(["reject", "replace", "standby"]).default("reject"),
    "who comes for a role that is taken: is closed with 4409, takes it (the holder gets 4590), or waits for it",
  ),
  grace: bounded(
    duration(
      "0s",
      "how long a partner may be away before the other one is told; 0 tells at once, 10s suits phones",
    ),
    "the partner is told at once; 10s suits phones that change networks",
    "the partner is told",
  ),
  queue: z
    .strictObject({
      size: bounded(
        option(
          z.int().min(0).default(256),
          "messages that wait for an absent partner; one more is dropped, and its sender told",
          "messages",
        ),
        "as many again may be handed over and not acknowledged",
        "the newest is dropped, its sender told",
      ),
      bytes: bounded(
        size("1MiB", "bytes that wait for an absent partner"),
        "large messages must not multiply",
        "the newest is dropped, its sender told",
      ),
      total: bounded(
        size("64MiB", "bytes that wait in all queues of the route; one sender has at most half"),
        "strangers open as many groups as they like",
        "the newest is dropped, its sender told",
      ),
      ttl: bounded(
        duration("30s", "how long a message waits before it expires, at most; 0 = without end"),
        "what comes later is of no use to most",
        "the message expires, its sender is told",
      ),
      plain: flag(false, "whether messages of plain clients wait too, and are confirmed when handed over"),
    })
    .prefault({}),
  session: z
    .strictObject({
      ttl: bounded(
        duration("60s", "how long a client of fairlead.v1 may be away and go on; 0 = without end"),
        "a tunnel, a change of networks, a page that was reloaded",
        "`err gone`, then a new session",
      ),
      max: bounded(
        option(
          z.int().min(0).default(10_000),
          "sessions of clients that are away; past it the oldest of whoever left the most ends",
          "sessions",
        ),
        "each keeps up to 1,024 receipts",
        "the oldest of whoever [left the most](#shares) ends",
      ),
    })
    .prefault({}),
  language: option(z.enum(["zh", "en"]).default("zh"), "language of the server's messages"),
  record,
  ...common(["join:center", "join:local"], "1MiB", "25s", "10s"),
  slow: slow(["pause", "close"], "pause", "1MiB"),
});

export type RelayOptions = z.output<typeof relayOptions>;
