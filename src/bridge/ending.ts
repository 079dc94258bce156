/** How a bridge's client is closed when its target is through, behind everything the target said. */
import type { CloseCode } from "../wire/close-codes.ts";

export interface Ending {
  readonly code: CloseCode;
  readonly reason: string;
}

export const BROKEN: Ending = { code: 1014, reason: "the target broke the connection" };
export const ENDED: Ending = { code: 1000, reason: "the target has ended" };
