/** All that goes through a bridge, to its end. */
import { createHash } from "node:crypto";
import type { Bridge } from "../../../src/client/bridge.ts";

/** `halfway`: what to wait for in the middle. */
export async function writeAll(
  { writable }: Bridge,
  bytes: Uint8Array,
  chunk = 100_000,
  halfway = async () => {},
): Promise<void> {
  const writer = writable.getWriter();
  for (let at = 0; at < bytes.length; at += chunk) {
    if (at <= bytes.length / 2 && at + chunk > bytes.length / 2) await halfway();
    await writer.write(bytes.subarray(at, at + chunk));
  }
  await writer.close();
}

export async function hashAll({ readable }: Bridge): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of readable) hash.update(bytes);
  return hash.digest("hex");
}
