/**
 * Contract: one kind of WebSocket service. Implementations live in `routes/`, one file a kind, all with these members in this order.
 *
 * Failure: a throw from a hook closes that connection with 1011, is logged and counted, and touches nobody else.
 * Order: hooks of one connection never overlap. All hooks but `admit`, `http` and `dispose` are synchronous, because the
 * runtime does not await them and message 2 would overtake message 1.
 */
import type { CloseInfo, Connection, Data } from "./connection.ts";
import type { Identity, May } from "./identity.ts";
import type { CloseCode } from "./wire/close-codes.ts";
import type { Answer, Command, Start } from "./wire/v1.ts";

export const ROUTE_KINDS = ["echo", "room", "feed", "relay", "bridge"] as const;
export type RouteKind = (typeof ROUTE_KINDS)[number];

/** What is known of a client before the 101. Everything in it comes from a stranger. */
export interface AdmitRequest {
  readonly params: Readonly<Record<string, string>>;
  /** As it stands in the URL, still encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** The client's, also behind trusted proxies, and where it came in; "" and 0: not known. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly local: { readonly address: string; readonly port: number };
  /** Who asks. Of a client of fairlead.v1 that may still show a token: nobody yet. */
  readonly identity: Identity;
  /** Of the identity. */
  readonly user: string | null;
  /** Whether the identity has a right on this route. Says yes to whoever may still show a token: `V1.open` MUST ask its connection again. */
  readonly may: May;
  /**
   * For what outlives the answer, like an event stream: `end` is called once this identity counts no longer (expired, revoked).
   * Returns what lets go, to be called when it has ended by itself.
   */
  held(end: () => void): () => void;
  /** Subprotocols the client offers, in its order; token entries are left out. */
  readonly protocols: readonly string[];
  /** Aborts when the client goes away before it is answered. */
  readonly signal: AbortSignal;
}

/** One answer of the refusal table: HTTP status, stable code, and a text that says what to do. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal is counted and logged like one of a handshake. */
export type HttpAnswer = Response | Refusal;

export interface Admitted {
  /** MUST be one of the offered subprotocols; absent: none is chosen. */
  readonly protocol?: string;
  /** Becomes `connection.state`. */
  readonly state?: unknown;
  /** Gives back what `admit` took. Called when no `open` will follow; MUST NOT throw. */
  readonly release?: () => void;
}
export type Admission = { readonly admitted: Admitted } | { readonly refusal: Refusal };

/** Plain numbers for `/metrics` and logs, by what they count: `rooms`, `groups`, `lagging` ... */
export type RouteStats = Readonly<Record<string, number>>;

/** Answers a command of fairlead.v1. MUST be called exactly once, at once or later. */
export type Reply = (answer: Answer) => void;

/** The path's topic, as `welcome.sub` says it. */
export type Subscribed = Start & { readonly topic: string };

/** What a route does for a client that speaks fairlead.v1; its `message` is never called for one. */
export interface V1 {
  /** Instead of `Route.open`. `welcome` MUST be called once, at once or later, and nothing MUST be sent before. Commands wait for it. */
  open(connection: Connection, welcome: (sub?: Subscribed) => void): void | Promise<void>;
  /** `size`: bytes of its frame. A promise: the connection's next command waits for it. A rejection counts as a throw. */
  command(connection: Connection, command: Command, reply: Reply, size: number): void | Promise<void>;
  /** What this connection has and could not have under `may`, in words for its client; undefined: nothing. Absent: nothing ever. */
  lacks?(connection: Connection, may: May): string | undefined;
}

export interface Route {
  readonly kind: RouteKind;
  /** Absent: fairlead.v1 is not spoken here. */
  readonly v1?: V1;
  /** Paths below the route's own that it answers too: `/v4/connect`. */
  readonly paths?: readonly string[];
  /** Before the 101: may dial, picks the subprotocol. MUST NOT change anything that others can see. */
  admit?(request: AdmitRequest): Admission | Promise<Admission>;
  /** A request without an upgrade. Absent: the gateway answers 426. `methods` are those it takes. */
  readonly http?: {
    readonly methods: readonly string[];
    handle(request: Request, from: AdmitRequest): HttpAnswer | Promise<HttpAnswer>;
  };
  /** The gateway listens now: sources may begin. */
  start?(): void;
  open(connection: Connection): void;
  /** `size`: bytes of `data` on the wire, which the listener had to count. */
  message(connection: Connection, data: Data, size: number): void;
  /** The runtime's queue to this peer went down; it may not be empty. */
  drain(connection: Connection): void;
  close(connection: Connection, info: CloseInfo): void;
  /** The gateway stops: close this connection with `code` once what it holds has been handed over. Absent: closed at once. */
  finish?(connection: Connection, code: CloseCode, reason: string): void;
  /** These count no longer: end what waits for them though their connection is gone. Their connections are closed by the gateway. */
  revoked?(counts: (identity: Identity) => boolean): void;
  /** What log lines say of this connection besides its id and route: `{ room, member }`. */
  describe?(connection: Connection): Readonly<Record<string, string | number>>;
  stats(): RouteStats;
  /** Ends sources and timers. Connections are gone by then. */
  dispose(): Promise<void>;
}
