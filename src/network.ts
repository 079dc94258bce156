/**
 * Networks of addresses, and those that lead inside: private, loopback, link-local, multicast, shared and documentation ranges, and every form
 * of IPv6 that carries an IPv4 address (mapped, NAT64, 6to4, Teredo). RFC 6890 and IANA's registries of special addresses.
 */
import { BlockList, isIPv4 } from "node:net";
import type { NetworkOf } from "./config/network.ts";

export interface Network {
  has(address: string): boolean;
  /** All of it lies in one special range: whoever wrote it meant that range. `0.0.0.0/0` did not mean loopback. */
  readonly isSpecial: boolean;
}

/** Of an IPv4 client, as a listener for both families names it, the address alone. */
export function plainAddress(address: string): string {
  const inner = address.replace(/^::ffff:(?=\d+\.)/i, "");
  return isIPv4(inner) ? inner : address;
}

export function isLoopback(address: string): boolean {
  return /^(?:127\.|[0:]+:0*1$|::ffff:127\.)/i.test(address);
}

interface Range extends Pick<Network, "has"> {
  readonly prefix: number;
}

/** Of IPv6 only 2000::/3 is handed out to the public; the first three are everything else. */
const SPECIAL = [
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24",
  "192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4",
  "::/3 4000::/2 8000::/1 2001::/23 2001:db8::/32 2002::/16 3fff::/20",
]
  .flatMap((line) => line.split(" "))
  .map((range) => {
    const [address = "", prefix] = range.split("/");
    return rangeOf({ address, prefix: Number(prefix) });
  });

export function networkOf(of: NetworkOf): Network {
  const isSpecial = SPECIAL.some((range) => range.has(of.address) && range.prefix <= of.prefix);
  return { has: rangeOf(of).has, isSpecial };
}

export function isSpecial(address: string): boolean {
  return SPECIAL.some((range) => range.has(address));
}

/** Asked about as of the network's own family: as one of IPv6, a mapped address would also count as the IPv4 address in it. */
function rangeOf({ address, prefix }: NetworkOf): Range {
  const type = isIPv4(address) ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, prefix, type);
  return { prefix, has: (other) => list.check(other, type) };
}
