/**
 * The library's clients as this engine wants them: nothing is queued while there is no connection, and nothing is sent again on a new
 * one, because whoever asked has to know that it may or may not have happened. The library is loaded here, and only when Redis is used.
 */
import { readFile } from "node:fs/promises";
import type { RedisOptions as AllOptions, Redis } from "ioredis";
import type { RedisOptions } from "../../config/engine.ts";
import { downError } from "./down.ts";
import { completeTracing } from "./tracing.ts";

/** Its type says less than its constructor takes. */
type ClientOptions = Omit<AllOptions, "replyMapping">;

/** A server that was named by another one: it is spoken to as those of the URLs are. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Clients {
  /** Connects by itself, and again whenever it lost its connection. `to`: default the first URL's, or the master that Sentinel names. */
  commands(to?: Address): Redis;
  /** Connects once. */
  once(to?: Address): Redis;
}

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
const GOODBYE_MS = 100;
const PORT = 6_379;
const SENTINEL_PORT = 26_379;

/** Half of it at random, so that nodes do not come back at one moment. */
export const backoff = (attempt: number): number =>
  Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);

/** `urls`: of one server; of several Sentinels; of any nodes of one Cluster. */
export async function loadClients(urls: readonly string[], options: RedisOptions): Promise<Clients> {
  completeTracing();
  const { Redis } = await import("ioredis");
  const hosts = urls.map(hostOf);
  const [first = hostOf("redis://127.0.0.1")] = hosts;
  const isTls = urls.some((url) => url.startsWith("rediss:"));
  const tls = isTls ? { tls: options.ca === undefined ? {} : { ca: await caOf(options.ca) } } : {};
  const common: ClientOptions = {
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    connectTimeout: options.timeout,
    // Who gives a connection up has waited already: a link that says nothing does not answer a goodbye either.
    disconnectTimeout: GOODBYE_MS,
    connectionName: options.prefix,
    disableClientInfo: true,
    // A master that became a replica takes no writes: who is master now is found by connecting again.
    reconnectOnError: ({ message }) => message.includes("READONLY"),
    ...tls,
    ...credentialsOf(first, options),
  };
  const given =
    options.sentinel === undefined
      ? placeOf(first)
      : sentinelsOf(hosts, { ...options, name: options.sentinel }, tls.tls);
  return {
    commands: (to) => new Redis({ ...common, ...(to ?? given), retryStrategy: backoff }),
    once: (to) => new Redis({ ...common, ...(to ?? given), retryStrategy: () => null }),
  };
}

/** `host:port`, IPv6 in brackets. */
export const shownAddress = ({ host, port }: Address): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** The node that a URL names. */
export function addressOf(url: string): Address {
  const { host, port } = hostOf(url);
  return { host, port: port || PORT };
}

interface Host {
  readonly path: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly db: number;
}

function hostOf(text: string): Host {
  const url = new URL(text);
  const isUnix = url.protocol === "unix:";
  return {
    path: isUnix ? decodeURIComponent(url.pathname) : undefined,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    db: isUnix ? 0 : Number(url.pathname.slice(1)),
  };
}

const placeOf = ({ path, host, port }: Host): ClientOptions =>
  path === undefined ? { host, port: port || PORT } : { path };

interface SentinelOptions {
  readonly name: string;
  readonly timeout: number;
  /** Of Redis. */
  readonly password?: string | undefined;
}

/** They may want a password of their own: then it stands in the URL, and that of Redis does not. One that does not answer within the timeout is passed over for the next. They are spoken to with TLS where the URLs say so. */
function sentinelsOf(
  hosts: readonly Host[],
  { name, timeout, password }: SentinelOptions,
  tls: ClientOptions["tls"],
): ClientOptions {
  const own = password === undefined ? "" : (hosts[0]?.password ?? "");
  return {
    ...(own !== "" && { sentinelPassword: own }),
    sentinels: hosts.map(({ host, port }) => ({ host, port: port || SENTINEL_PORT })),
    name,
    sentinelCommandTimeout: timeout,
    sentinelRetryStrategy: backoff,
    ...(tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  };
}

function credentialsOf({ username, password, db }: Host, options: RedisOptions): ClientOptions {
  const secret = options.password ?? password;
  return {
    db,
    ...(username !== "" && { username }),
    ...(secret !== "" && { password: secret }),
  };
}

async function caOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw downError(`engine.ca: ${file} cannot be read`, cause);
  }
}
