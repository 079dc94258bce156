/**
 * Every request's way in: the gateway's own paths, a route's HTTP side, a file, or an upgrade; else one answer of the refusal table.
 * Order: capacity before any work, then Host (it decides what the URL looks like), path, Origin, method, handshake, the route's `admit`.
 * Whatever `admit` took is given back when no connection comes of it.
 */
import type { Server } from "bun";
import { NOBODY } from "./access.ts";
import { checkUpgrade, hostIsUsable, offeredProtocols, pathOf, queryOf, wantsUpgrade } from "./admission.ts";
import { withdrawOffer } from "./compression.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ClientOf, Peer } from "./forwarded.ts";
import type { HostCheck } from "./host.ts";
import type { Door, Place } from "./limits/door.ts";
import type { Capacity } from "./limits.ts";
import type { Log } from "./log.ts";
import { answerListed, type OriginCheck } from "./origin.ts";
import { refusal, refusalResponse } from "./refusals.ts";
import type { Admission, AdmitRequest, Admitted, HttpAnswer, Refusal } from "./route.ts";
import type { Match, Params, Router } from "./router.ts";
import { SocketConnection } from "./socket.ts";
import type { StaticFiles } from "./static-files.ts";
import { EVENT_STREAM_TIMEOUT_S } from "./topics/event-stream.ts";

/** The calls of the runtime's server that are needed here. */
export type Upgrader = Pick<
  Server<SocketConnection>,
  "upgrade" | "requestIP" | "timeout" | "hostname" | "port"
>;
export type Answer = Response | undefined;

export interface ReceptionOptions {
  readonly router: Router<Endpoint>;
  readonly capacity: Pick<Capacity, "isFull">;
  readonly door: Door;
  /** Names of headers that a request may have; 0: as many as the runtime takes. */
  readonly maxHeaders: number;
  /** The gateway's own pages; they win over a `*` route. Undefined: not one of them. */
  ownPage(request: Request, path: string, remoteAddress: string): Response | undefined;
  /** What answers plain requests that no route answers; its undefined: nothing has this path. */
  readonly files?: StaticFiles | undefined;
  /** Who a client is, when a proxy stands between. */
  readonly clientOf: ClientOf;
  /** Whether a request is meant for us, and whether the page that sends it may ask. */
  readonly checkHost: HostCheck;
  readonly checkOrigin: OriginCheck;
  readonly isDraining: () => boolean;
  readonly nextId: () => string;
  readonly onRefused: (refusal: Refusal, path: string, remoteAddress: string) => void;
  readonly log: Log;
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
  readonly client: Peer;
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
    const own = upgrade ? undefined : options.ownPage(request, asked, peer.address);
    if (own !== undefined) return own;
    const routed = () => fromPage({ request, server, match, asked, path, client }, peer);
    if (upgrade || options.files === undefined || answersPlain(match)) return routed();
    return options.files(request, asked).then((found) => found ?? routed());
  }

  function fromPage(arrival: Arrival, peer: Peer): Answer | Promise<Answer> {
    const { request, match, path, client } = arrival;
    const verdict = options.checkOrigin(request, peer);
    if ("refusal" in verdict) return refuse(verdict.refusal, path, client.address);
    if (verdict.listed === undefined) return toRoute(arrival);
    return answerListed(verdict.listed, request, plainMethods(match), () => toRoute(arrival));
  }

  function toRoute(arrival: Arrival): Answer | Promise<Answer> {
    const { request, server, match, path } = arrival;
    const { address: remoteAddress } = arrival.client;
    const upgrade = wantsUpgrade(request.headers);
    const problem = matchProblem(match) ?? methodProblem(request, match, upgrade);
    if (problem !== undefined) return refuse(problem, path, remoteAddress);
    if (match.kind !== "found") return refuse(refusal("not_found"), path, remoteAddress);
    const from = admitRequest(arrival, match.params);
    if (!upgrade) return plain(request, server, from, match.value, path);
    const handshake = checkUpgrade(request.headers);
    if (handshake !== undefined) return refuse(handshake, path, remoteAddress);
    return receive(request, server, from, match.value, path);
  }

  function plain(
    request: Request,
    server: Upgrader,
    from: AdmitRequest,
    { route }: Endpoint,
    path: string,
  ): Response | Promise<Response> {
    if (route.http === undefined) return refuse(refusal("upgrade_required"), path, from.remoteAddress);
    if (options.isDraining()) return refuse(refusal("draining"), path, from.remoteAddress);
    const settle = (answer: HttpAnswer): Response => {
      if (!(answer instanceof Response)) return refuse(answer, path, from.remoteAddress);
      // Longer than between two comments of an event stream; yet a socket whose reader stalls is given back in the end.
      if (isEventStream(answer)) server.timeout(request, EVENT_STREAM_TIMEOUT_S);
      return answer;
    };
    const answer = route.http.handle(request, from);
    return answer instanceof Promise ? answer.then(settle) : settle(answer);
  }

  function receive(
    request: Request,
    server: Upgrader,
    from: AdmitRequest,
    endpoint: Endpoint,
    path: string,
  ): Answer | Promise<Answer> {
    const entered = options.door.enter(from);
    if ("refusal" in entered) return refuse(entered.refusal, path, from.remoteAddress);
    const { place } = entered;
    const settle = (settled: Admission) => {
      const refused =
        "refusal" in settled
          ? settled.refusal
          : upgrade(options, request, server, from, endpoint, place, settled.admitted);
      if (refused === undefined) return undefined;
      place.leave();
      return refuse(refused, path, from.remoteAddress);
    };
    const giveBack = (error: unknown) => {
      place.leave();
      throw error;
    };
    let admission: Admission | Promise<Admission>;
    try {
      admission = endpoint.route.admit?.(from) ?? { admitted: {} };
    } catch (error) {
      return giveBack(error);
    }
    return admission instanceof Promise ? admission.then(settle, giveBack) : settle(admission);
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

/** Undefined: it is a WebSocket now, and `open` follows. */
function upgrade(
  options: ReceptionOptions,
  request: Request,
  server: Upgrader,
  from: AdmitRequest,
  endpoint: Endpoint,
  place: Place,
  admitted: Admitted,
): Refusal | undefined {
  const connection = new SocketConnection(options.nextId(), endpoint, from, options.log, admitted);
  connection.place = place;
  const headers = {
    "Fairlead-Connection": connection.id,
    // Without this header the runtime would echo the first name offered, a token entry too.
    "Sec-WebSocket-Protocol": admitted.protocol ?? "",
  };
  withdrawOffer(request.headers, endpoint.compressFrom);
  const draining = options.isDraining();
  if (!draining && server.upgrade(request, { data: connection, headers })) return undefined;
  admitted.release?.();
  return draining ? refusal("draining") : refusal("bad_request", "the client went away during the handshake");
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

function admitRequest({ request, server, asked, client }: Arrival, params: Params): AdmitRequest {
  return {
    params,
    path: asked,
    remoteAddress: client.address,
    remotePort: client.port,
    local: { address: server.hostname ?? "", port: server.port ?? 0 },
    identity: NOBODY,
    user: null,
    may: () => true,
    held: () => () => {},
    headers: request.headers,
    protocols: offeredProtocols(request.headers) ?? [],
    signal: request.signal,
    get query() {
      return queryOf(request.url);
    },
  };
}
