/** A relay route whose peers speak fairlead.v1 over fake connections, beside plain ones. Everything is answered at once. */

import type { RelayOptions } from "../../src/config/kinds/relay.ts";
import type { Claims } from "../../src/engine.ts";
import type { Route } from "../../src/route.ts";
import { Session } from "../../src/session.ts";
import type { Role } from "../../src/wire/envelope.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { openHost } from "../open-access.ts";
import { relayHouse } from "../routes/relay-house.ts";
import type { Frame } from "../v1-client.ts";

export interface FakePeer {
  readonly conn: FakeConnection;
  /** Says a command with the next id; its answer. What else was told stays for `told`. */
  ask(command: Frame): Frame | undefined;
  /** Says it without an id. */
  say(command: Frame): void;
  /** What was told besides answers, since the last time. */
  told(): Frame[];
  /** The same in a word each: `data 1 "x"`, `receipt 1 delivered`, `peer online joined`. */
  heard(): string[];
}

export function v1House(input: Partial<RelayOptions> = {}, claims?: Claims) {
  const house = relayHouse(input, claims);

  function open(user: string | null = null): FakePeer {
    const frames: Frame[] = [];
    const conn = openFake(speaking(house.route, user));
    let lastId = 0;
    const gather = () => {
      for (const data of conn.take()) frames.push(parseFrame(data));
    };
    gather();
    frames.shift();
    return {
      conn,
      ask(command) {
        lastId += 1;
        const id = lastId;
        conn.say(JSON.stringify({ ...command, id }));
        gather();
        const at = frames.findIndex((frame) => frame["id"] === id);
        return at === -1 ? undefined : frames.splice(at, 1)[0];
      },
      say: (command) => conn.say(JSON.stringify(command)),
      told() {
        gather();
        return frames.splice(0);
      },
      heard() {
        gather();
        return frames.splice(0).map(wordOf);
      },
    };
  }

  return {
    ...house,
    plain: house.join,
    openPlain: house.open,
    open,
    /** Opens a peer that has joined; its session is in the answer. */
    join(role: Role, more: Frame = {}, user: string | null = null) {
      const peer = open(user);
      const answer = peer.ask({ t: "join", group: "g", role, ...more });
      return { ...peer, answer, session: String(answer?.["session"]) };
    },
  };
}

/** The route as the listener runs it for a client that chose fairlead.v1. */
export function speaking(route: Route, user: string | null): Route {
  const { v1 } = route;
  if (v1 === undefined) throw new Error("the route speaks no fairlead.v1");
  let session: Session | undefined;
  return {
    ...route,
    open(connection) {
      Object.assign(connection, { user, identity: { ...connection.identity, user } });
      const told = { kind: route.kind, node: "n", heartbeat: 25_000, maxMessage: 65_536, highWater: 0 };
      const clock = { now: () => 0, wall: () => 0, after: never, every: never };
      session = new Session(
        connection,
        { ...told, v1, subscribes: 0, burst: 1, deadline: 0, clock },
        openHost((stage, error) => {
          throw new Error(stage, { cause: error });
        }),
      );
      session.open();
    },
    message: (_, data, size) => session?.message(data, size),
  };
}

function never(): never {
  throw new Error("a session of a relay needs no timer");
}

export function parseFrame(data: string | Uint8Array): Frame {
  if (typeof data === "string") return JSON.parse(data);
  const end = 2 + new DataView(data.buffer, data.byteOffset).getUint16(0);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(2, end)));
  return { ...header, bytes: [...data.subarray(end)] };
}

export function wordOf(frame: Frame): string {
  const { t, seq, state, data, role, reason, code } = frame;
  if (t === "data") return `data ${seq} ${JSON.stringify(data ?? frame["bytes"])}`;
  if (t === "receipt") return `receipt ${seq} ${state}`;
  if (t === "peer") return `${role} ${state} ${reason}`;
  return `${t} ${code}`;
}
