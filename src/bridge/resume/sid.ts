/**
 * The name by which a client comes back to its stream: 128 random bits, and before them, where several nodes share an engine, the id of the
 * node that has the stream. A secret: nothing of it goes into a log or a text. Pure but for the random bits.
 */
import { randomBytes } from "node:crypto";

const RANDOM_BYTES = 16;
/** Of `Cluster.self`. */
const NODE_CHARS = 8;
/** In base64url, as are the random bits. */
const SID = /^(?:[\w-]{8})?[\w-]{22}$/;
const LENGTH_ALONE = 22;

/** `node`: undefined where there is one only. */
export function newSid(node = ""): string {
  return node + randomBytes(RANDOM_BYTES).toString("base64url");
}

export function isSid(text: string): boolean {
  return SID.test(text);
}

/** The id of the node that has given it; undefined: the sid does not say. */
export function nodeOf(sid: string): string | undefined {
  return sid.length > LENGTH_ALONE ? sid.slice(0, NODE_CHARS) : undefined;
}
