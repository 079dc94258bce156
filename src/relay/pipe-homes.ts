/**
 * At which node a group of a pipe is. No byte of a pipe goes through an engine, so both ends of a group have to be at the same node: the first
 * who comes claims the group for its node, and who comes to another one is sent there.
 *
 * A group is claimed with its first guest at this node, and given back with the last. Bound: each guest has a connection.
 * Failure: what the engine says; a node that is not there any more, or that clients cannot be sent to, is an error too: later there may be another.
 */
import type { Cluster } from "../cluster.ts";
import type { Claim, Claims, EngineError } from "../engine.ts";
import { findOwner } from "../owner.ts";
import { homeName } from "./role-claims.ts";

/** `movedTo`: the URL of the node that has the group. */
export type NotHere = { readonly movedTo: string } | EngineError;

export interface Guest {
  /** The group is at this node, until this guest has left. */
  here(): void;
  refused(why: NotHere): void;
  /** The group is this node's no more. */
  lost(): void;
}

export interface HomesDeps {
  readonly claims: Claims;
  readonly cluster: Pick<Cluster, "self" | "find">;
  /** The configured path: two relay routes never share a group. */
  readonly name: string;
}

export interface Homes {
  /** The guest is told one of `here` and `refused`, once, maybe before the call returns. */
  enter(group: string, guest: Guest): void;
  /** MUST be called once by a guest that is `here`, also after it was told `lost`. */
  leave(group: string, guest: Guest): void;
}

interface Home {
  readonly group: string;
  readonly guests: Set<Guest>;
  /** Undefined: the engine has not answered. */
  claim: Claim | undefined;
}

type Answer = Claim | { readonly takenBy: string } | EngineError;

export function createHomes({ claims, cluster, name }: HomesDeps): Homes {
  const homes = new Map<string, Home>();

  function ask(home: Home, done: (result: Answer) => void): void {
    const onLost = () => {
      homes.delete(home.group);
      for (const guest of [...home.guests]) guest.lost();
    };
    const options = { holder: cluster.self, lease: 0, takeOver: false, onLost };
    claims.claim(homeName(name, home.group), options, done);
  }

  function answered(home: Home, result: Answer): void {
    if ("release" in result) {
      home.claim = result;
      for (const guest of [...home.guests]) guest.here();
    } else if ("takenBy" in result) {
      void notHere(cluster, result.takenBy).then((why) => refuse(home, why));
    } else {
      refuse(home, result);
    }
  }

  function refuse({ group, guests }: Home, why: NotHere): void {
    homes.delete(group);
    for (const guest of guests) guest.refused(why);
  }

  return {
    enter(group, guest) {
      const present = homes.get(group);
      if (present !== undefined) {
        present.guests.add(guest);
        if (present.claim !== undefined) guest.here();
        return;
      }
      const home: Home = { group, guests: new Set([guest]), claim: undefined };
      homes.set(group, home);
      ask(home, (first) => {
        // What this node gave back a moment ago may not have been noticed yet.
        const isOwn = "takenBy" in first && first.takenBy === cluster.self;
        if (isOwn) ask(home, (second) => answered(home, second));
        else answered(home, first);
      });
    },
    leave(group, guest) {
      const home = homes.get(group);
      if (home?.guests.delete(guest) !== true || home.guests.size > 0) return;
      homes.delete(group);
      home.claim?.release();
    },
  };
}

/** Never rejects. */
async function notHere(cluster: HomesDeps["cluster"], id: string): Promise<NotHere> {
  const down = (text: string): EngineError => ({ code: "engine_down", text });
  if (id === cluster.self) return down("what this node gave back is not free yet");
  const owner = await findOwner(cluster, id);
  switch (owner.type) {
    case "at":
      return { movedTo: owner.url };
    case "gone":
      return down("the node that has the group is gone, and its lease has not ended");
    case "unreachable":
      return down(
        `the group is at node ${owner.name}, and clients cannot be sent there: it has no advertise`,
      );
    case "unknown":
      return down(owner.reason);
  }
}
