/**
 * A revocation takes effect: what it meant counts no longer, whoever came in by it is ended, and what waits for them. With nodes that share
 * an engine it is told to all of them, and what they revoke takes effect here. Failure: it holds here at once, whatever the engine says.
 */
import { codeOf } from "../errors.ts";
import type { Authenticator, Identity, Revocation } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Route } from "../route.ts";
import type { SharedRevocations } from "../shared-revocations.ts";
import type { Revocations } from "./revocations.ts";
import type { Validity } from "./validity.ts";

export interface Revoking {
  readonly authenticator: Authenticator | undefined;
  readonly revocations: Revocations;
  /** Undefined: no other node shares the engine. */
  readonly shared: SharedRevocations | undefined;
  readonly validity: Pick<Validity, "revoke">;
  readonly endpoints: readonly { readonly route: Pick<Route, "revoked"> }[];
  readonly log: Pick<Log, "info" | "warn">;
}

/** What became of it at other nodes: they are told, they will be when the engine is back, or it keeps as many as it may. */
export type Sharing = "told" | "later" | "full";

export interface Revoked {
  /** Connections and event streams of this node. */
  readonly ended: number;
  /** Never rejects. */
  readonly sharing: Promise<Sharing>;
}

export type Revoke = (what: Revocation) => Revoked | undefined;

/** Undefined, for what it makes too: nobody is asked who it is, or as many are remembered as may be. */
export function createRevoke({ authenticator, revocations, shared, ...parts }: Revoking): Revoke {
  const { validity, endpoints, log } = parts;
  if (authenticator === undefined) return () => undefined;

  function end(): number {
    const isRevoked = (identity: Identity) => revocations.isRevoked(identity);
    // Connections first: what they leave behind is then ended with the rest.
    const ended = validity.revoke(isRevoked);
    for (const { route } of endpoints) route.revoked?.(isRevoked);
    return ended;
  }

  async function share(what: Revocation): Promise<Sharing> {
    const revocation = revocations.find(what);
    if (shared === undefined || revocation === undefined) return "told";
    try {
      if (await shared.share(revocation)) return "told";
      log.warn({ ...what }, "! a revocation is not known to other nodes: too many are kept");
      return "full";
    } catch (error) {
      log.warn({ ...what, reason: codeOf(error) }, "! a revocation is not known to other nodes yet");
      return "later";
    }
  }

  shared?.keep({
    max: revocations.max,
    all: revocations.all,
    take(several) {
      const count = revocations.take(several);
      if (count > 0) log.info({ count, ended: end() }, "revoked at another node");
    },
  });

  return (what) => {
    if (!revocations.revoke(what)) return undefined;
    const ended = end();
    log.info({ ...what, ended }, "revoked");
    return { ended, sharing: share(what) };
  };
}
