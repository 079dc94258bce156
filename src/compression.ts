/**
 * permessage-deflate (RFC 7692) of a route: which clients may have it, and which messages it is used for. The runtime does the work,
 * with one compressor for all connections that forgets each message, so that none can be guessed by the size of a later one.
 * Limits: the runtime inflates a message up to the largest `maxMessage` of the port, then closes with 1009; the route's own is
 * enforced afterwards. Failure: what cannot be inflated closes its connection with 1007.
 */
import { type Compression, compressionOptions } from "./config/kinds/every.ts";
import type { Data, Publisher } from "./connection.ts";
import { byteLength } from "./limits.ts";

/** Kept by the runtime for all connections of a port; a compressor for each would take 200 KiB, and remember. */
export const SHARED_COMPRESSOR = { compress: "shared", decompress: "shared" } as const;

/** Bytes from which a message of the route is compressed; undefined: none is. */
export function compressFrom(written: Compression): number | undefined {
  return compressionOptions(written)?.threshold;
}

/** The runtime still sends it as it is to those who did not ask for compression. */
export function isCompressed(data: Data, from: number | undefined): boolean {
  return from !== undefined && byteLength(data) >= from;
}

/** Fan-out of a route, compressed as the route says. */
export function compressing(publisher: Publisher, from: number | undefined): Publisher {
  if (from === undefined) return publisher;
  return { publish: (channel, data, except) => publisher.publish(channel, data, except, from) };
}

/** The runtime has one setting for the whole port, so where a route has compression off it must not see who asks for it. */
export function withdrawOffer(headers: Headers, from: number | undefined): void {
  if (from === undefined) headers.delete("sec-websocket-extensions");
}
