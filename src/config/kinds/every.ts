/** Options that several kinds of route have. */
import { z } from "zod";
import type { CloseInfo } from "../../connection.ts";
import type { Right } from "../../identity.ts";
import { bounded, callback, duration, option, size } from "../option.ts";

/** What a hook of the TypeScript config is told of a connection. */
export interface HookConnection {
  readonly id: string;
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** Who speaks, where that was checked. */
  readonly user: string | null;
}

const heartbeat = (ping: string, pong: string) =>
  z
    .strictObject({
      ping: bounded(
        duration(ping, "how often each peer is pinged; proxies cut links that are idle for 60 s"),
        "proxies cut what is idle for 60 s",
        "a ping is sent",
      ),
      pong: bounded(
        duration(pong, "how long a pong may take before the peer counts as gone (close 4008)"),
        "time for a bad mobile network",
        "close 4008",
      ),
    })
    .prefault({});

export const highWaterOf = (byDefault: string) =>
  bounded(
    size(byDefault, "bytes that may wait for one reader before the policy acts"),
    "what may wait for one reader; a burst fits, a stalled reader costs no more",
    "the route's [policy](#slow-readers)",
  );

export const slow = <const P extends readonly [string, ...string[]]>(
  policies: P,
  byDefault: P[number],
  highWater: string,
) =>
  z
    .strictObject({
      policy: option(
        z.enum(policies).default(byDefault as never),
        "what happens to a reader with more than highWater waiting",
      ),
      highWater: highWaterOf(highWater),
    })
    .prefault({});

/** True, or patterns of names. */
const names = z.union([z.literal(true), z.array(z.string())]);

const RIGHT_REASONS: Record<Right, string> = {
  subscribe: "topics that may be read",
  publish: "topics that may be published to",
  presence: "topics whose members may be seen",
  history: "topics whose old messages may be read, also by since and last",
  "join:center": "groups whose role center may be taken",
  "join:local": "groups whose role local may be taken",
  connect: "targets that may be asked for; of an echo: echo",
};

/** A table of the rights that this kind of route knows. `whose`: before what each is for. */
export function rightsTable<R extends Right>(rights: readonly R[], whose = "") {
  const entries = rights.map(
    (right) => [right, option(names.optional(), whose + RIGHT_REASONS[right])] as const,
  );
  return z.strictObject(Object.fromEntries(entries) as Record<R, z.ZodOptional<typeof names>>);
}

const compressionTable = z.strictObject({
  threshold: size("1KiB", "messages of fewer bytes are sent as they are; 0 compresses all"),
  shared: option(
    z.literal(true).default(true),
    "one compressor for all connections, which forgets each message; there is no other",
  ),
});

/** Alone, or with its settings. */
const compression = option(
  z.union([z.boolean(), compressionTable]).default(false),
  "permessage-deflate for clients that ask for it: fewer bytes for more CPU",
);

export type Compression = z.output<typeof compression>;

/** Undefined: it is off. */
export function compressionOptions(written: Compression): z.output<typeof compressionTable> | undefined {
  if (written === true) return compressionTable.parse({});
  return written === false ? undefined : written;
}

/** What every kind of route has. */
export function common<R extends Right>(
  rights: readonly R[],
  maxMessage: string,
  ping: string,
  stallTimeout: string,
) {
  return {
    auth: option(
      z.enum(["required", "optional", "none"]).optional(),
      "who may come in: who shows who it is, anybody, or everybody unseen; default: required where the top level has auth",
    ),
    access: option(
      rightsTable(rights).optional(),
      "what clients may do whose token has no caps: true, or patterns of names; what is not listed is denied. Default: everything that the kind allows",
    ),
    anonymous: option(
      rightsTable(rights, "of those who show nothing: ").optional(),
      "with auth optional: what those may do who show nothing; default: as access",
    ),
    maxMessage: bounded(
      size(maxMessage, "largest message a client may send; past it close 1009"),
      "a message is held whole; one to a room is held for every reader",
      "close 1009, `POST` 413 `too_large`",
    ),
    heartbeat: heartbeat(ping, "10s"),
    compression,
    stallTimeout: bounded(
      duration(stallTimeout, "a reader that takes nothing for so long is closed with 1013"),
      "a reader that takes nothing at all is gone; behind a bridge may be a person who thinks",
      "close 1013, without waiting for the reader",
    ),
    onOpen: callback<(connection: HookConnection) => void>(
      "runs when a connection opens, of a client that shows its token afterwards once it counts; TypeScript config only",
    ),
    onClose: callback<(connection: HookConnection, info: CloseInfo) => void>(
      "runs when a connection has closed of which onOpen was told; TypeScript config only",
    ),
  };
}

export const history = z
  .strictObject({
    size: bounded(
      option(z.int().min(0).default(100), "messages kept per topic; 0 keeps none", "messages"),
      "what a newcomer may ask for; 0 keeps nothing",
      "the oldest is forgotten",
    ),
    ttl: bounded(
      duration("5m", "how long a message is kept; 0 = as long as the other bounds allow"),
      "topics that nobody uses any more give their memory back",
      "the oldest is forgotten",
    ),
    bytes: bounded(
      size("1MiB", "bytes kept per topic"),
      "per topic, so that large messages do not multiply",
      "the oldest is forgotten",
    ),
    total: bounded(
      size(
        "256MiB",
        "bytes kept of all topics, 256 for each message and 1KiB for each topic among them; past it a topic keeps no more than it does",
      ),
      "strangers may open as many topics as they like",
      "a topic keeps no more than it does",
    ),
  })
  .prefault({});

export const presence = z
  .strictObject({
    max: bounded(
      option(
        z.int().min(0).default(500),
        "members up to which each join and leave is told; above it their number, once a second",
        "members",
      ),
      "10,000 arrivals told one by one would be 50 million deliveries",
      "one `count` a second instead of joins and leaves",
    ),
  })
  .prefault({});

const recordTable = z.strictObject({
  dir: option(z.string().min(1), "folder of the recordings; it is made, readable by its owner only"),
  bytes: bounded(
    size("64MiB", "bytes of one recording; past it the recording ends, the session goes on"),
    "one session must not fill the disk",
    "the recording ends, the session goes on",
  ),
  files: bounded(
    option(z.int().min(0).default(100), "recordings kept; one more deletes the oldest. 0 keeps all", "files"),
    "nor many of them",
    "the oldest recording is deleted",
  ),
});

export type RecordOptions = z.output<typeof recordTable>;

/** The folder alone, or with its bounds. */
export const record = option(
  z.union([z.string().min(1), recordTable]).optional(),
  "folder in which what is said in each session is recorded; default: nothing is",
);

export function recordOptions(record: string | RecordOptions | undefined): RecordOptions | undefined {
  return typeof record === "string" ? recordTable.parse({ dir: record }) : record;
}

export const welcome = (text: string) =>
  option(z.union([z.string(), z.literal(false)]).default(text), "text sent on open; false sends none");
