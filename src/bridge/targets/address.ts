/**
 * A host and a port as somebody asks for them, in the one form in which they are compared with rights, looked up, checked and dialled:
 * names in lower case, addresses of IPv6 as RFC 5952 writes them. Pure. A number in another notation is neither (config/allow-rule.ts).
 */
import { isIP } from "node:net";
import { isHostName, portOf } from "../../config/allow-rule.ts";
import { bytesOfV6, textOfV6 } from "../../ip-bytes.ts";

export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isName: boolean;
  /** `host:port`, IPv6 in brackets: what the right `connect` is asked for. */
  readonly name: string;
}

/** `bad`: not even a question. `forbidden`: no rule could allow it. */
export interface Unreadable {
  readonly failure: "bad" | "forbidden";
  readonly reason: string;
}

export function readAddress(host: string, portText: string): Address | Unreadable {
  const port = portOf(portText);
  if (host === "" || port === undefined)
    return { failure: "bad", reason: "no host, or no port from 1 to 65535" };
  const address = host.replace(/^\[(.*)\]$/, "$1");
  if (isAddress(address)) return at(canonical(address), port, false);
  if (isHostName(host)) return at(host.toLowerCase(), port, true);
  return { failure: "forbidden", reason: "neither a name nor an address in its usual form" };
}

/** `host:port` in one text, as a token names its target. */
export function parseAddress(text: string): Address | Unreadable {
  const colon = text.lastIndexOf(":");
  return readAddress(text.slice(0, Math.max(0, colon)), text.slice(colon + 1));
}

/** One with a zone (`fe80::1%eth0`) says which interface to use, which is nobody's business. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}

function at(host: string, port: number, isName: boolean): Address {
  return { host, port, isName, name: `${host.includes(":") ? `[${host}]` : host}:${port}` };
}

function canonical(address: string): string {
  return isIP(address) === 6 ? textOfV6(bytesOfV6(address)) : address;
}
