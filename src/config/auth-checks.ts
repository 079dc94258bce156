/**
 * What `auth` may not combine, and what would make it weaker than it looks: short keys, algorithms of the wrong kind, two issuers that cannot
 * be told apart. As checks.ts: what has the wrong type is the schema's to tell. No text repeats a secret.
 */
import { HMAC_ALGORITHMS } from "./auth.ts";
import { isTable, type KeyPath, valueAt } from "./key-path.ts";
import { didYouMean } from "./nearest.ts";
import type { Problem } from "./problems.ts";
import { rightsProblems } from "./rights-checks.ts";

/** Each says by itself which key signs. */
const KEY_OPTIONS = ["secret", "secretFile", "keyFile", "jwks"] as const;
const WAYS = ["jwt", "keys", "certificate", "authorize"] as const;
/** RFC 7518 section 3.2: at least as many bytes as the hash has. */
const HMAC_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
const KEY_HASH = /^sha256:[0-9a-f]{64}$/;
const ANY_ROUTE = "*";

type Table = Readonly<Record<string, unknown>>;

export function authProblems(input: unknown): Problem[] {
  const auth = valueAt(input, ["auth"]);
  const routes = valueAt(input, ["routes"]);
  if (!isTable(auth)) return auth === undefined ? unbackedProblems(routes) : [];
  return [
    ...emptyProblems(auth),
    ...jwtProblems(auth["jwt"]),
    ...keysProblems(auth["keys"], isTable(routes) ? Object.keys(routes) : []),
    ...certificateProblems(auth["certificate"], valueAt(input, ["trustProxy"])),
    ...ownCertificateProblems(auth["certificate"], valueAt(input, ["listen"])),
    ...anonymousProblems(routes),
  ];
}

/** A route that asks for what nobody checks would let nobody in, or anybody. */
function unbackedProblems(routes: unknown): Problem[] {
  return Object.entries(isTable(routes) ? routes : {}).flatMap(([path, route]) => {
    const received = valueAt(route, ["auth"]);
    if (received !== "required" && received !== "optional") return [];
    const hint = " Add auth at the top level, with jwt, keys or authorize.";
    return [{ path: ["routes", path, "auth"], text: "has nothing that checks clients", received, hint }];
  });
}

/** Whoever writes rights of strangers wants them in; a route that asks who comes lets none in. */
function anonymousProblems(routes: unknown): Problem[] {
  return Object.entries(isTable(routes) ? routes : {}).flatMap(([path, route]) => {
    const mode = valueAt(route, ["auth"]) ?? "required";
    if (mode !== "required" || valueAt(route, ["anonymous"]) === undefined) return [];
    const hint = " Add auth: optional to the route, or leave anonymous out.";
    return [{ path: ["routes", path, "anonymous"], text: "is for nobody where auth is required", hint }];
  });
}

function emptyProblems(auth: Table): Problem[] {
  if (WAYS.some((way) => auth[way] !== undefined)) return [];
  const text = "names nothing that could count, so nobody could come in";
  return [{ path: ["auth"], text, hint: ` Add ${WAYS.slice(0, -1).join(", ")} or ${WAYS.at(-1)}.` }];
}

function jwtProblems(jwt: unknown): Problem[] {
  const path: KeyPath = ["auth", "jwt"];
  if (!Array.isArray(jwt)) return issuerProblems(path, jwt);
  return [
    ...jwt.flatMap((issuer, index) => issuerProblems([...path, index], issuer)),
    ...(jwt.length > 1 ? namelessProblems(path, jwt) : []),
  ];
}

function issuerProblems(path: KeyPath, issuer: unknown): Problem[] {
  if (!isTable(issuer)) return [];
  const [first, second] = KEY_OPTIONS.filter((key) => issuer[key] !== undefined);
  if (first === undefined) {
    return [
      { path, text: "has no key to check tokens with", hint: ` Add one of ${KEY_OPTIONS.join(", ")}.` },
    ];
  }
  if (second !== undefined) {
    return [{ path: [...path, second], text: `stands beside ${first}`, hint: " Keep one of the two." }];
  }
  return [
    ...secretProblems([...path, "secret"], issuer),
    ...algorithmProblems([...path, "algorithms"], issuer, first),
    ...addressProblems([...path, "jwks"], issuer["jwks"]),
  ];
}

/** The `iss` of a token decides whose keys are asked, so that keys of one issuer never vouch for another. */
function namelessProblems(path: KeyPath, issuers: readonly unknown[]): Problem[] {
  const seen = new Set<unknown>();
  return issuers.flatMap((issuer, index) => {
    const name = valueAt(issuer, ["issuer"]);
    if (name === undefined) {
      const hint = " Of several, each says what `iss` its tokens have.";
      return [{ path: [...path, index, "issuer"], text: "is missing", hint }];
    }
    if (seen.has(name)) {
      const hint = " Keep one entry for each issuer; a set of keys (jwks, keyFile) may hold several.";
      return [
        { path: [...path, index, "issuer"], text: "is the issuer of another entry", received: name, hint },
      ];
    }
    seen.add(name);
    return [];
  });
}

function secretProblems(path: KeyPath, { secret, algorithms }: Table): Problem[] {
  if (typeof secret !== "string") return [];
  const problem = secretProblem(secret, Array.isArray(algorithms) ? algorithms : []);
  return problem === undefined ? [] : [{ path, ...problem }];
}

/** Why a text is no key for these algorithms, and what to do; undefined: it is one. Also asked of what `secretFile` holds. */
export function secretProblem(
  secret: string,
  algorithms: readonly unknown[],
): { readonly text: string; readonly hint: string } | undefined {
  // Whoever had the public half of it could make tokens.
  if (secret.includes("-----BEGIN")) return { text: "is a key in PEM", hint: " Name its file with keyFile." };
  const needed = Math.max(32, ...algorithms.map((name) => HMAC_BYTES[String(name)] ?? 0));
  const length = Buffer.byteLength(secret);
  if (length >= needed) return undefined;
  return {
    text: `has ${length} bytes, and at least ${needed} are needed`,
    hint: " Make one with `openssl rand -base64 48`.",
  };
}

function algorithmProblems(path: KeyPath, { algorithms }: Table, key: string): Problem[] {
  const takesHmac = key === "secret" || key === "secretFile";
  return (Array.isArray(algorithms) ? algorithms : []).flatMap((received: unknown, index) => {
    const isHmac = HMAC_ALGORITHMS.some((name) => name === received);
    if (isHmac === takesHmac || typeof received !== "string") return [];
    const text = `does not go with ${key}`;
    const hint = takesHmac
      ? ` Like ${HMAC_ALGORITHMS.join(", ")}.`
      : " Whoever knew the public key could make tokens; use secret for HMAC.";
    return [{ path: [...path, index], text, received, hint }];
  });
}

function addressProblems(path: KeyPath, received: unknown): Problem[] {
  if (typeof received !== "string") return [];
  const url = URL.parse(received);
  if (url !== null && (url.username !== "" || url.password !== "")) {
    return [
      { path, text: "has a user or a password in it", hint: " Keys for checking are public; leave it out." },
    ];
  }
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  if (isSafe) return [];
  const hint = " Whoever can change the answer on its way could make tokens; http is for loopback only.";
  return [{ path, text: "expected an https:// address", received, hint }];
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function keysProblems(keys: unknown, routes: readonly string[]): Problem[] {
  const seen = new Set<unknown>();
  return Object.entries(isTable(keys) ? keys : {}).flatMap(([name, key]) => {
    const [path, hash] = [["auth", "keys", name], valueAt(key, ["hash"])];
    const isDouble = hash !== undefined && seen.has(hash);
    seen.add(hash);
    return [
      ...hashProblems([...path, "hash"], hash),
      ...(isDouble ? [{ path, text: "has the hash of another key", hint: " Make a key for each." }] : []),
      ...capsProblems([...path, "caps"], valueAt(key, ["caps"]), routes),
    ];
  });
}

function hashProblems(path: KeyPath, received: unknown): Problem[] {
  if (typeof received !== "string" || KEY_HASH.test(received)) return [];
  const hint = " `fairlead key create` makes a key and prints its hash.";
  return [{ path, text: "expected sha256: and 64 digits of hex", received, secret: true, hint }];
}

/** Rights on a route that there is not would be rights to nothing, in silence. */
function capsProblems(path: KeyPath, caps: unknown, routes: readonly string[]): Problem[] {
  return Object.entries(isTable(caps) ? caps : {}).flatMap(([route, rights]) => {
    if (route === ANY_ROUTE || routes.includes(route)) return rightsProblems([...path, route], rights);
    const hint = didYouMean(route, routes) || " Write it as under routes, or * for all.";
    return [{ path: [...path, route], text: "is no route", hint }];
  });
}

/** Whose certificates are to count is for the listener to ask. */
function ownCertificateProblems(received: unknown, listen: unknown): Problem[] {
  if (received !== true) return [];
  const path: KeyPath = ["auth", "certificate"];
  if (valueAt(listen, ["tls", "clientCa"]) === undefined) {
    const hint =
      " Name the authorities with listen.tls.clientCa, or the header of a proxy that checks certificates.";
    return [{ path, text: "has nobody who vouches for certificates", received, hint }];
  }
  if (valueAt(listen, ["unix"]) === undefined) return [];
  const hint = " Listen on a port, or let the proxy in front check certificates and say so in a header.";
  return [{ path, text: "cannot be told on a socket of the file system", received, hint }];
}

function certificateProblems(certificate: unknown, proxies: unknown): Problem[] {
  const header = valueAt(certificate, ["header"]);
  if (typeof header !== "string") return [];
  const path: KeyPath = ["auth", "certificate", "header"];
  if (!/^[A-Za-z0-9-]{1,100}$/.test(header)) {
    const hint = " Like X-Client-Subject.";
    return [{ path, text: "expected the name of a header", received: header, hint }];
  }
  if (Array.isArray(proxies) && proxies.length > 0) return [];
  const hint = " Name the proxy that checks certificates with trustProxy.";
  return [{ path, text: "counts only from a trusted proxy, and there is none", received: header, hint }];
}
