/**
 * What a bridge lets clients ask for, as a config writes it: `db.internal:5432`, `10.0.0.7:22`, `10.0.0.0/24:22`, `[fd00::]/8:*`.
 * Pure. Names are names only: a number in another notation (`127.1`, `0x7f.1`, `2130706433`) is neither name nor address here,
 * because systems read it as an address that no rule would recognise.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface AllowRule {
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly of: { readonly name: string } | NetworkOf;
}

/** All addresses that begin with the same bits; an address alone is the network of itself. */
export interface NetworkOf {
  readonly address: string;
  readonly prefix: number;
}

const RULE = /^(?:\[([0-9A-Fa-f:.]+)\]|([^/:[\]]+))(?:\/(\d{1,3}))?:(\*|[1-9]\d{0,4})$/;
/** RFC 1123 section 2.1, and `_`, which names in use have. */
const NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;
/** As the URL standard tells numbers from names: by the last label. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i;

/** Undefined: it is none. */
export function parseAllowRule(text: string): AllowRule | undefined {
  const match = RULE.exec(text);
  if (match === null) return undefined;
  const [, v6, host = "", digits, portText] = match;
  const port = portText === "*" ? undefined : Number(portText);
  if (port !== undefined && port > 65_535) return undefined;
  if (v6 === undefined && isHostName(host)) {
    return digits === undefined ? { port, of: { name: host.toLowerCase() } } : undefined;
  }
  const network = networkOf(v6 ?? host, v6 !== undefined, digits);
  return network && { port, of: network };
}

function networkOf(address: string, isV6: boolean, digits: string | undefined): NetworkOf | undefined {
  const bits = isV6 ? 128 : 32;
  const prefix = digits === undefined ? bits : Number(digits);
  const isAddress = isV6 ? isIPv6(address) : isIPv4(address);
  return isAddress && prefix <= bits ? { address, prefix } : undefined;
}

/** `10.0.0.0/8`, `fd00::/8`, or an address alone. Undefined: it is none. */
export function parseNetwork(text: string): NetworkOf | undefined {
  const [address = "", digits, more] = text.split("/");
  if (more !== undefined || (digits !== undefined && !/^\d{1,3}$/.test(digits))) return undefined;
  return networkOf(address, address.includes(":"), digits);
}

export function isHostName(text: string): boolean {
  return NAME.test(text) && !ENDS_IN_NUMBER.test(text);
}

/** 1 to 65535 in plain digits. */
export function portOf(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}
