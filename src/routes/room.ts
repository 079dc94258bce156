/**
 * room: what one says, all in the room hear, the sender too unless `echo: false`.
 * The path's parameter names the room; a route without one is one room, named "room".
 * Limits: `maxMessage`, history bounds, a slow reader is closed or loses the oldest (`slow.policy`).
 */
import type { Clock } from "../clock.ts";
import type { RoomOptions } from "../config/kinds/room.ts";
import type { Connection } from "../connection.ts";
import type { Presence, Published, Topics } from "../engine.ts";
import type { RouteCounters } from "../metrics.ts";
import type { Route } from "../route.ts";
import {
  admitReader,
  createTopicClients,
  type PathSub,
  type Reading,
  type Speaker,
} from "../topics/clients.ts";
import { createHub, type HubOptions } from "../topics/hub.ts";
import { topicOf } from "../topics/path.ts";
import { shown } from "../wire/shown.ts";
import type { WireError } from "../wire/v1.ts";

export interface RoomDeps {
  readonly options: RoomOptions;
  readonly topics: Topics;
  readonly presence: Presence;
  readonly counters: RouteCounters;
  readonly clock: Clock;
  readonly hub: Pick<HubOptions, "route" | "publisher" | "log">;
  /** Subscriptions of a connection; 0 = any number. */
  readonly maxSubscriptions: number;
}

interface Room {
  readonly name: string;
  members: number;
  /** Given once for as long as somebody is in the room; an empty room is forgotten, and begins at 1 again. */
  lastNumber: number;
}

interface MemberState {
  readonly room: Room;
  readonly number: number;
  readonly reading: Reading;
  /** Whether its messages are heard. Asked once: a plain client cannot bring another token. */
  readonly mayPublish?: boolean;
}

interface Speaking extends MemberState {
  readonly speaker: Speaker;
}

const ONLY_ROOM = "room";

export function createRoom(deps: RoomDeps): Route {
  const { options, topics, counters, hub: shared } = deps;
  const hub = createHub({ ...shared, ...options.slow, topics, counters });
  const rooms = new Map<string, Room>();
  const clients = createTopicClients({
    ...deps,
    ...shared,
    hub,
    presence: { ...options.presence, of: deps.presence },
    readProblem: otherRoom,
    publishProblem: (own, topic, { data }) =>
      otherRoom(own, topic) ?? (typeof data === "string" || options.binary ? undefined : NO_BINARY),
    publish: (topic, message, done, idem) => topics.publish(topic, message, done, idem),
  });

  const onPublished: Published = (result) => {
    if ("code" in result) counters.dropped.refused += 1;
  };

  function enter(name: string): Room {
    const room = rooms.get(name) ?? { name, members: 0, lastNumber: 0 };
    rooms.set(name, room);
    room.members += 1;
    room.lastNumber += 1;
    return room;
  }

  return {
    kind: "room",
    v1: {
      open(connection: Connection, welcome) {
        const sub = connection.state as PathSub;
        const room = enter(topicOf(connection.params, ONLY_ROOM));
        const speaker = clients.speaker(connection, room.name);
        const { subscriptions: reading } = speaker;
        connection.state = { room, number: room.lastNumber, reading, speaker } satisfies Speaking;
        return clients.open(connection, speaker, sub, welcome);
      },
      command: (connection: Connection<Speaking>, command, reply) =>
        clients.run(connection.state.speaker, connection, command, reply),
      lacks: ({ state }: Connection<Speaking>, may) => state.speaker.subscriptions.lacks(may),
    },
    admit: (request) => admitReader(request, topicOf(request.params, ONLY_ROOM)),
    open(connection) {
      const room = enter(topicOf(connection.params, ONLY_ROOM));
      const reading = clients.join(connection, room.name, !options.echo);
      const mayPublish = connection.may("publish", room.name);
      connection.state = { room, number: room.lastNumber, reading, mayPublish } satisfies MemberState;
    },
    message(connection: Connection<MemberState>, data, size) {
      const { room, mayPublish } = connection.state;
      if (mayPublish && (typeof data === "string" || options.binary)) {
        const { id: conn, user } = connection;
        const message = { data, json: false, size, conn, user: user ?? undefined };
        topics.publish(room.name, message, onPublished);
      } else {
        counters.dropped.ignored += 1;
      }
    },
    drain(connection: Connection<MemberState>) {
      connection.state.reading.drain();
    },
    close({ state }: Connection<MemberState | undefined>) {
      if (state === undefined) return;
      const { room, reading } = state;
      reading.leave();
      room.members -= 1;
      if (room.members === 0) rooms.delete(room.name);
    },
    describe({ state }: Connection<MemberState | undefined>) {
      return state === undefined ? {} : { room: state.room.name, member: state.number };
    },
    stats: () => ({ ...hub.stats() }),
    async dispose() {
      clients.dispose();
    },
  };
}

/** One connection is in one room, the one of its path. */
function otherRoom(own: string, topic: string): WireError | undefined {
  if (topic === own) return undefined;
  const message = `topic: this connection is in the room ${shown(own)}, not in ${shown(topic)}; open another connection for that`;
  return { code: "forbidden", message };
}

const NO_BINARY: WireError = {
  code: "bad_request",
  message: "this room takes no binary messages; send text or any JSON as `data`",
};
