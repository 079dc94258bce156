/**
 * From a request on a route to a WebSocket: who asks, what the route says to it, the 101. Whatever was taken on the way is given back
 * when no connection comes of it.
 * Failure: a refusal. Browsers and clients of fairlead.v1, which see no status, get it as a connection that is closed at once, where the
 * table has a close code for it.
 */
import { NOBODY } from "../access.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Credentials } from "../identity.ts";
import type { Door, Place } from "../limits/door.ts";
import type { Log } from "../log.ts";
import { closeOf, refusal } from "../refusals.ts";
import type { Admission, AdmitRequest, Admitted, Refusal } from "../route.ts";
import { SocketConnection } from "../socket.ts";
import { PROTOCOL } from "../wire/v1.ts";
import type { Entry, Guest } from "./auth-gate.ts";

export interface HandshakeOptions {
  readonly door: Door;
  readonly isDraining: () => boolean;
  readonly nextId: () => string;
  readonly log: Log;
  /** Refusals of those who see no status become a close code. */
  readonly refusesByClose: boolean;
}

/** One request that wants to become a WebSocket. */
export interface Attempt {
  readonly endpoint: Endpoint;
  readonly headers: Headers;
  /** The client's. */
  readonly remoteAddress: string;
  /** The subprotocols that the client offers. */
  readonly protocols: readonly string[];
  readonly shown: () => Credentials;
  /** As its route is to see it. */
  from(guest: Guest): AdmitRequest;
  /** False: the client has gone. */
  upgrade(connection: SocketConnection, headers: Readonly<Record<string, string>>): boolean;
}

/** Undefined: it is a WebSocket now, and `open` follows. */
type Refused = Refusal | undefined;
/** `told`: by a connection that was closed at once, so no response is due. */
type Outcome = { readonly refusal: Refusal; readonly told: boolean } | undefined;

export type Handshake = (attempt: Attempt) => Outcome | Promise<Outcome>;

const OURS = "fairlead.";
const STRANGER: Guest = { identity: NOBODY, may: () => false, waits: false };

export function createHandshake(options: HandshakeOptions): Handshake {
  /** Whoever is asked about holds a place meanwhile: to check a token costs something, and may take seconds. */
  function enter(attempt: Attempt): Refused | Promise<Refused> {
    const { remoteAddress, headers } = attempt;
    const entered = options.door.enter({ remoteAddress, headers, user: null });
    if ("refusal" in entered) return entered.refusal;
    const { place } = entered;
    const settle = (refused: Refused) => {
      if (refused !== undefined) place.leave();
      return refused;
    };
    const giveBack = (error: unknown) => {
      place.leave();
      throw error;
    };
    try {
      const refused = authenticate(attempt, place);
      return refused instanceof Promise ? refused.then(settle, giveBack) : settle(refused);
    } catch (error) {
      return giveBack(error);
    }
  }

  function authenticate(attempt: Attempt, place: Place): Refused | Promise<Refused> {
    const { endpoint, shown } = attempt;
    const settle = (settled: Entry) => {
      if (!("refusal" in settled)) return receive(attempt, settled, place);
      place.turnAway();
      return settled.refusal;
    };
    const entry = endpoint.auth.enter(shown, speaksV1(attempt));
    return entry instanceof Promise ? entry.then(settle) : settle(entry);
  }

  function receive(attempt: Attempt, guest: Guest, place: Place): Refused | Promise<Refused> {
    const from = attempt.from(guest);
    if (from.user !== null && !place.belongTo(from.user)) return refusal("too_many_connections");
    const settle = (settled: Admission) =>
      "refusal" in settled ? settled.refusal : upgrade(attempt, from, guest, place, settled.admitted);
    const admission = attempt.endpoint.route.admit?.(from) ?? { admitted: {} };
    return admission instanceof Promise ? admission.then(settle) : settle(admission);
  }

  function upgrade(
    attempt: Attempt,
    from: AdmitRequest,
    { waits }: Guest,
    place: Place,
    admitted: Admitted,
  ): Refused {
    const connection = connect(attempt, from, place, admitted);
    connection.waits = waits;
    const problem = meanwhile(attempt.endpoint, from);
    if (problem === undefined && attempt.upgrade(connection, headersOf(connection))) return undefined;
    admitted.release?.();
    return problem ?? refusal("bad_request", "the client went away during the handshake");
  }

  /** What has happened while the token was checked or the route dialled. */
  function meanwhile({ auth }: Endpoint, { identity }: AdmitRequest): Refused {
    if (options.isDraining()) return refusal("draining");
    return auth.isRevoked(identity) ? refusal("unauthorized", "the token is revoked") : undefined;
  }

  function connect(
    { endpoint }: Attempt,
    from: AdmitRequest,
    place: Place,
    admitted: Admitted,
  ): SocketConnection {
    const connection = new SocketConnection(options.nextId(), endpoint, from, options.log, admitted);
    connection.place = place;
    return connection;
  }

  /** Says it in the only way that browsers understand, and client libraries anywhere: no WebSocket shows them a status. */
  function tell(attempt: Attempt, refused: Refused): Outcome {
    if (refused === undefined) return undefined;
    return { refusal: refused, told: seesNoStatus(attempt) && closeAtOnce(attempt, refused) };
  }

  function closeAtOnce(attempt: Attempt, refused: Refusal): boolean {
    const closing = closeOf(refused);
    if (closing === undefined || !options.refusesByClose || options.isDraining()) return false;
    const { protocols, remoteAddress, headers } = attempt;
    const entered = options.door.enter({ remoteAddress, headers, user: null });
    if ("refusal" in entered) return false;
    const { place } = entered;
    const protocol = speaksV1(attempt) ? PROTOCOL : protocols[0];
    const connection = connect(
      attempt,
      attempt.from(STRANGER),
      place,
      protocol === undefined ? {} : { protocol },
    );
    connection.refused = { ...closing, text: refused.text };
    const done = attempt.upgrade(connection, headersOf(connection));
    if (!done) place.leave();
    return done;
  }

  return (attempt) => {
    const refused = enter(attempt);
    return refused instanceof Promise
      ? refused.then((settled) => tell(attempt, settled))
      : tell(attempt, refused);
  };
}

/** A browser, or one who offers a subprotocol of ours, which only a client library does. */
function seesNoStatus({ headers, protocols }: Attempt): boolean {
  return headers.has("origin") || protocols.some((name) => name.startsWith(OURS));
}

function speaksV1({ endpoint, protocols }: Attempt): boolean {
  return endpoint.session !== undefined && protocols.includes(PROTOCOL);
}

function headersOf({ id, protocol = "" }: SocketConnection): Readonly<Record<string, string>> {
  // Without this header the runtime would echo the first name offered, a token entry too.
  return { "Fairlead-Connection": id, "Sec-WebSocket-Protocol": protocol };
}
