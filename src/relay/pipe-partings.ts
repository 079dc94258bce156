/** What an end of a pipe is closed with that has no role, or has it no more. Pure. */
import type { CloseCode } from "../wire/close-codes.ts";
import type { Role } from "../wire/envelope.ts";
import type { Refused } from "./pipe-roles.ts";
import { NO_ROLES, takenText } from "./role-claims.ts";

export interface Parting {
  readonly code: CloseCode;
  readonly reason: string;
}

/** What a client is closed with that gets no role. */
export function refusedWith(role: Role, why: Refused): Parting {
  if ("takenBy" in why) return { code: 4409, reason: takenText(role) };
  return "movedTo" in why ? { code: 4011, reason: why.movedTo } : { code: 1013, reason: NO_ROLES };
}

/** What a client is closed with whose role was lost. */
export function lostWith(role: Role, how: "taken" | "expired"): Parting {
  if (how === "taken") return { code: 4590, reason: `another ${role} has taken this one's place` };
  return { code: 1013, reason: NO_ROLES };
}
