/** Roles, the same in both modes of a relay: who may have one, how it is claimed of the engine, and what who gets none is told. */
import { lacks } from "../access.ts";
import type { May } from "../identity.ts";
import type { Registration, Role } from "../wire/envelope.ts";

/** `route`: the configured path. Two relay routes never share a group. */
export function claimName(route: string, { group, role }: Registration): string {
  return `${route}\0${group}\0${role}`;
}

/** Which node has a group. No role is called so. */
export function homeName(route: string, group: string): string {
  return `${route}\0${group}\0node`;
}

/** Why this place may not be taken. MUST be asked before anything of the group is looked at: the answer is the same whether it exists or not. */
export function placeLacks(may: May, { group, role }: Registration): string | undefined {
  return lacks(may, `join:${role}`, group);
}

export const takenText = (role: Role) => `the group has a ${role} already`;

/** The engine did not answer. */
export const NO_ROLES = "roles cannot be given out now, try again later";
