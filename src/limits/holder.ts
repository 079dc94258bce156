/** Whose something is, where clients share a bound: a user's, or that of the address of those who are none. */
import type { Connection } from "../connection.ts";
import { isLoopback } from "../network.ts";
import { addressKey } from "./door.ts";

/** Of those who come from this machine: a proxy that is not in `trustProxy` stands for all its clients, so they cannot be told apart. */
export const EVERYBODY = "everybody";

/** A user is never an address, whatever it is called. IPv6 by its /64. */
export function holderOf({ user, remoteAddress }: Pick<Connection, "user" | "remoteAddress">): string {
  if (user !== null) return `user ${user}`;
  return remoteAddress === "" || isLoopback(remoteAddress)
    ? EVERYBODY
    : `address ${addressKey(remoteAddress)}`;
}
