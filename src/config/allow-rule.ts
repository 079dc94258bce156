/**
 * What a bridge lets clients ask for, as a config writes it: `db.internal:5432`, `10.0.0.7:22`, `10.0.0.0/24:22`, `[fd00::]/8:*`.
 * Pure. Names are names only: a number in another notation (`127.1`, `0x7f.1`, `2130706433`) is neither name nor address here,
 * because systems read it as an address that no rule would recognise.
 */
import { type NetworkOf, parseNetwork } from "./network.ts";

export interface AllowRule {
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly of: { readonly name: string } | NetworkOf;
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
  const network = parseNetwork(`${v6 ?? host}${digits === undefined ? "" : `/${digits}`}`);
  // Brackets are for addresses of IPv6, and only for those.
  return network && network.address.includes(":") === (v6 !== undefined) ? { port, of: network } : undefined;
}

export function isHostName(text: string): boolean {
  return NAME.test(text) && !ENDS_IN_NUMBER.test(text);
}

/** 1 to 65535 in plain digits. */
export function portOf(text: string): number | undefined {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}
