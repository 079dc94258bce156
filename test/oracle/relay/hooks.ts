/** A route's hooks for one connection, as the listener and a session would call them. */
import type { Clock } from "../../../src/clock.ts";
import type { Connection } from "../../../src/connection.ts";
import type { Route } from "../../../src/route.ts";
import { Session } from "../../../src/session.ts";
import { PROTOCOL } from "../../../src/wire/v1.ts";
import { openHost } from "../../open-access.ts";
import type { Served } from "./net.ts";

export interface Speaking {
  readonly highWater: number;
  readonly clock: Clock;
}

export function hooksOf(
  route: Route,
  connection: Connection,
  protocols: readonly string[],
  speaking: Speaking,
): Omit<Served, "close"> {
  return protocols.includes(PROTOCOL) ? speak(route, connection, speaking) : talk(route, connection);
}

function speak(route: Route, connection: Connection, speaking: Speaking): Omit<Served, "close"> {
  if (route.v1 === undefined) throw new Error("no fairlead.v1 here");
  const limits = { maxMessage: 65_536, subscribes: 0, burst: 0, deadline: 0 };
  const told = { v1: route.v1, kind: route.kind, node: "oracle", heartbeat: 0, ...limits, ...speaking };
  const session = new Session(
    connection,
    told,
    openHost((_, error) => {
      throw error;
    }),
  );
  session.open();
  return {
    message: (data) => session.message(data, data.length),
    drain() {
      route.drain(connection);
      session.drained();
    },
  };
}

function talk(route: Route, connection: Connection): Omit<Served, "close"> {
  route.open(connection);
  return {
    message: (data) => route.message(connection, data, data.length),
    drain: () => route.drain(connection),
  };
}
