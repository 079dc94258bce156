/**
 * Composition root: the only file that knows everybody. It builds the parts from the config, starts them, and stops them in order.
 * It decides nothing about messages; failure of a part is that part's business, except at start, which rejects with one clear line.
 */
import { randomBytes } from "node:crypto";
import { createDenialCounts } from "./auth/denials.ts";
import { createRevocations } from "./auth/revocations.ts";
import { createRevoke } from "./auth/revoke.ts";
import { createValidity } from "./auth/validity.ts";
import { createAuthenticator } from "./auth.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type AuthOptions, authOptions } from "./config/auth.ts";
import type { Config, ConfigInput, EngineOptions } from "./config/schema.ts";
import { parseConfig } from "./config/validate.ts";
import { ofOneProcess } from "./config/workers-checks.ts";
import type { Publisher } from "./connection.ts";
import { drainAll } from "./drain.ts";
import type { Endpoint } from "./endpoint.ts";
import { createEndpoint, type House, pathsOf } from "./endpoints.ts";
import type { Engine } from "./engine.ts";
import type { Report } from "./engines/in-process/down.ts";
import { createMemoryEngine } from "./engines/memory.ts";
import { createRedisEngine } from "./engines/redis.ts";
import { createSqliteEngine } from "./engines/sqlite.ts";
import type { Revocation } from "./identity.ts";
import { insecureSwitches, tellInsecure } from "./insecure.ts";
import { createBounds } from "./limits/bounds.ts";
import { certificateOf } from "./listener/certificate.ts";
import {
  type CertifiedPort,
  type CertifiedPortOptions,
  openCertifiedPort,
} from "./listener/certified-port.ts";
import type { Certificate } from "./listener/tls.ts";
import { clearStale } from "./listener/unix-socket.ts";
import { createListener, type Listener } from "./listener.ts";
import { createLog, type Log } from "./log.ts";
import { createCounts } from "./metrics/counts.ts";
import { createLag } from "./metrics/lag.ts";
import { plainAddress } from "./network.ts";
import { createNodes } from "./nodes.ts";
import { tellUnreachable } from "./owner.ts";
import { createApi } from "./reception/api.ts";
import { createClientOf, createSchemeOf, createTrust } from "./reception/forwarded.ts";
import { createHandshake, type HandshakeOptions } from "./reception/handshake.ts";
import { createHostCheck } from "./reception/host.ts";
import { createOriginCheck } from "./reception/origin.ts";
import { createOwnPages, type Told } from "./reception/own-pages.ts";
import { createRouter } from "./reception/router.ts";
import { checkFolder, createStaticFiles } from "./reception/static-files.ts";
import { createReception, type ReceptionOptions } from "./reception.ts";
import { createUniqueIds } from "./unique-ids.ts";

export interface Gateway {
  /** Binds and resolves once it listens; rejects with LISTEN_FAILED, or with ENGINE_DOWN when the engine's file cannot be opened. */
  start(): Promise<void>;
  /** Where it listens; the configured address before `start`. On a socket of the file system: `unix:` and its path, and port 0. */
  readonly address: { readonly host: string; readonly port: number };
  /** Drains within `drain.window`, then resolves with everything closed. A second call gets the same promise. */
  stop(): Promise<void>;
  /**
   * All tokens of a user that were issued until now, or one token, count no longer: its connections and event streams end at once (close
   * 3000), what waits for it too. How many ended; undefined without `auth`, and when `auth.revocations.max` are remembered already.
   */
  revoke(what: Revocation): number | undefined;
}

/** `log`: instead of lines to stderr as `config.log` says. `clock`: one that tests move. `siblings`: speak for all processes on the port. */
export interface GatewayParts {
  readonly log?: Log;
  readonly clock?: Clock;
  readonly siblings?: (own: Told) => Told;
}

/** Throws CONFIG_INVALID with all that is wrong with the config. Nothing runs before `start`. */
export function createGateway(input: ConfigInput, parts: GatewayParts = {}): Gateway {
  return gatewayOf(ofOneProcess(parseConfig(input)), parts);
}

/** The gateway of a config that was validated where it was loaded, with the lines that errors name. */
export function gatewayOf(config: Config, parts: GatewayParts = {}): Gateway {
  const log = parts.log ?? createLog(config.log);
  const house = furnish(config, log, parts.clock ?? systemClock, parts.siblings);
  let stopping: Promise<void> | undefined;

  return {
    start: () => house.start(),
    revoke: (what) => house.revoke(what)?.ended,
    get address() {
      const { host, unix } = config.listen;
      return unix === undefined ? { host, port: house.port() } : { host: `unix:${unix}`, port: 0 };
    },
    stop() {
      stopping ??= house.stop();
      return stopping;
    },
  };
}

function furnish(config: Config, log: Log, clock: Clock, told: GatewayParts["siblings"] = (own) => own) {
  const isTrusted = createTrust(config.trustProxy);
  const bounds = createBounds(config, { isTrusted, clock, log });
  const { capacity, door, memory, pacing } = bounds;
  const engine = createEngine(config.engine, clock, log);
  const insecure = insecureSwitches(config);
  let draining = false;
  let listener: Listener | undefined;
  const publisher: Publisher = {
    publish: (channel, data, except, from) => listener?.publish(channel, data, except, from),
  };
  const node = config.node ?? randomBytes(6).toString("base64url");
  const auth = config.auth ?? authOptions.parse({});
  const shared = engine.revocations;
  const { denied, revocations, authenticator } = whoAsks(config, isTrusted, { clock, log, shared });
  const validity = createValidity(clock, auth.grace);
  const parts = { clock, log, engine, capacity, door, publisher, authenticator, validity };
  const house: House = { node, ...speakingOf(config.limits, auth), ...parts };
  const endpoints = Object.entries(config.routes).map(([path, options]) =>
    createEndpoint(path, options, house),
  );

  const lag = createLag(clock);
  const counters = endpoints.map((endpoint) => endpoint.counters);
  const nodes = createNodes({ name: node, config, cluster: engine.cluster, counters, lag, clock, log });
  const tallies = { endpoints, capacity, memory, engine, insecure, denied, lag, nodes };
  const counts = createCounts({ ...tallies, certificate: () => listener?.certificate?.stats(), log });
  const notReady = () => (draining ? "draining" : memory.isOver ? "memory" : engineProblem(engine));
  const revoke = createRevoke({ authenticator, revocations, shared, validity, endpoints, log });

  const reception = receptionOf(config, {
    endpoints,
    capacity,
    door,
    refusesByClose: auth.refuseByClose,
    api: createApi({ authenticator, revoke, nodes: nodes.list, onRefused: counts.onRefused }),
    told: told({ notReady, metrics: counts.metrics }),
    isDraining: () => draining,
    validity,
    counts,
    log,
  });

  async function start(): Promise<void> {
    if (config.web !== undefined) await checkFolder(config.web);
    const { unix } = config.listen;
    if (unix !== undefined) await clearStale(unix);
    await engine.start?.();
    const certificate = await certificateOf(config.listen, { clock, log });
    listener = createListener({
      ...config.listen,
      certificate,
      via: await certifiedPortOf(config, certificate, { capacity, clock }),
      maxMessage: largest(endpoints.map(({ maxMessage }) => maxMessage)),
      compresses: endpoints.some((endpoint) => endpoint.compressFrom !== undefined),
      maxPings: config.limits.pings,
      pacing,
      maxBody: config.limits.body,
      reception,
      onGone: ({ place }) => place?.leave(),
      clock,
      log,
    });
    tellInsecure(insecure, log);
    if (engine.cluster !== undefined) tellUnreachable(config, log);
    log.info(listener.address, "listening");
    bounds.start();
    lag.start();
    nodes.start();
    for (const { route } of endpoints) route.start?.();
  }

  async function stop(): Promise<void> {
    const { delay, window } = config.drain;
    draining = true;
    if (delay > 0) await new Promise<void>((done) => clock.after(delay, done));
    const open = [...(listener?.connections ?? [])];
    log.info({ connections: open.length }, "draining");
    await drainAll(open, window, clock);
    await Promise.all(endpoints.map(({ route }) => route.dispose()));
    const timed = [...endpoints.map(({ heartbeat }) => heartbeat), validity, bounds, lag, nodes];
    for (const part of timed) part.stop();
    authenticator?.dispose();
    await listener?.stop();
    await engine.close();
    log.info({}, "stopped");
  }

  return { start, stop, revoke, port: () => listener?.port ?? config.listen.port };
}

interface Doorway
  extends Pick<ReceptionOptions, "capacity" | "api" | "isDraining" | "validity">,
    Pick<HandshakeOptions, "door" | "refusesByClose"> {
  readonly endpoints: readonly Endpoint[];
  readonly counts: ReturnType<typeof createCounts>;
  readonly told: Told;
  readonly log: Log;
}

function receptionOf(config: Config, { endpoints, counts, told, door, refusesByClose, ...doorway }: Doorway) {
  const { log, isDraining } = doorway;
  return createReception({
    ...doorway,
    handshake: createHandshake({ door, isDraining, nextId: createUniqueIds(), log, refusesByClose }),
    router: createRouter(pathsOf(endpoints)),
    maxHeaders: config.limits.headers,
    ownPage: createOwnPages({
      routes: endpoints.map(({ path, route }) => ({ path, kind: route.kind })),
      web: config.web,
      ...told,
    }),
    files: config.web === undefined ? undefined : createStaticFiles(config.web),
    clientOf: createClientOf(config.trustProxy, () =>
      log.warn({ trustProxy: config.trustProxy }, "! a proxy on this machine is not in trustProxy"),
    ),
    checkHost: createHostCheck({ ...config.listen, hosts: config.hosts }),
    checkOrigin: createOriginCheck(config.origins, createSchemeOf(config.trustProxy)),
    onRefused: counts.onRefused,
  });
}

function speakingOf({ subscriptions, subscribes }: Config["limits"], { deadline }: AuthOptions) {
  return {
    maxSubscriptions: subscriptions,
    speaking: { subscribes, burst: Math.max(1, subscriptions), deadline },
  };
}

/** Undefined: the runtime has the port itself, and tells nothing of certificates. */
async function certifiedPortOf(
  { listen, auth }: Config,
  certificate: Certificate | undefined,
  parts: Pick<CertifiedPortOptions, "capacity" | "clock">,
): Promise<CertifiedPort | undefined> {
  if (certificate === undefined || auth?.certificate !== true) return undefined;
  return openCertifiedPort({ ...listen, tls: certificate.tls, ...parts });
}

interface Asking extends Pick<House, "clock" | "log"> {
  readonly shared: Engine["revocations"];
}

/** Without `auth` nobody is asked who it is. */
function whoAsks(
  { auth }: Config,
  isTrusted: ReturnType<typeof createTrust>,
  { clock, log, shared }: Asking,
) {
  const denied = createDenialCounts();
  const revocations = createRevocations((auth ?? authOptions.parse({})).revocations, clock);
  const isTrustedProxy = (address: string) => isTrusted({ address: plainAddress(address) });
  const parts = { clock, log, counts: denied, revocations, settled: shared?.settled, isTrustedProxy };
  const authenticator = auth === undefined ? undefined : createAuthenticator(auth, parts);
  return { denied, revocations, authenticator };
}

function createEngine(options: EngineOptions, clock: Clock, log: Log): Engine {
  const onError: Report = ({ error, ...where }) =>
    log.error({ ...where, err: error }, "! a callback of the engine threw");
  if (options === "memory") return createMemoryEngine({ clock, onError });
  if ("redis" in options) return createRedisEngine({ options, clock, log, onError });
  return createSqliteEngine({ file: options.sqlite, sync: options.sync, clock, log, onError });
}

function engineProblem(engine: Engine): string | undefined {
  const { up, serves, text } = engine.health();
  return up || serves === true ? undefined : text;
}

/** 0 means no limit, so it is the largest of all. */
function largest(limits: readonly number[]): number {
  return limits.includes(0) ? 0 : Math.max(...limits, 1);
}
