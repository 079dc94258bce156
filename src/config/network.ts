/** Networks of addresses as a config writes them: `10.0.0.0/8`, `fd00::/8`, or an address alone. Pure. */
import { isIP } from "node:net";

/** All addresses that begin with the same bits; an address alone is the network of itself. */
export interface NetworkOf {
  readonly address: string;
  readonly prefix: number;
}

/** Undefined: it is none. One with a zone (`fe80::1%eth0`) is none either: rules are for addresses, not for interfaces. */
export function parseNetwork(text: string): NetworkOf | undefined {
  const [, address = "", digits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const prefix = digits === undefined ? bits : Number(digits);
  return family !== 0 && prefix <= bits ? { address, prefix } : undefined;
}
