/**
 * Every option of Fairlead: name, default, unit and the reason for it; those of routes stand in `kinds/`. Config files, flags, environment,
 * `config print`, the JSON Schema and the docs are all read from here. An unknown key is an error. 0 turns a limit off.
 */
import { z } from "zod";
import { authOptions } from "./auth.ts";
import { engineOptions } from "./engine.ts";
import { bridgeOptions } from "./kinds/bridge.ts";
import { echoOptions } from "./kinds/echo.ts";
import { feedOptions } from "./kinds/feed.ts";
import { relayOptions } from "./kinds/relay.ts";
import { roomOptions } from "./kinds/room.ts";
import { limitsOptions, memoryOptions } from "./limits.ts";
import { bounded, duration, flag, option, secret } from "./option.ts";

/** A thousand cores have a thousand other problems. */
const MAX_WORKERS = 256;

export const routeOptions = z.discriminatedUnion("kind", [
  echoOptions,
  roomOptions,
  feedOptions,
  relayOptions,
  bridgeOptions,
]);

const tlsOptions = z.strictObject({
  cert: option(
    z.string().min(1),
    "file of the certificate (PEM), with those between it and its authority; the port then speaks TLS only",
  ),
  key: option(
    z.string().min(1).optional(),
    "file of the certificate's key (PEM); default: it stands in the file of cert",
  ),
  keyPassword: secret(z.string().min(1).optional(), "password of the key, where it has one"),
  clientCa: option(
    z.string().min(1).optional(),
    "file of authorities (PEM); clients without a certificate of one of them are refused",
  ),
});

export type TlsOptions = z.output<typeof tlsOptions>;

export const configSchema = z.strictObject({
  listen: z
    .strictObject({
      host: option(
        z.string().min(1).default("127.0.0.1"),
        "address to bind; a public one is asked for, never assumed",
      ),
      port: option(z.int().min(0).max(65_535).default(8080), "port to bind; 0 takes a free one"),
      unix: option(
        z.string().min(1).optional(),
        "path of a socket to listen on in place of host and port, for a proxy on the same machine",
      ),
      unixMode: option(
        z.string().default("600"),
        "rights of that socket, in octal and in quotes; who may write to it may connect",
      ),
      tls: tlsOptions.optional(),
      devTls: flag(
        false,
        "makes a certificate at the start that nobody trusts, so that the port speaks TLS; for development",
      ),
      plainPort: option(
        z.int().min(0).max(65_535).optional(),
        "a second port of the same host without TLS, for the same routes; 0 takes a free one",
      ),
      reusePort: flag(
        false,
        "other processes of this user may listen on the same ports, and the system spreads connections over them (Linux); workers do so by themselves",
      ),
      workerPort: option(
        z.int().min(0).max(65_535).optional(),
        "with workers each also has a port of its own, from this one on, so that clients can be sent to a certain one; 0 takes free ones",
      ),
    })
    .prefault({}),
  web: option(
    z.string().min(1).optional(),
    "a folder whose files are served over HTTP where no route answers plain requests, like noVNC's",
  ),
  auth: authOptions.optional(),
  trustProxy: option(
    z.array(z.string()).default([]),
    "addresses and networks of proxies in front, whose Forwarded or X-Forwarded-For says who a client is",
  ),
  engine: option(
    engineOptions.default("memory"),
    "where messages live: in this process, in a file, or in Redis for several nodes",
  ),
  workers: option(
    z.union([z.literal("auto"), z.int().min(1).max(MAX_WORKERS)]).default(1),
    "processes that share the ports, each a node of its own; auto: one for each core that may be used. More than one need an engine that processes share",
  ),
  limits: limitsOptions.prefault({}),
  memory: memoryOptions.prefault({}),
  node: option(
    z.string().min(1).max(64).optional(),
    "name of this process, as clients of fairlead.v1 see it; default: random",
  ),
  advertise: option(
    z.string().min(1).optional(),
    "ws:// or wss:// and the address at which clients reach this very node: streams of its bridges go on there, and its pipes meet",
  ),
  hosts: option(
    z.array(z.string()).default([]),
    "names by which clients call this gateway: name, name:port, *.name; others get 421. On a loopback address its own names always count",
  ),
  origins: option(
    z.array(z.string()).default([]),
    'origins of pages that may talk to it beside its own, like https://app.example.com, "null", or * for all; others get 403',
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
      window: bounded(
        duration("10s", "connections are closed spread over this; shorter when few are open"),
        "all clients coming back at one moment would be a second outage",
        "what is open is terminated",
      ),
    })
    .prefault({}),
  routes: z.record(z.string(), routeOptions).default({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;
export type RouteOptions = z.output<typeof routeOptions>;
export type EngineOptions = Config["engine"];
