/** Options of `auth`: what clients may show of who they are, and who vouches for it. */
import { z } from "zod";
import { type Caps, type Identity, RIGHTS } from "../identity.ts";
import { rightsTable } from "./kinds/every.ts";
import { bounded, callback, duration, flag, option, secret } from "./option.ts";

/** RFC 7518 section 3.1 and RFC 8037. `none` is no algorithm. */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
export const PUBLIC_KEY_ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
] as const;

const jwtOptions = z.strictObject({
  secret: secret(
    z.string().min(1).optional(),
    "HMAC key, at least 32 bytes, that whoever makes the tokens has too",
  ),
  secretFile: option(z.string().min(1).optional(), "file of that key: its text, without a line end after it"),
  keyFile: option(
    z.string().min(1).optional(),
    "file of the public key of whoever makes the tokens: PEM, a JWK, or a set of them",
  ),
  jwks: option(
    z.string().min(1).optional(),
    "https address where whoever makes the tokens keeps its public keys (JWKS)",
  ),
  algorithms: option(
    z
      .array(z.enum([...HMAC_ALGORITHMS, ...PUBLIC_KEY_ALGORITHMS]))
      .min(1)
      .optional(),
    "algorithms that count; a token never chooses. Default: HS256 with a secret, else all that fit the key's kind",
  ),
  issuer: option(
    z.string().min(1).optional(),
    "what `iss` must be; needed where there is more than one issuer",
  ),
  audience: option(
    z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
    "what `aud` must name, one of these; default: `aud` is not looked at",
  ),
  tolerance: bounded(
    duration("30s", "how far clocks may differ when `exp`, `nbf` and `iat` are read"),
    "clocks of two machines differ; more would let tokens live on",
    "the token does not count",
  ),
  userClaim: option(z.string().min(1).default("sub"), "the claim that names the user"),
});

export type JwtOptions = z.output<typeof jwtOptions>;

const keyOptions = z.strictObject({
  hash: secret(z.string(), "`sha256:` and the SHA-256 of the key in hex, as `fairlead key create` prints it"),
  user: option(z.string().min(1).max(255).optional(), "who acts with it; default: nobody by name"),
  caps: option(
    z.record(z.string(), rightsTable(RIGHTS)).optional(),
    "what it may do, by route, as in a token; default: what the rules of each route say",
  ),
  admin: flag(false, "may use the operators' API"),
});

export type KeyOptions = z.output<typeof keyOptions>;

/** What `authorize` is given. Everything but `identity` comes from a stranger. */
export interface AuthorizeRequest {
  readonly headers: Headers;
  readonly query: URLSearchParams;
  /** The route's path as configured, and its parameters. */
  readonly route: string;
  readonly params: Readonly<Record<string, string>>;
  readonly remoteAddress: string;
  /** What was checked so far; null: nothing. */
  readonly identity: Identity | null;
  /** As it was shown; not checked where `identity` is null. */
  readonly token: string | undefined;
}

/** What is left out stays as it was checked. Times are unix milliseconds. */
export interface AuthorizedAs {
  readonly user?: string | null;
  readonly caps?: Caps;
  readonly expires?: number;
  readonly info?: unknown;
  readonly target?: string;
  readonly tokenId?: string;
}

/** Null: nothing to add, what was checked holds. False: denied. */
export type Authorized = AuthorizedAs | null | false;
export type Authorize = (request: AuthorizeRequest) => Authorized | Promise<Authorized>;

export const authOptions = z.strictObject({
  jwt: secret(
    z.union([jwtOptions, z.array(secret(jwtOptions, "an issuer")).min(1)]).optional(),
    "whose tokens (JWT) count: one issuer, or a list of them",
  ),
  // Whoever writes a key where its table should stand is not told so with the key in the text.
  keys: secret(
    z.record(z.string(), secret(keyOptions, "an API key")).optional(),
    "API keys for servers, by a name of yours",
  ),
  certificate: option(
    z
      .union([
        z.literal(true),
        z.strictObject({
          header: option(
            z.string().min(1),
            "header in which a proxy of trustProxy, and nobody else, says whose certificate it has checked",
          ),
        }),
      ])
      .optional(),
    "true: who shows a certificate that listen.tls.clientCa vouches for is its subject; or where a proxy says so",
  ),
  authorize: callback<Authorize>(
    "decides who a client is, beside or after all others; TypeScript config only",
  ),
  query: flag(
    false,
    "insecure: tokens also count in the URL as access_token, where logs and histories keep them",
  ),
  revocations: z
    .strictObject({
      max: bounded(
        option(
          z.int().min(1).default(10_000),
          "users and tokens that may be remembered as revoked; past it none is taken",
          "revocations",
        ),
        "each is kept in memory",
        "a revocation is refused",
      ),
      ttl: bounded(
        duration(
          "24h",
          "how long one is remembered, so at least as long as tokens live: an older token counts again. 0 = until a restart",
        ),
        "tokens live no longer, or should not",
        "the revocation is forgotten",
      ),
    })
    .prefault({}),
  pending: bounded(
    option(
      z.int().min(0).default(1_000),
      "checks under way at once, shared by addresses; past it 503. They take their time where authorize or an issuer's keys do",
      "checks",
    ),
    "each may be a question to a database; requests take no place, so nothing else counts them",
    "503 `auth_unavailable`; `err engine_down`",
  ),
  deadline: bounded(
    duration(
      "5s",
      "how long a client of fairlead.v1 may take to show a token by `auth` (past it close 3008), and `authorize` to answer",
    ),
    "a stranger holds a connection meanwhile",
    "close 3008",
  ),
  grace: bounded(
    duration(
      "25s",
      "how long after its token has ended a connection may bring a new one; past it close 3000",
    ),
    "a client asks its own server for a new token meanwhile",
    "close 3000",
  ),
  refuseByClose: flag(
    true,
    "no WebSocket shows a status, so browsers and clients of fairlead.v1 are let in and closed with 3000 or 3003: then a client library stops",
  ),
});

export type AuthOptions = z.output<typeof authOptions>;
