/**
 * Who a client is, and which scheme it used, when proxies stand between: read from `Forwarded` (RFC 7239) or `X-Forwarded-For`, from the right, as long as whoever wrote an
 * entry is a trusted proxy. Anybody may send these headers, so without trust in the peer they say nothing.
 * Failure: an entry that is no address ends the way there; when both headers are there and disagree, one of them is the client's own
 * invention, and neither counts. Never throws.
 */
import { isIP } from "node:net";
import { parseNetwork } from "../config/network.ts";
import { isLoopback, networkOf, plainAddress } from "../network.ts";

/** `port` 0: not known. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  /** Of the certificate that this gateway has checked, where it tells. */
  readonly subject?: string;
}

/** The client of a request that came from `peer`: the peer itself, unless that is a trusted proxy that says otherwise. */
export type ClientOf = (peer: Peer, headers: Headers) => Peer;

/** Stands for peers without an address: those of a listener on a socket in the file system. */
export const UNIX_PEERS = "unix";
/** RFC 7239 section 6.2. Taken for the proxy, a client of one on this machine would share nothing with anybody. */
const NOBODY_KNOWS: Peer = { address: "unknown", port: 0 };
/** Proxies in a row that are followed. */
const MAX_HOPS = 32;

/** The scheme that the client of a request used: the listener's own, unless a trusted proxy says otherwise. */
export type SchemeOf = (peer: Peer, request: Pick<Request, "url" | "headers">) => "http" | "https";

/** Whether an address, as `plainAddress` writes it, is that of a proxy whose word counts. */
export function createTrust(trustProxy: readonly string[]): (peer: Pick<Peer, "address">) => boolean {
  const networks = trustProxy.map(parseNetwork).flatMap((network) => (network ? [networkOf(network)] : []));
  const trustsUnix = trustProxy.includes(UNIX_PEERS);
  return ({ address }) => (address === "" ? trustsUnix : networks.some((network) => network.has(address)));
}

/** What the last proxy said counts. Both headers are there and disagree, or one holds several schemes: neither counts, as above. */
export function createSchemeOf(trustProxy: readonly string[]): SchemeOf {
  const isTrusted = createTrust(trustProxy);
  return ({ address, subject }, { url, headers }) => {
    // Behind a port that checks certificates the inner server speaks plain HTTP.
    const own = subject !== undefined || url.startsWith("https:") ? "https" : "http";
    if (!isTrusted({ address: plainAddress(address) })) return own;
    const forwarded = parameterOf("proto", headers.get("forwarded")?.split(",").at(-1) ?? "");
    const xForwardedProto = headers.get("x-forwarded-proto")?.split(",") ?? [];
    const said = [forwarded ?? [], xForwardedProto].flat().map((scheme) => scheme.trim().toLowerCase());
    const [scheme] = new Set(said).size === 1 ? said : [];
    return scheme === "https" || scheme === "http" ? scheme : own;
  };
}

/** `onUnknownProxy`: called once, when somebody on this machine speaks for others and is not trusted: all of them count as the machine itself. */
export function createClientOf(trustProxy: readonly string[], onUnknownProxy = () => {}): ClientOf {
  const isTrusted = createTrust(trustProxy);
  let isTold = false;

  function suspect({ address }: Peer, headers: Headers): void {
    if (isTold || !isLoopback(address)) return;
    if (!headers.has("x-forwarded-for") && !headers.has("forwarded")) return;
    isTold = true;
    onUnknownProxy();
  }

  /** Follows the entries from the last one on; `undefined` among them is a hop that nobody knows. */
  function follow(peer: Peer, entries: readonly string[], read: (entry: string) => Peer | undefined): Peer {
    let client = peer;
    for (const entry of entries.slice(-MAX_HOPS).reverse()) {
      const before = isTrusted(client) ? read(entry) : undefined;
      if (before === undefined) return client;
      client = before;
    }
    return client;
  }

  return ({ address, port }, headers) => {
    const peer = { address: plainAddress(address), port };
    if (!isTrusted(peer)) {
      suspect(peer, headers);
      return peer;
    }
    const forwarded = headers.get("forwarded");
    const xForwardedFor = headers.get("x-forwarded-for");
    const said = [
      ...(forwarded === null ? [] : [follow(peer, forwarded.split(","), forOf)]),
      ...(xForwardedFor === null ? [] : [follow(peer, xForwardedFor.split(","), readNode)]),
    ];
    const [client = peer, other = client] = said;
    return client.address === other.address ? client : NOBODY_KNOWS;
  };
}

/** RFC 7239 section 4: `name=token` or `name="quoted"`, joined by `;`. Tokens are taken with the `:` and brackets that should be quoted. */
const PAIR = /^[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"\\]+))[ \t]*(?:;|$)/;

function forOf(element: string): Peer | undefined {
  const node = parameterOf("for", element);
  return node === undefined ? undefined : readNode(node);
}

/**
 * A parameter of an element. The header is split at every comma, also inside quotes: a piece that begins inside is never whole,
 * so nothing that a proxy quotes of a client can pass for an element.
 */
function parameterOf(wanted: string, element: string): string | undefined {
  let found: string | undefined;
  for (let rest = element; rest.trim() !== ""; ) {
    const [pair, name = "", quoted, token = ""] = PAIR.exec(rest) ?? [];
    if (pair === undefined) return undefined;
    if (name.toLowerCase() === wanted) {
      // RFC 7239 section 4: a parameter stands once in an element.
      if (found !== undefined) return undefined;
      found = quoted?.replaceAll(/\\(.)/g, "$1") ?? token;
    }
    rest = rest.slice(pair.length);
  }
  return found;
}

/** `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. Undefined: `unknown`, an obfuscated `_name`, or nothing that is known. */
function readNode(text: string): Peer | undefined {
  const node = text.trim();
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}|_[\w.-]+))?$/.exec(node) ?? [];
  const address = plainAddress(bracketed ?? plain ?? node);
  if (isIP(address) === 0 || address.includes("%")) return undefined;
  const port = Number(digits ?? 0);
  return { address, port: Number.isInteger(port) && port <= 65_535 ? port : 0 };
}
