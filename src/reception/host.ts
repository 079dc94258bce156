/**
 * Whether a request's `Host` is a name of this gateway. A page whose name was made to lead here (DNS rebinding) counts as same-origin
 * for its browser, and only its `Host` tells. Checked on a loopback bind always, elsewhere and on a socket where `hosts` is set.
 * Only the header itself counts: not the request line (the runtime ignores its host), not `X-Forwarded-Host`. Never throws.
 */

import { isLoopback } from "../network.ts";
import { refusal } from "../refusals.ts";
import type { Refusal } from "../route.ts";
import { shown } from "../wire/shown.ts";
import type { Peer } from "./forwarded.ts";

export interface HostOptions {
  /** Where it listens. */
  readonly host: string;
  /** In place of it a socket of the file system, whose peers are proxies. */
  readonly unix?: string | undefined;
  /** `name`, `name:port`, `*.name`, as checked with the config. */
  readonly hosts: readonly string[];
}

/** An address to listen on that only this machine reaches. */
export function isLoopbackName(host: string): boolean {
  return isLoopback(host) || OWN_NAME.test(host.toLowerCase());
}

/** Undefined: the request is meant for us. `path` as it stands in the URL; the header was found usable. */
export type HostCheck = (headers: Headers, path: string, peer: Peer) => Refusal | undefined;

/** Probes of orchestrators and load balancers come by address, and there is nothing to read there. */
const PROBED = new Set(["/healthz", "/readyz"]);
/** They mean the browser's own machine, so no page elsewhere can be made to have one. */
const OWN_NAME = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
/** What a Host without a port means; which of them is the scheme's matter. */
const DEFAULT_PORTS = ["80", "443"];

export function createHostCheck({ host: bind, unix, hosts }: HostOptions): HostCheck {
  if ((!isLoopbackName(bind) || unix !== undefined) && hosts.length === 0) return () => undefined;
  const entries = hosts.map(parse);
  return (headers, path, peer) => {
    const received = headers.get("host") ?? "";
    const host = parse(received);
    const isOurs =
      entries.some((entry) => covers(entry, host)) ||
      // On any bind: else who serves example.com could not read /metrics on the machine itself.
      (isLoopback(peer.address) && OWN_NAME.test(host.name));
    return isOurs || PROBED.has(path) ? undefined : refusal("misdirected", shown(received));
  };
}

interface Host {
  /** In lower case, without a trailing dot: DNS knows no difference. */
  readonly name: string;
  readonly port: string | undefined;
}

function parse(text: string): Host {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
  return { name: name.toLowerCase().replace(/\.$/, ""), port };
}

/** `*.example.com` stands for every name below it, however deep, and not for example.com. */
function covers(entry: Host, { name, port }: Host): boolean {
  const below = entry.name.startsWith("*") ? entry.name.slice(1) : undefined;
  const isName =
    below === undefined ? name === entry.name : name.endsWith(below) && name.length > below.length;
  if (!isName || entry.port === undefined) return isName;
  return port === undefined ? DEFAULT_PORTS.includes(entry.port) : port === entry.port;
}
