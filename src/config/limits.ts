/** Options of `limits`: what one client, one address, or all of them may take. 0 is no limit. */
import { z } from "zod";
import { bounded, option, optionalSize, size } from "./option.ts";

export const limitsOptions = z
  .strictObject({
    connections: bounded(
      option(
        z.int().min(0).optional(),
        "descriptors that connections may use, a bridge two; default: 80 % of the process's limit",
        "descriptors",
      ),
      "at the system's own limit nothing is refused, everything hangs; a bridge takes two",
      "503 `full`",
      "80 % of the open files the process may have",
    ),
    perAddress: bounded(
      option(
        z.int().min(0).default(256),
        "connections of one address, IPv6 by its /64; past it 429. Behind a proxy that trustProxy names the client's address counts, loopback never",
        "connections",
      ),
      "an office behind one address fits, a flood from one does not; IPv6 by its /64, loopback is free",
      "429 `too_many_connections`",
    ),
    perUser: bounded(
      option(
        z.int().min(0).default(0),
        "connections of one user, whatever the address; past it 429",
        "connections",
      ),
      "what one user's devices need is for the operator to say",
      "429 `too_many_connections`",
    ),
    perSecond: bounded(
      option(
        z.int().min(0).default(200),
        "new connections a second after as many at once, a quarter of them from one address; past it 429. Loopback is not counted",
        "connections/s",
      ),
      "each costs a handshake, maybe a token to check; a burst of one second's worth is free, a quarter of it for one address",
      "429 `too_fast`",
    ),
    headers: bounded(
      option(
        z.int().min(0).default(100),
        "headers of different names that a request may have; past it 431. The runtime takes fewer than 199, and 16 KiB with the request line",
        "headers",
      ),
      "nobody needs more; the runtime takes fewer than 199 whatever stands here",
      "431 `too_many_headers`",
    ),
    body: bounded(
      size("1MiB", "body of a request; past it 413"),
      "a body is held whole; `maxMessage` bounds what is published",
      "413",
    ),
    pings: bounded(
      option(
        z.int().min(0).default(60),
        "pings that a client may send in 10 s; past it close 1008. Each is answered, and a client that reads nothing piles answers up",
        "pings",
      ),
      "in 10 s; each is answered, and the answers pile up for a client that does not read",
      "close 1008",
    ),
    messages: bounded(
      option(
        z.int().min(0).default(0),
        "messages a second from one connection, after a burst of one second; past it no more is read for a while, then err rate_limited, then close 4029",
        "messages/s",
      ),
      "what an application needs is for its operator to say",
      "[no more is read](#pace), `err rate_limited`, close 4029",
    ),
    bytes: bounded(
      size(
        0,
        "bytes of messages a second from one connection, as limits.messages; less than maxMessage and one message costs seconds",
      ),
      "the same; at least `maxMessage`, or one message costs seconds",
      "[no more is read](#pace), `err rate_limited`, close 4029",
    ),
    subscriptions: bounded(
      option(
        z.int().min(0).default(128),
        "topics and patterns that one connection of fairlead.v1 may subscribe to; past it err too_many",
        "subscriptions",
      ),
      "each costs memory and work per message",
      "`err too_many`",
    ),
    subscribes: bounded(
      option(
        z.number().min(0).default(50),
        "sub commands a second on one connection, 100 topics of a pattern count as one more; after a first burst of limits.subscriptions no more is read from it",
        "commands/s",
      ),
      "each may read a history, and a hundred topics of a pattern count as one more; all of `limits.subscriptions` at once are free, for a client that comes back",
      "no more is read from it for a while",
    ),
  })
  .prefault({});

export const memoryOptions = z.strictObject({
  max: bounded(
    optionalSize(
      "resident memory past which new connections get 503 and readers who lag most are cut; default: 80 % of the limit of the control group, where there is one",
    ),
    "the system kills what passes its limit; a container's is found by itself",
    "503 `memory`; close 1013 of who lags most",
    "80 % of the control group's limit, else none",
  ),
});
