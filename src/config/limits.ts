/** Options of `limits`: what one client, one address, or all of them may take. 0 is no limit. */
import { z } from "zod";
import { option, optionalSize, size } from "./option.ts";

export const limitsOptions = z
  .strictObject({
    connections: option(
      z.int().min(0).optional(),
      "descriptors that connections may use, a bridge two; default: 80 % of the process's limit",
      "descriptors",
    ),
    perAddress: option(
      z.int().min(0).default(256),
      "connections of one address, IPv6 by its /64; past it 429. Behind a proxy that trustProxy names the client's address counts, loopback never",
      "connections",
    ),
    perUser: option(
      z.int().min(0).default(0),
      "connections of one user, whatever the address; past it 429",
      "connections",
    ),
    perSecond: option(
      z.int().min(0).default(200),
      "new connections a second after as many at once, a quarter of them from one address; past it 429. Loopback is not counted",
      "connections/s",
    ),
    headers: option(
      z.int().min(0).default(100),
      "headers of different names that a request may have; past it 431. The runtime takes fewer than 199, and 16 KiB with the request line",
      "headers",
    ),
    body: size("1MiB", "body of a request; past it 413"),
    pings: option(
      z.int().min(0).default(60),
      "pings that a client may send in 10 s; past it close 1008. Each is answered, and a client that reads nothing piles answers up",
      "pings",
    ),
    messages: option(
      z.int().min(0).default(0),
      "messages a second from one connection, after a burst of one second; past it no more is read for a while, then err rate_limited, then close 4029",
      "messages/s",
    ),
    bytes: size(
      0,
      "bytes of messages a second from one connection, as limits.messages; less than maxMessage and one message costs seconds",
    ),
    subscriptions: option(
      z.int().min(0).default(128),
      "topics and patterns that one connection of fairlead.v1 may subscribe to; past it err too_many",
      "subscriptions",
    ),
    subscribes: option(
      z.number().min(0).default(50),
      "sub commands a second on one connection, 100 topics of a pattern count as one more; after a first burst of limits.subscriptions no more is read from it",
      "commands/s",
    ),
  })
  .prefault({});

export const memoryOptions = z.strictObject({
  max: optionalSize(
    "resident memory past which new connections get 503 and readers who lag most are cut; default: 80 % of the limit of the control group, where there is one",
  ),
});
