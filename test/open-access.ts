/** For made-up requests and connections: somebody of whom nothing was checked, and who may do everything. */
import { createAccess, NOBODY } from "../src/access.ts";
import { createValidity } from "../src/auth/validity.ts";
import type { Identity, May } from "../src/identity.ts";
import { createAuthGate } from "../src/reception/auth-gate.ts";
import type { SessionHost } from "../src/session/host.ts";
import { testClock } from "./clock.ts";

export const OPEN: { readonly identity: Identity; readonly user: null; readonly may: May } = {
  identity: NOBODY,
  user: null,
  may: () => true,
};

/** Of a request: its identity never ends. */
export const OPEN_REQUEST = { ...OPEN, held: () => () => {} };

/** Of an endpoint: everybody comes in. */
export const OPEN_GATE = {
  auth: createAuthGate({
    mode: "none",
    authenticator: undefined,
    access: createAccess({
      route: "/",
      byDefault: { subscribe: true, publish: true, presence: true, history: true, connect: true },
    }),
  }),
  validity: createValidity(testClock(), 0),
};

/** Of a session whose client need not show who it is. */
export function openHost(fail: SessionHost["fail"]): SessionHost {
  return { waits: false, check: () => undefined, identify: () => true, entering: () => true, fail };
}
