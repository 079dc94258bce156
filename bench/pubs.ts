/**
 * Bursts of `pub` commands of fairlead.v1. An `id` may not come twice, so those of a burst are counted up in its bytes:
 * making the frames anew would cost the load as much as the server.
 */
import { clientFrame, MASK, TEXT } from "./frames.ts";

/** All ids have as many digits, so that a frame never changes its length. */
const DIGITS = 10;
const FIRST_ID = 10 ** (DIGITS - 1);
const ZERO = 0x30;

/** `window` commands with `data`, each to be answered. The same bytes every time: the burst before MUST have been sent. */
export function pubs(data: string, window: number): () => Uint8Array {
  const head = '{"t":"pub","id":';
  const frame = clientFrame(`${head}${FIRST_ID},"data":${JSON.stringify(data)}}`, TEXT);
  const header = frame.length < 6 + 126 ? 6 : 8;
  const burst = new Uint8Array(frame.length * window);
  let id = FIRST_ID;
  return () => {
    for (let i = 0; i < window; i++) {
      burst.set(frame, i * frame.length);
      writeDigits(burst, i * frame.length + header, head.length, id);
      id++;
    }
    return burst;
  };
}

/** Over a masked payload that begins at `payload`, from its byte `from` on. */
function writeDigits(bytes: Uint8Array, payload: number, from: number, id: number): void {
  let rest = id;
  for (let digit = from + DIGITS - 1; digit >= from; digit--) {
    bytes[payload + digit] = (ZERO + (rest % 10)) ^ (MASK[digit & 3] ?? 0);
    rest = Math.floor(rest / 10);
  }
}
