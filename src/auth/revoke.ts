/** A revocation takes effect here: what it meant counts no longer, and whoever came in by it is ended, and what waits for them. */
import type { Authenticator, Identity, Revocation } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Route } from "../route.ts";
import type { Validity } from "./validity.ts";

export interface Revoking {
  readonly authenticator: Authenticator | undefined;
  readonly validity: Pick<Validity, "revoke">;
  readonly endpoints: readonly { readonly route: Pick<Route, "revoked"> }[];
  readonly log: Pick<Log, "info">;
}

export function createRevoke({ authenticator, validity, endpoints, log }: Revoking) {
  return (what: Revocation): number | undefined => {
    if (authenticator?.revoke(what) !== true) return undefined;
    const isRevoked = (identity: Identity) => authenticator.isRevoked(identity);
    // Connections first: what they leave behind is then ended with the rest.
    const ended = validity.revoke(isRevoked);
    for (const { route } of endpoints) route.revoked?.(isRevoked);
    log.info({ ...what, ended }, "revoked");
    return ended;
  };
}
