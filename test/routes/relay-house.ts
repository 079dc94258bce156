/** A relay route with fake connections and the memory engine's claims, and what its tests say to it. */
import { type RelayOptions, relayOptions } from "../../src/config/kinds/relay.ts";
import type { Claims } from "../../src/engine.ts";
import { createClaims } from "../../src/engines/in-process/claims.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { createRelay } from "../../src/routes/relay.ts";
import type { Role } from "../../src/wire/envelope.ts";
import { testClock } from "../clock.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";

export interface Told {
  readonly group_id: string;
  readonly sender_type: string;
  readonly receiver_type: string;
  readonly content: string;
  readonly message_type: string | null;
}

/** `claims`: instead of the memory engine's, to answer late or badly. */
export function relayHouse(input: Partial<RelayOptions> = {}, claims?: Claims) {
  const clock = testClock();
  const log = memoryLog();
  const options = relayOptions.parse({ kind: "relay", ...input });
  const counters = createRouteCounters("/relay", "relay");
  const memory = createClaims({ clock, report: ({ error }) => log.error({ error }, "onLost threw") });
  const route = createRelay({ options, claims: claims ?? memory, counters, log, clock, name: "/relay" });
  route.start?.();
  return {
    clock,
    log,
    counters,
    route,
    claims: memory,
    open: () => openFake(route),
    /** Opens a connection and registers it; its own greeting is taken. */
    join(group: string, role: Role): FakeConnection {
      const conn = openFake(route);
      conn.say(envelope({ group_id: group, sender_type: role }));
      conn.take();
      return conn;
    },
  };
}

/** What a relay's stats say when nobody is there and nothing is on its way. */
export const DESERTED = { groups: 0, peers: 0, unregistered: 0, paused: 0, away: 0, queued: 0 };

/** An envelope of center in group g to the server, except for `fields`. */
export function envelope(fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    group_id: "g",
    sender_type: "center",
    receiver_type: "server",
    content: "",
    message_type: null,
    ...fields,
  });
}

/** What a connection was told since the last time, as objects. */
export function told(conn: FakeConnection): Told[] {
  return conn.take().map((data) => JSON.parse(String(data)));
}

/** The same without the fields that are the same in all of them. */
export function heard(conn: FakeConnection): string[] {
  return told(conn).map(({ content, message_type }) => `${message_type ?? "-"}: ${content}`);
}
