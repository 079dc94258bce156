/** The books of clients and gateway side by side. */
import type { Metrics } from "./metrics.ts";
import type { Account, Station } from "./station.ts";

/** Everything that must agree while nobody says anything. `routes`: paths as the config has them. */
export function accountsOf(
  stations: readonly Station[],
  routes: readonly string[],
  metrics: Metrics,
): Account[] {
  return [
    ...stations.flatMap((station) => station.accounts(metrics)),
    ...routes.map((route) => balance(route, metrics)),
    nothing("hooks that threw", metrics.sum("route_errors_total")),
    nothing("handshakes refused", metrics.sum("handshakes_rejected_total")),
    nothing("lines of the log lost", metrics.sum("log_lines_dropped_total")),
  ];
}

/** What is left when everybody has gone: nothing. */
export function leftovers(metrics: Metrics): Account[] {
  const gauges = [
    "connections",
    "event_streams",
    "messages_queued",
    "bridge_streams",
    "bridge_streams_parked",
    "descriptors_used",
  ];
  return gauges.map((name) => nothing(`left: ${name}`, metrics.sum(name)));
}

/** Those that do not agree. */
export function broken(accounts: readonly Account[]): Account[] {
  return accounts.filter(({ clients, gateway, rule }) =>
    rule === "equal" ? clients !== gateway : clients > gateway,
  );
}

export function accountText({ what, clients, gateway, rule }: Account): string {
  return `${what}: ${clients} ${rule === "equal" ? "=" : "<="} ${gateway}`;
}

function balance(route: string, metrics: Metrics): Account {
  const sum = (name: string) => metrics.sum(name, { route });
  const parts = sum("messages_delivered_total") + sum("messages_dropped_total") + sum("messages_queued");
  return {
    what: `${route}: delivered + dropped + queued, due`,
    clients: parts,
    gateway: sum("messages_due_total"),
    rule: "equal",
  };
}

function nothing(what: string, count: number): Account {
  return { what, clients: count, gateway: 0, rule: "equal" };
}
