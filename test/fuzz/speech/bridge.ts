/** What an honest client of a resumable stream may say, and how it may ask for one. */
import { ackFrame, connectFrame, dataFrame, reconnectFrame } from "../../../src/wire/bridge-frames.ts";
import type { Chance } from "../chance.ts";

/** The service echoes: what is acknowledged below may really have been sent. */
export function bridgeFrameOf(chance: Chance): Uint8Array {
  const kind = chance.below(20);
  if (kind < 13) return dataFrame(chance.bytes(1 + chance.below(chance.pick([8, 500]))));
  if (kind < 17) return ackFrame(0);
  if (kind === 17) return ackFrame(chance.pick([1, 5, 100, 2 ** 40]));
  if (kind === 18) return dataFrame(Buffer.alloc(0));
  return chance.pick([connectFrame("abc"), reconnectFrame(0), Buffer.of(0, 9, 1, 2, 3)]);
}

const SID = "A".repeat(22);

/** Path and query. */
export function streamPathOf(chance: Chance, isSsh: boolean): string {
  const resumes = chance.is(0.15);
  const asked = resumes ? `?sid=${SID}&ack=${chance.below(9)}` : "";
  if (!isSsh) return `/bridge${asked}`;
  return resumes ? `/bridge/v4/reconnect${asked}` : "/bridge/v4/connect";
}
