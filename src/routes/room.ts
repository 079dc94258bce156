/**
 * room: what one says, all in the room hear, the sender too unless `echo: false`.
 * The path's parameter names the room; a route without one is one room, named "room".
 * Limits: `maxMessage`, history bounds, a slow reader is closed or loses the oldest (`slow.policy`).
 */
import type { RoomOptions } from "../config/schema.ts";
import type { Connection } from "../connection.ts";
import type { Published, Topics } from "../engine.ts";
import { createHub, type HubOptions, type Membership, readerOf } from "../hub.ts";
import type { RouteCounters } from "../metrics.ts";
import { topicOf, topicRefusal } from "../path-topic.ts";
import type { Route } from "../route.ts";

export interface RoomDeps {
  readonly options: RoomOptions;
  readonly topics: Topics;
  readonly counters: RouteCounters;
  readonly hub: Pick<HubOptions, "route" | "publisher" | "log">;
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
  readonly membership: Membership;
}

const ONLY_ROOM = "room";

export function createRoom({ options, topics, counters, hub: shared }: RoomDeps): Route {
  const hub = createHub({ ...shared, ...options.slow, topics, counters });
  const rooms = new Map<string, Room>();

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
    admit({ params }) {
      const refused = topicRefusal(topicOf(params, ONLY_ROOM));
      return refused === undefined ? { admitted: {} } : { refusal: refused };
    },
    open(connection) {
      const room = enter(topicOf(connection.params, ONLY_ROOM));
      const membership = hub.join(room.name, readerOf(connection, !options.echo));
      const state: MemberState = { room, number: room.lastNumber, membership };
      connection.state = state;
    },
    message(connection: Connection<MemberState>, data, size) {
      if (typeof data === "string" || options.binary) {
        const message = { data, json: false, size, conn: connection.id };
        topics.publish(connection.state.room.name, message, onPublished);
      } else {
        counters.dropped.ignored += 1;
      }
    },
    drain(connection: Connection<MemberState>) {
      connection.state.membership.drain();
    },
    close(connection: Connection<MemberState | undefined>) {
      if (connection.state === undefined) return;
      const { room, membership } = connection.state;
      membership.leave();
      room.members -= 1;
      if (room.members === 0) rooms.delete(room.name);
    },
    describe({ state }: Connection<MemberState | undefined>) {
      return state === undefined ? {} : { room: state.room.name, member: state.number };
    },
    stats: () => ({ ...hub.stats() }),
    async dispose() {},
  };
}
