/**
 * Every request's way in: the gateway's own paths, a route's HTTP side, a file, or an upgrade; else one answer of the refusal table.
 * Order: capacity before any work, then Host (it decides what the URL looks like), path, Origin, method, who asks, the route.
 */
import type { Server } from "bun";
import type { Validity } from "./auth/validity.ts";
import { withdrawOffer } from "./compression.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Credentials } from "./identity.ts";
import type { Capacity } from "./limits.ts";
import {
  checkUpgrade,
  hostIsUsable,
  offeredProtocols,
  pathOf,
  queryOf,
  wantsUpgrade,
} from "./reception/admission.ts";
import type { Api } from "./reception/api.ts";
import type { Entry, Guest } from "./reception/auth-gate.ts";
import type { ClientOf, Peer } from "./reception/forwarded.ts";
import type { Attempt, Handshake } from "./reception/handshake.ts";
import type { HostCheck } from "./reception/host.ts";
import { answerListed, type OriginCheck } from "./reception/origin.ts";
import type { Match, Params, Router } from "./reception/router.ts";
import type { StaticFiles } from "./reception/static-files.ts";
import { refusal, refusalResponse } from "./refusals.ts";
import type { AdmitRequest, HttpAnswer, Refusal } from "./route.ts";
import type { SocketConnection } from "./socket.ts";
import { EVENT_STREAM_TIMEOUT_S } from "./topics/event-stream.ts";

/** The calls of the runtime's server that are needed here. */
export interface Upgrader
  extends Pick<Server<SocketConnection>, "upgrade" | "timeout" | "hostname" | "port"> {
  /** Who opened the socket; null: gone, or on a socket of the file system. */
  requestIP(request: Request): Peer | null;
}
export type Answer = Response | undefined;

export interface ReceptionOptions {
  readonly router: Router<Endpoint>;
  readonly capacity: Pick<Capacity, "isFull">;
  /** Names of headers that a request may have; 0: as many as the runtime takes. */
  readonly maxHeaders: number;
  /** The gateway's own pages; they win over a `*` route. Undefined: not one of them. */
  ownPage(request: Request, path: string, remoteAddress: string): Response | Promise<Response> | undefined;
  /** All below `/api`. */
  readonly api: Api;
  /** What answers plain requests that no route answers; its undefined: nothing has this path. */
  readonly files?: StaticFiles | undefined;
  /** Who a client is, when a proxy stands between. */
  readonly clientOf: ClientOf;
  /** Whether a request is meant for us, and whether the page that sends it may ask. */
  readonly checkHost: HostCheck;
  readonly checkOrigin: OriginCheck;
  readonly isDraining: () => boolean;
  readonly handshake: Handshake;
  readonly validity: Validity;
  readonly onRefused: (refusal: Refusal, path: string, remoteAddress: string) => void;
}

export interface Reception {
  /** Undefined: the request became a WebSocket. */
  answer(request: Request, server: Upgrader): Answer | Promise<Answer>;
}

/** A request on its way to its route. */
interface Arrival {
  readonly request: Request;
  readonly server: Upgrader;
  readonly match: Match<Endpoint>;
  /** The path as it stands in the URL, and as logs may have it. */
  readonly asked: string;
  readonly path: string;
  /** It wants to become a WebSocket. */
  readonly upgrade: boolean;
  readonly client: Peer;
  /** Whoever opened the socket: the client, or a proxy. */
  readonly peer: Peer;
}

/** One that has found its route. */
interface Asking extends Arrival {
  readonly endpoint: Endpoint;
  readonly params: Params;
}

/** Of a client that has gone already. */
const GONE: Peer = { address: "", port: 0 };

export function createReception(options: ReceptionOptions): Reception {
  function refuse(refused: Refusal, path: string, remoteAddress: string): Response {
    options.onRefused(refused, path, remoteAddress);
    return refusalResponse(refused);
  }

  function answer(request: Request, server: Upgrader): Answer | Promise<Answer> {
    const upgrade = wantsUpgrade(request.headers);
    const peer = server.requestIP(request) ?? GONE;
    const client = options.clientOf(peer, request.headers);
    const { address: remoteAddress } = client;
    const early = earlyProblem(options, request.headers, upgrade);
    if (early !== undefined) return refuse(early, "", remoteAddress);
    const asked = pathOf(request.url);
    const match = options.router.match(asked);
    const path = toldPath(asked, match);
    const misdirected = options.checkHost(request.headers, asked, peer);
    if (misdirected !== undefined) return refuse(misdirected, path, remoteAddress);
    const arrival = { request, server, match, asked, path, upgrade, client, peer };
    if (!upgrade && asked.startsWith("/api/")) return toApi(arrival);
    const own = upgrade ? undefined : options.ownPage(request, asked, peer.address);
    if (own !== undefined) return own;
    const routed = () => fromPage(arrival, () => toRoute(arrival));
    if (upgrade || options.files === undefined || answersPlain(match)) return routed();
    return options.files(request, asked).then((found) => found ?? routed());
  }

  /** Pages may not read its answers, nor ask first whether they may send a key: no CORS, also where their origin is listed. */
  function toApi({ request, asked, path, client, peer }: Arrival): Answer | Promise<Answer> {
    const verdict = options.checkOrigin(request, peer);
    if ("refusal" in verdict) return refuse(verdict.refusal, path, client.address);
    return options.api(request, asked, { remoteAddress: client.address, peerAddress: peer.address });
  }

  function fromPage(
    { request, match, path, client, peer }: Arrival,
    next: () => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    const verdict = options.checkOrigin(request, peer);
    if ("refusal" in verdict) return refuse(verdict.refusal, path, client.address);
    if (verdict.listed === undefined) return next();
    return answerListed(verdict.listed, request, plainMethods(match), next);
  }

  function toRoute(arrival: Arrival): Answer | Promise<Answer> {
    const { request, match, path, upgrade } = arrival;
    const { address: remoteAddress } = arrival.client;
    const problem = matchProblem(match) ?? methodProblem(request, match, upgrade);
    if (problem !== undefined) return refuse(problem, path, remoteAddress);
    if (match.kind !== "found") return refuse(refusal("not_found"), path, remoteAddress);
    const asking = { ...arrival, endpoint: match.value, params: match.params };
    if (!upgrade) return plain(asking);
    const handshake = checkUpgrade(request.headers);
    if (handshake !== undefined) return refuse(handshake, path, remoteAddress);
    return shake(asking);
  }

  function plain(asking: Asking): Response | Promise<Response> {
    const { endpoint, path, client } = asking;
    const refused = (problem: Refusal) => refuse(problem, path, client.address);
    if (endpoint.route.http === undefined) return refused(refusal("upgrade_required"));
    if (options.isDraining()) return refused(refusal("draining"));
    const settle = (entry: Entry) => {
      if ("refusal" in entry) return refused(entry.refusal);
      // A check takes time: what began to stop meanwhile would never end a stream that begins now.
      return options.isDraining() ? refused(refusal("draining")) : respond(asking, entry);
    };
    const entry = endpoint.auth.enter(() => credentials(asking), false);
    return entry instanceof Promise ? entry.then(settle) : settle(entry);
  }

  function respond(asking: Asking, guest: Guest): Response | Promise<Response> {
    const { request, server, endpoint, path, client } = asking;
    const settle = (answer: HttpAnswer | undefined): Response => {
      if (!(answer instanceof Response))
        return refuse(answer ?? refusal("upgrade_required"), path, client.address);
      // Longer than between two comments of an event stream; yet a socket whose reader stalls is given back in the end.
      if (isEventStream(answer)) server.timeout(request, EVENT_STREAM_TIMEOUT_S);
      return answer;
    };
    const answer = endpoint.route.http?.handle(request, admitRequest(asking, guest, options.validity));
    return answer instanceof Promise ? answer.then(settle) : settle(answer);
  }

  function shake(asking: Asking): Answer | Promise<Answer> {
    const { path, client } = asking;
    const settle = (outcome: Awaited<ReturnType<Handshake>>): Answer => {
      if (outcome === undefined) return undefined;
      if (!outcome.told) return refuse(outcome.refusal, path, client.address);
      options.onRefused(outcome.refusal, path, client.address);
      return undefined;
    };
    const outcome = options.handshake(attemptOf(asking, options.validity));
    return outcome instanceof Promise ? outcome.then(settle) : settle(outcome);
  }

  return { answer };
}

/** What needs no path, so that none is read from a URL whose Host is broken. */
function earlyProblem(options: ReceptionOptions, headers: Headers, upgrade: boolean): Refusal | undefined {
  if (upgrade && options.isDraining()) return refusal("draining");
  if (upgrade && options.capacity.isFull) return refusal("full");
  if (options.maxHeaders > 0 && headers.count > options.maxHeaders) return refusal("too_many_headers");
  return hostIsUsable(headers) ? undefined : refusal("bad_host");
}

function attemptOf(asking: Asking, validity: Validity): Attempt {
  const { request, server, endpoint, client } = asking;
  const { headers } = request;
  return {
    endpoint,
    headers,
    remoteAddress: client.address,
    protocols: offeredProtocols(headers) ?? [],
    shown: () => credentials(asking),
    from: (guest) => admitRequest(asking, guest, validity),
    upgrade(data, more) {
      withdrawOffer(headers, endpoint.compressFrom);
      return server.upgrade(request, { data, headers: more });
    },
  };
}

function credentials({ request, endpoint, params, client, peer }: Asking): Credentials {
  return {
    headers: request.headers,
    route: endpoint.path,
    params,
    remoteAddress: client.address,
    peerAddress: peer.address,
    subject: peer.subject,
    get query() {
      return queryOf(request.url);
    },
  };
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

/** A parameter of this name is a secret, which no log may have. */
const SECRET_PARAM = "/:token";

/** The path as the log has it. */
function toldPath(asked: string, match: Match<Endpoint>): string {
  return match.kind === "found" && match.value.path.includes(SECRET_PARAM) ? match.value.path : asked;
}

/** The route has an HTTP side, which is asked before any file. */
function answersPlain(match: Match<Endpoint>): boolean {
  return match.kind === "found" && match.value.route.http !== undefined;
}

function matchProblem(match: Match<Endpoint>): Refusal | undefined {
  if (match.kind === "none") return refusal("not_found");
  return match.kind === "bad" ? refusal("bad_path", match.problem) : undefined;
}

/** What a path takes without an upgrade. */
function plainMethods(match: Match<Endpoint>): readonly string[] {
  return (match.kind === "found" ? match.value.route.http?.methods : undefined) ?? [];
}

function methodProblem(request: Request, match: Match<Endpoint>, upgrade: boolean): Refusal | undefined {
  if (match.kind !== "found") return undefined;
  const methods = (upgrade ? undefined : match.value.route.http?.methods) ?? ["GET"];
  return methods.includes(request.method)
    ? undefined
    : refusal("method_not_allowed", undefined, { Allow: methods.join(", ") });
}

/** What the runtime has to make first, a signal above all, is read where it is asked for. */
function admitRequest(asking: Asking, guest: Guest, validity: Validity): AdmitRequest {
  const { request, server, params, asked, client } = asking;
  const { identity, may } = guest;
  return {
    params,
    path: asked,
    remoteAddress: client.address,
    remotePort: client.port,
    get local() {
      return { address: server.hostname ?? "", port: server.port ?? 0 };
    },
    identity,
    user: identity.user,
    may,
    held(end) {
      const holder = { identity, expiring: () => {}, end };
      validity.hold(holder);
      return () => validity.release(holder);
    },
    headers: request.headers,
    get protocols() {
      return offeredProtocols(request.headers) ?? [];
    },
    get signal() {
      return request.signal;
    },
    get query() {
      return queryOf(request.url);
    },
  };
}
