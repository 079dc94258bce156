/** Options of a route of kind bridge. */
import { z } from "zod";
import { bounded, duration, flag, option, size } from "../option.ts";
import { common, record, slow } from "./every.ts";

/** As in `config/target.ts`; a list is for a program whose arguments have spaces. */
const target = z.union([
  z.string(),
  z.strictObject({
    exec: option(z.array(z.string()).min(1), "a program and its arguments, one each; no shell reads them"),
  }),
]);

const resume = z.strictObject({
  enabled: flag(true, "speaks fairlead.bridge.v1, whose streams survive a lost connection"),
  ssh: flag(false, "speaks the SSH relay form too: subprotocol ssh, paths v4/connect and v4/reconnect"),
  window: bounded(
    duration("60s", "how long a stream waits for its client to come back"),
    "a lift, a tunnel, a laptop that is opened again",
    "the stream ends; its client gets 4510",
  ),
  buffer: bounded(
    size("1MiB", "bytes kept until the client acknowledges them; a full one stops reading the target"),
    "each stream may cost it; more than 1MiB is never under way, and 0 means that too",
    "the target is not read",
  ),
  streams: bounded(
    option(
      z.int().min(0).default(1000),
      "streams that wait for their client; past it the oldest of whoever left the most ends",
      "streams",
    ),
    "each may cost `resume.buffer`, one read, and a descriptor; never more than a quarter of `limits.connections`",
    "the oldest of whoever [left the most](#shares) ends",
  ),
  total: bounded(
    size(
      "256MiB",
      "bytes of memory for all streams that wait for their client; past it one of whoever keeps the most ends",
    ),
    "a thousand of them, full both ways, would take gigabytes",
    "the oldest that keeps anything, of whoever [keeps the most](#shares), ends",
  ),
});

export const bridgeOptions = z.strictObject({
  kind: z.literal("bridge"),
  target: option(target.optional(), "the one service behind this route", "host:port"),
  targets: option(
    z.record(z.string(), target).optional(),
    "services by name; the path's parameter is the name",
  ),
  tokens: option(
    z.string().min(1).optional(),
    "a file, or a folder of files, with lines of token: host:port; clients name a token, in ?token= or as :token of the path",
  ),
  allow: option(
    z.array(z.string()).min(1).optional(),
    "what clients may ask for by ?host= and ?port=: names and networks with a port, like 10.0.0.0/24:22",
  ),
  tls: z
    .strictObject({
      caFile: option(
        z.string().min(1).optional(),
        "certificates, in PEM, of the authorities that tls:// targets are verified by; default: the system's",
      ),
      serverName: option(
        z.string().min(1).optional(),
        "the name that a tls:// target is asked for and must prove; default: the target's own",
      ),
    })
    .prefault({}),
  proxyProtocol: option(
    z.enum(["v1", "v2"]).optional(),
    "tells the target its client's address, in HAProxy's protocol, before the first byte",
  ),
  framing: option(z.enum(["bytes", "text", "lines"]).default("bytes"), "how TCP bytes become messages"),
  subprotocols: option(z.array(z.string()).default([]), "subprotocols accepted beside binary, like mqtt"),
  dialTimeout: bounded(
    duration("5s", "how long a dial may take before the client gets 504"),
    "the client waits for its handshake meanwhile",
    "504 `upstream_timeout`",
  ),
  dialPending: bounded(
    option(
      z.int().min(0).default(64),
      "dials to one target under way at once, half of them for one caller; one more gets 503",
      "dials",
    ),
    "dials to one target, and lookups of names: a target that accepts nothing must not eat the descriptors of all",
    "503 `upstream_busy`",
  ),
  halfCloseTimeout: bounded(
    duration("1s", "after the target's FIN: how long the client must be silent before close 1000"),
    "after the target's end: how long a client must be silent; 0 waits for the client",
    "close 1000",
  ),
  maxLine: bounded(
    size("1MiB", "longest line under framing lines; past it close 1009"),
    "a line is held until it ends",
    "close 1009",
  ),
  resume: resume.prefault({}),
  record,
  ...common(["connect"], "1MiB", "5s", "5m"),
  slow: slow(["pause"], "pause", "1MiB"),
});

export type BridgeOptions = z.output<typeof bridgeOptions>;
