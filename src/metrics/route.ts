/** What `/metrics` says of each route: one table, against which the docs are checked. */
import { DROP_REASONS, RECORDING_RESULTS, type RouteCounters } from "../metrics.ts";
import type { Metric, Sample } from "./prometheus.ts";

const perRoute =
  (read: (counters: RouteCounters) => number) =>
  (routes: readonly RouteCounters[]): Sample[] =>
    routes.map((counters) => [{ route: counters.route }, read(counters)]);

export const ROUTE_METRICS: readonly Metric<readonly RouteCounters[]>[] = [
  {
    name: "fairlead_connections",
    type: "gauge",
    help: "Open WebSocket connections.",
    read: perRoute((counters) => counters.connections),
  },
  {
    name: "fairlead_event_streams",
    type: "gauge",
    help: "Open event streams (SSE).",
    read: perRoute((counters) => counters.streams),
  },
  {
    name: "fairlead_connections_opened_total",
    type: "counter",
    help: "Connections that were upgraded.",
    read: perRoute((counters) => counters.opened),
  },
  {
    name: "fairlead_connections_closed_total",
    type: "counter",
    help: "Connections that ended, by close code; 0 is a code that no table has.",
    read: (routes) =>
      routes.flatMap(({ route, closed }) => [...closed].map(([code, n]): Sample => [{ route, code }, n])),
  },
  {
    name: "fairlead_messages_received_total",
    type: "counter",
    help: "Messages from clients.",
    read: perRoute((counters) => counters.received),
  },
  {
    name: "fairlead_messages_sent_total",
    type: "counter",
    help: "Messages handed to the runtime for a client.",
    read: perRoute((counters) => counters.sent),
  },
  {
    name: "fairlead_messages_due_total",
    type: "counter",
    help: "Rooms, feeds, relays: messages times the readers they were due to. due = delivered + dropped + queued.",
    read: perRoute((counters) => counters.due),
  },
  {
    name: "fairlead_messages_delivered_total",
    type: "counter",
    help: "Rooms, feeds, relays: messages times the readers they were handed over for.",
    read: perRoute((counters) => counters.delivered),
  },
  {
    name: "fairlead_messages_dropped_total",
    type: "counter",
    help: "Messages that did not reach a reader they were due to, by reason.",
    read: (routes) =>
      routes.flatMap(({ route, dropped }) =>
        DROP_REASONS.map((reason): Sample => [{ route, reason }, dropped[reason]]),
      ),
  },
  {
    name: "fairlead_commands_denied_total",
    type: "counter",
    help: "Commands of clients that were refused because the right is missing.",
    read: perRoute((counters) => counters.denied),
  },
  {
    name: "fairlead_message_bytes_total",
    type: "counter",
    help: "Payload bytes, by direction.",
    read: (routes) =>
      routes.flatMap(({ route, receivedBytes, sentBytes }): Sample[] => [
        [{ route, direction: "in" }, receivedBytes],
        [{ route, direction: "out" }, sentBytes],
      ]),
  },
  {
    name: "fairlead_recoveries_total",
    type: "counter",
    help: "Clients who came back with a position, or to a stream: all that followed was there (recovered), or not (lost).",
    read: (routes) =>
      routes.flatMap(({ route, recoveries }): Sample[] => [
        [{ route, result: "recovered" }, recoveries.recovered],
        [{ route, result: "lost" }, recoveries.lost],
      ]),
  },
  {
    name: "fairlead_recordings_total",
    type: "counter",
    help: "Recordings that ended: with their session (whole), at the size a file may have (full), because the disk or the folder took no more (failed).",
    read: (routes) =>
      routes.flatMap(({ route, recordings }) =>
        RECORDING_RESULTS.map((result): Sample => [{ route, result }, recordings[result]]),
      ),
  },
  {
    name: "fairlead_unflushed_bytes_total",
    type: "counter",
    help: "Bytes the runtime still held for a peer when its connection ended, as of the last look.",
    read: perRoute((counters) => counters.unflushedBytes),
  },
  {
    name: "fairlead_route_errors_total",
    type: "counter",
    help: "Hooks of a route that threw; each closed its connection with 1011.",
    read: perRoute((counters) => counters.errors),
  },
];
