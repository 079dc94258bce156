/**
 * Roles of pipes, of the engine's claims. Where several nodes share the engine a role is claimed only once its group is at this node
 * (pipe-homes.ts); so who is third, and what becomes of it, is decided at one place.
 * Failure: what the engine says.
 */
import type { Cluster } from "../cluster.ts";
import type { Claim, ClaimOptions, Claims } from "../engine.ts";
import type { Registration } from "../wire/envelope.ts";
import { createHomes, type Guest, type NotHere } from "./pipe-homes.ts";
import { claimName } from "./role-claims.ts";

export type Seat = Pick<Claim, "release">;
export type Refused = { readonly takenBy: string } | NotHere;

export interface PipeRoles {
  /** Answers once, maybe before the call returns. `onLost` may come twice, and before the answer. */
  claim(
    place: Registration,
    options: Omit<ClaimOptions, "lease">,
    done: (result: Seat | Refused) => void,
  ): void;
}

export interface PipeRolesDeps {
  readonly claims: Claims;
  /** Undefined: there is no other node. */
  readonly cluster?: Pick<Cluster, "self" | "find"> | undefined;
  /** The configured path: two relay routes never share a group. */
  readonly name: string;
}

export function createPipeRoles({ claims, cluster, name }: PipeRolesDeps): PipeRoles {
  const homes = cluster && createHomes({ claims, cluster, name });
  return {
    claim(place, options, done) {
      const { takeOver } = options;
      // Taken where nobody may take: by another node, after the engine has lost data.
      const onLost = (how: "taken" | "expired") => options.onLost(takeOver ? how : "expired");
      const ask = (answer: Parameters<Claims["claim"]>[2]) =>
        claims.claim(claimName(name, place), { ...options, onLost, lease: 0 }, answer);
      if (homes === undefined) {
        ask(done);
        return;
      }
      const guest: Guest = { here: () => ask(answer), refused: done, lost: () => options.onLost("expired") };
      const answer: Parameters<typeof ask>[0] = (result) => {
        if ("release" in result) {
          done({
            release() {
              result.release();
              homes.leave(place.group, guest);
            },
          });
        } else {
          homes.leave(place.group, guest);
          done(result);
        }
      };
      homes.enter(place.group, guest);
    },
  };
}
