/**
 * Every option of Fairlead: name, default, unit and the reason for it. Config files, flags, environment, `config print`,
 * the JSON Schema and the docs are all read from here. An unknown key is an error. 0 turns a limit off.
 */
import { z } from "zod";
import type { CloseInfo } from "../connection.ts";
import { parseDuration, parseSize } from "./units.ts";

/** What `config print`, the JSON Schema and docs show of an option. `secret` values are never printed. */
export interface OptionMeta {
  unit?: string;
  reason: string;
  secret?: boolean;
}

function option<T extends z.ZodType>(schema: T, reason: string, unit?: string): T {
  return schema.meta(unit === undefined ? { reason } : { reason, unit });
}

function quantity(unit: string, example: string, parse: (value: number | string) => number | undefined) {
  return z.union([z.number(), z.string()]).transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: "custom", message: `expected a ${unit} like ${example}`, input: value });
    return z.NEVER;
  });
}

const duration = (byDefault: number | string, reason: string) =>
  option(
    quantity("duration", '"25s" or 25000 (milliseconds)', parseDuration).prefault(byDefault),
    reason,
    "duration",
  );

const size = (byDefault: number | string, reason: string) =>
  option(quantity("size", '"64KiB" or 65536 (bytes)', parseSize).prefault(byDefault), reason, "size");

const flag = (byDefault: boolean, reason: string) => option(z.boolean().default(byDefault), reason);

const callback = <T>(reason: string) =>
  option(
    z.custom<T>((value) => typeof value === "function", { message: "expected a function" }).optional(),
    reason,
  );

/** What a hook of the TypeScript config is told of a connection. */
export interface HookConnection {
  readonly id: string;
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
}

/** A message of a source: any JSON value as `data`; `topic` where it is not the source's own name. */
export interface SourceMessage {
  readonly data: unknown;
  readonly topic?: string;
}
export type Source = (signal: AbortSignal) => AsyncIterable<SourceMessage>;

const heartbeat = (ping: string, pong: string) =>
  z
    .strictObject({
      ping: duration(ping, "how often each peer is pinged; proxies cut links that are idle for 60 s"),
      pong: duration(pong, "how long a pong may take before the peer counts as gone (close 4008)"),
    })
    .prefault({});

const slow = <const P extends readonly [string, ...string[]]>(
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
      highWater: size(highWater, "bytes that may wait for one reader before the policy acts"),
    })
    .prefault({});

/** What every kind of route has. */
function common(maxMessage: string, ping: string, stallTimeout: string) {
  return {
    maxMessage: size(maxMessage, "largest message a client may send; past it close 1009"),
    heartbeat: heartbeat(ping, "10s"),
    stallTimeout: duration(stallTimeout, "a reader that takes nothing for so long is closed with 1013"),
    onOpen: callback<(connection: HookConnection) => void>(
      "runs when a connection opens; TypeScript config only",
    ),
    onClose: callback<(connection: HookConnection, info: CloseInfo) => void>(
      "runs when a connection has closed; TypeScript config only",
    ),
  };
}

const history = z
  .strictObject({
    size: option(z.int().min(0).default(100), "messages kept per topic; 0 keeps none", "messages"),
    ttl: duration("5m", "how long a message is kept; 0 = as long as the other bounds allow"),
    bytes: size("1MiB", "bytes kept per topic"),
  })
  .prefault({});

const presence = z
  .strictObject({
    max: option(
      z.int().min(0).default(500),
      "members up to which each join and leave is told; above it their number, once a second",
      "members",
    ),
  })
  .prefault({});

const welcome = (text: string) =>
  option(z.union([z.string(), z.literal(false)]).default(text), "text sent on open; false sends none");

export const echoOptions = z.strictObject({
  kind: z.literal("echo"),
  welcome: welcome("Welcome to the Echo Server!"),
  ...common("1MiB", "25s", "10s"),
  slow: slow(["pause", "close"], "pause", "1MiB"),
});

export const roomOptions = z.strictObject({
  kind: z.literal("room"),
  echo: flag(true, "whether a plain sender gets its own message back"),
  binary: flag(true, "whether binary messages are broadcast; false ignores them"),
  history,
  presence,
  ...common("64KiB", "25s", "10s"),
  slow: slow(["close", "drop-oldest"], "close", "1MiB"),
});

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
  publish: flag(false, "whether clients may publish, by message or POST"),
  keyField: option(
    z.string().min(1).optional(),
    "field of a JSON message that tells values apart for latest-only delivery",
  ),
  maxRate: option(
    z.number().min(0).default(0),
    "messages a second that a topic takes; of what comes faster only the newest of each key is published. 0 = all",
    "messages/s",
  ),
  history,
  presence,
  ...common("64KiB", "25s", "10s"),
  slow: z
    .strictObject({
      policy: option(
        z.enum(["close", "drop-oldest", "latest"]).optional(),
        "what happens to a reader with more than highWater waiting; default: drop-oldest, with keyField latest",
      ),
      highWater: size("1MiB", "bytes that may wait for one reader before the policy acts"),
    })
    .prefault({}),
});

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

export const bridgeOptions = z.strictObject({
  kind: z.literal("bridge"),
  target: option(z.string(), "the TCP service behind this route", "host:port"),
  framing: option(z.enum(["bytes", "text", "lines"]).default("bytes"), "how TCP bytes become messages"),
  subprotocols: option(z.array(z.string()).default([]), "subprotocols accepted beside binary, like mqtt"),
  dialTimeout: duration("5s", "how long a dial may take before the client gets 504"),
  dialPending: option(z.int().min(0).default(64), "dials under way at once; one more gets 503", "dials"),
  halfCloseTimeout: duration(
    "1s",
    "after the target's FIN: how long the client must be silent before close 1000",
  ),
  maxLine: size("1MiB", "longest line under framing lines; past it close 1009"),
  ...common("1MiB", "5s", "5m"),
  slow: slow(["pause"], "pause", "1MiB"),
});

export const routeOptions = z.discriminatedUnion("kind", [
  echoOptions,
  roomOptions,
  feedOptions,
  relayOptions,
  bridgeOptions,
]);

const engine = z.union([
  z.literal("memory"),
  z.strictObject({
    sqlite: option(z.string().min(1), "the engine's file; its folder is made when it is not there"),
    sync: option(
      z.enum(["batch", "always"]).default("batch"),
      "batch: a power cut may cost the last messages; always: each commit waits for the disk",
    ),
  }),
]);

export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: option(
        z.string().min(1).default("127.0.0.1"),
        "address to bind; a public one is asked for, never assumed",
      ),
      port: option(z.int().min(0).max(65_535).default(8080), "port to bind; 0 takes a free one"),
    })
    .prefault({}),
  engine: option(engine.default("memory"), "where messages live: in this process, or in a file"),
  limits: z
    .strictObject({
      connections: option(
        z.int().min(0).optional(),
        "descriptors that connections may use, a bridge two; default: 80 % of the process's limit",
        "descriptors",
      ),
      pings: option(
        z.int().min(0).default(60),
        "pings that a client may send in 10 s; past it close 1008. Each is answered, and a client that reads nothing piles answers up",
        "pings",
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
    .prefault({}),
  node: option(
    z.string().min(1).max(64).optional(),
    "name of this process, as clients of fairlead.v1 see it; default: random",
  ),
  log: z
    .strictObject({
      level: option(
        z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
        "least severe line that is written",
      ),
      format: option(
        z.enum(["auto", "json", "pretty"]).default("auto"),
        "auto: pretty on a terminal, else JSON",
      ),
    })
    .prefault({}),
  drain: z
    .strictObject({
      delay: duration("0s", "readyz says 503 for so long before the first connection is closed"),
      window: duration("10s", "connections are closed spread over this; shorter when few are open"),
    })
    .prefault({}),
  routes: z.record(z.string(), routeOptions).default({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type RouteOptions = z.output<typeof routeOptions>;
export type EngineOptions = Config["engine"];
export type EchoOptions = z.output<typeof echoOptions>;
export type RoomOptions = z.output<typeof roomOptions>;
export type FeedOptions = z.output<typeof feedOptions>;
export type RelayOptions = z.output<typeof relayOptions>;
export type BridgeOptions = z.output<typeof bridgeOptions>;
