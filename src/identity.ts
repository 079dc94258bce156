/**
 * Contract: who speaks, and what they may do. Made where somebody was checked (`auth/`), read by everybody else, changed by nobody.
 *
 * One who was checked MUST NOT be taken for anybody else: `user` is what the issuer says, compared byte for byte, never shown as a label.
 * Where rights are listed, what is not listed is denied.
 */

/** What can be allowed. `connect`: a bridge's target by its name, or an echo. */
export const RIGHTS = [
  "subscribe",
  "publish",
  "presence",
  "history",
  "join:center",
  "join:local",
  "connect",
] as const;
export type Right = (typeof RIGHTS)[number];

/** The names a right holds for: patterns of segments between dots, where `*` is any one segment; true: every name. */
export type Names = true | readonly string[];
export type Rights = { readonly [R in Right]?: Names | undefined };
/** What a token allows, by the path of a route as it is configured; `*`: on every route. */
export type Caps = Readonly<Record<string, Rights>>;

export interface Identity {
  /** Null: nobody was checked, or what was shown names no user. */
  readonly user: string | null;
  /** What was checked. */
  readonly by: "nothing" | "token" | "key" | "certificate" | "hook";
  /** Of a token that has one (`jti`), or the name of an API key; for `revoke`. */
  readonly tokenId?: string | undefined;
  /** Unix milliseconds. */
  readonly issuedAt?: number | undefined;
  /** Unix milliseconds; absent: never. */
  readonly expires?: number | undefined;
  /** Absent: the rules of the route hold. */
  readonly caps?: Caps | undefined;
  /** Any JSON that others see in presence. */
  readonly info?: unknown;
  /** The one target of a bridge that it may ask for, as the bridge's `allow` or `targets` names it. */
  readonly target?: string | undefined;
  /** May use the operators' API. */
  readonly admin?: boolean | undefined;
}

/** Whether a right holds for a name. The name MUST be the very string that is acted on afterwards. */
export type May = (right: Right, name: string) => boolean;

/** What a request shows of who asks. Everything in it comes from a stranger. */
export interface Credentials {
  readonly headers: Headers;
  readonly query: URLSearchParams;
  /** The route's path as configured, and its parameters. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** Of whoever opened the socket, which may be a proxy; "" on a socket of the file system. Absent on a connection that stands. */
  readonly peerAddress?: string;
  /** Of the certificate that this gateway has checked itself, as RFC 4514 writes it. */
  readonly subject?: string | undefined;
}

/** `denied`: why, for the log and for the client; never what was shown. `unavailable`: it could not be checked now, and may count later. */
export type Verdict =
  | { readonly identity: Identity }
  | { readonly denied: string; readonly unavailable?: true };

/** MUST NOT throw, whatever is shown, nor make a request to anywhere that what is shown names. */
export interface Authenticator {
  /** Undefined: nothing is shown. Where several things are, all of them MUST count, and name one user. */
  request(shown: Credentials): Verdict | undefined | Promise<Verdict | undefined>;
  /** A token said in `auth` on a connection that `shown` made. */
  token(token: string, shown: Credentials): Verdict | Promise<Verdict>;
  /** From now on these count no longer; false: too many are remembered already. */
  revoke(what: Revocation): boolean;
  isRevoked(identity: Identity): boolean;
  dispose(): void;
}

/** All tokens of a user that were issued until now, or one token, by its id. */
export type Revocation = { readonly user: string } | { readonly tokenId: string };
