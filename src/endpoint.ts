/**
 * A configured route as the gateway runs it: the route, and what the listener keeps and enforces on its behalf.
 */

import type { Validity } from "./auth/validity.ts";
import type { HookConnection } from "./config/kinds/every.ts";
import type { CloseInfo } from "./connection.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { RouteCounters } from "./metrics.ts";
import type { AuthGate } from "./reception/auth-gate.ts";
import type { Route } from "./route.ts";
import type { SessionOptions } from "./session.ts";

export interface Endpoint {
  /** As configured: `/room/:name`. */
  readonly path: string;
  readonly route: Route;
  /** Who comes in here. */
  readonly auth: AuthGate;
  readonly validity: Validity;
  readonly counters: RouteCounters;
  readonly heartbeat: Heartbeat;
  /** Bytes; 0 = as large as the listener takes. */
  readonly maxMessage: number;
  /** Bytes from which messages are compressed; undefined: none are, and no client is offered it. */
  readonly compressFrom?: number | undefined;
  /** Of clients that speak fairlead.v1; undefined: none do here. */
  readonly session?: SessionOptions | undefined;
  readonly onOpen?: ((connection: HookConnection) => void) | undefined;
  readonly onClose?: ((connection: HookConnection, info: CloseInfo) => void) | undefined;
}
