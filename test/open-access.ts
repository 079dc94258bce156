/** For made-up requests and connections: somebody of whom nothing was checked, and who may do everything. */
import { NOBODY } from "../src/access.ts";
import type { Identity, May } from "../src/identity.ts";

export const OPEN: { readonly identity: Identity; readonly user: null; readonly may: May } = {
  identity: NOBODY,
  user: null,
  may: () => true,
};

/** Of a request: its identity never ends. */
export const OPEN_REQUEST = { ...OPEN, held: () => () => {} };
