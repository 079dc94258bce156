/** Roles as claims of the engine, the same in both modes of a relay: how they are named, and what who gets none is told. */
import type { Registration, Role } from "../wire/envelope.ts";

/** `route`: the configured path. Two relay routes never share a group. */
export function claimName(route: string, { group, role }: Registration): string {
  return `${route}\0${group}\0${role}`;
}

export const takenText = (role: Role) => `the group has a ${role} already`;

/** The engine did not answer. */
export const NO_ROLES = "roles cannot be given out now, try again later";
