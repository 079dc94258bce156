/**
 * What tells a target who its client is, before the first byte: the PROXY protocol of HAProxy (doc/proxy-protocol.txt), version 1 (a line of
 * text) or 2 (binary). Pure. Where the client's address is not known, the header says so, and the target takes the gateway for the client.
 */
import { isIPv4, isIPv6 } from "node:net";
import { bytesOfV4, bytesOfV6 } from "../../ip-bytes.ts";

export type ProxyVersion = "v1" | "v2";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
/** Version 2, with the command LOCAL (section 2.2) or PROXY. */
const LOCAL = 0x20;
const PROXY = 0x21;
/** TCP over IPv4 and over IPv6. */
const TCP4 = 0x11;
const TCP6 = 0x21;

/** `to`: where the client came in. Of another family than the client's, only that it came in is said: 0.0.0.0 or ::. */
export function proxyHeader(version: ProxyVersion, from: Endpoint, to: Endpoint): Uint8Array {
  const client = withoutZone(from.address);
  const isV4 = isIPv4(client);
  if (!isV4 && !isIPv6(client)) return version === "v1" ? lineOf("UNKNOWN") : blockOf(LOCAL, 0, []);
  const own = withoutZone(to.address);
  const hasSame = isV4 ? isIPv4(own) : isIPv6(own);
  const server = hasSame ? own : isV4 ? "0.0.0.0" : "::";
  if (version === "v1") {
    return lineOf(`${isV4 ? "TCP4" : "TCP6"} ${client} ${server} ${from.port} ${to.port}`);
  }
  const bytes = isV4 ? bytesOfV4 : bytesOfV6;
  const ports = [from.port, to.port].flatMap((port) => [port >> 8, port & 0xff]);
  return blockOf(PROXY, isV4 ? TCP4 : TCP6, [...bytes(client), ...bytes(server), ...ports]);
}

function lineOf(text: string): Uint8Array {
  return Buffer.from(`PROXY ${text}\r\n`, "latin1");
}

function blockOf(command: number, family: number, addresses: readonly number[]): Uint8Array {
  return Uint8Array.of(...SIGNATURE, command, family, 0, addresses.length, ...addresses);
}

/** `fe80::1%eth0`: the zone is the gateway's own business. */
function withoutZone(address: string): string {
  return address.split("%", 1)[0] ?? "";
}
