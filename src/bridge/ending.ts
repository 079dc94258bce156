/** Ends of a bridge's client: with what it is closed when its target is through, and after which close it does not come back. */
import type { CloseInfo } from "../connection.ts";
import type { CloseCode } from "../wire/close-codes.ts";

export interface Ending {
  readonly code: CloseCode;
  readonly reason: string;
}

export const BROKEN: Ending = { code: 1014, reason: "the target broke the connection" };
export const ENDED: Ending = { code: 1000, reason: "the target has ended" };

/** The client said that it is done; or the gateway, that it stops (1012) or that the client may not be here (3003). */
export function isLast({ code, local }: CloseInfo): boolean {
  return local ? code === 1012 || code === 3003 : code === 1000;
}
