/** A relay route in mode pipe with fake connections and the memory engine's claims, and what its tests say to it. */

import { type RelayOptions, relayOptions } from "../../src/config/kinds/relay.ts";
import type { Claims } from "../../src/engine.ts";
import { createClaims } from "../../src/engines/in-process/claims.ts";
import type { May } from "../../src/identity.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createPipeRelay } from "../../src/relay/pipe-pairs.ts";
import type { Admission, AdmitRequest } from "../../src/route.ts";
import type { Role } from "../../src/wire/envelope.ts";
import { testClock } from "../clock.ts";
import type { FakeCluster } from "../fake-cluster.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";
import { OPEN_REQUEST } from "../open-access.ts";

export type PipeHouse = ReturnType<typeof pipeHouse>;

/** What was said in this turn has been handed over. */
export const turnEnd = () => new Promise<void>((resolve) => setImmediate(resolve));

/** `claims`: instead of the memory engine's, to answer late or badly, or shared with the other nodes of `cluster`. */
export function pipeHouse(input: Partial<RelayOptions> = {}, claims?: Claims, cluster?: FakeCluster) {
  const clock = testClock();
  const log = memoryLog();
  const options = relayOptions.parse({ kind: "relay", mode: "pipe", ...input });
  const counters = createRouteCounters("/pipe", "relay");
  const memory = createClaims({ clock, report: ({ error }) => log.error({ error }, "onLost threw") });
  const route = createPipeRelay({
    options,
    claims: claims ?? memory,
    cluster,
    counters,
    log,
    clock,
    name: "/pipe",
  });
  route.start?.();

  function admit(query: string, protocols: readonly string[] = []) {
    const admission = route.admit?.(requestOf(query, { protocols }));
    if (admission === undefined || admission instanceof Promise || "refusal" in admission)
      throw new Error("a pipe admits at once, and everybody");
    return admission.admitted;
  }

  const visit = (query: string, protocols: readonly string[] = []) =>
    openFake(route, admit(query, protocols).state);
  const join = (role: Role, group = "g") => visit(`group=${group}&role=${role}`);
  return {
    clock,
    log,
    counters,
    route,
    claims: memory,
    admit,
    visit,
    join,
    pair(group = "g"): { center: FakeConnection; local: FakeConnection } {
      return { center: join("center", group), local: join("local", group) };
    },
    /** Nobody holds anything, and everything said is accounted for. */
    isEmpty() {
      const { due, delivered, dropped } = counters;
      const lost = Object.values(dropped).reduce((sum, n) => sum + n, 0);
      const stats = Object.values(route.stats()).every((n) => n === 0);
      return stats && memory.count === 0 && due === delivered + lost;
    },
  };
}

function requestOf(query: string, more: Partial<AdmitRequest>): AdmitRequest {
  return {
    path: "/pipe",
    params: {},
    query: new URLSearchParams(query),
    headers: new Headers(),
    remoteAddress: "",
    remotePort: 4000,
    local: { address: "127.0.0.1", port: 8080 },
    ...OPEN_REQUEST,
    protocols: [],
    signal: new AbortController().signal,
    ...more,
  };
}

/** What a pipe with nobody in it says to one with these rights. */
export function admitPipe(query: string, may: May): Admission {
  const admission = pipeHouse().route.admit?.(requestOf(query, { may }));
  if (admission === undefined || admission instanceof Promise) throw new Error("a pipe admits at once");
  return admission;
}
