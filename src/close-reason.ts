/** The reason of a close, as long as a frame can have it (RFC 6455 section 5.5). Never throws on a text. */
import { MAX_REASON_BYTES } from "./wire/close-codes.ts";

/** At most 123 bytes, cut between characters. */
export function clipReason(reason: string): string {
  if (Buffer.byteLength(reason) <= MAX_REASON_BYTES) return reason;
  const cut = Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString();
  return cut.replace(/\uFFFD+$/, "");
}
