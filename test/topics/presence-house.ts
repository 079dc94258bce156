/** Presence of a route on the memory engine, and watchers who write down what they are told. */
import type { Connection, Data, Publisher } from "../../src/connection.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createRoutePresence, type PresenceWatch } from "../../src/topics/presence.ts";
import { testClock } from "../clock.ts";
import { bareConnection } from "../fake-connection.ts";

export interface Told {
  readonly t: "join" | "leave" | "count";
  readonly topic: string;
  readonly conn?: string;
  readonly user?: string | null;
  readonly total: number;
}

export interface Watcher {
  readonly watch: PresenceWatch;
  /** Everything told since the last `take`. */
  take(): Told[];
}

export function presenceHouse({ max = 500, route = "/room" } = {}) {
  const clock = testClock();
  const engine = createMemoryEngine({
    clock,
    onError({ error }) {
      throw error;
    },
  });
  const channels = createChannels();
  const createRoute = (path: string, most: number) =>
    createRoutePresence({
      route: path,
      presence: engine.presence,
      publisher: channels.publisher,
      clock,
      max: most,
    });
  const presence = createRoute(route, max);
  let watchers = 0;

  return {
    clock,
    engine,
    channels,
    presence,
    /** Another route of the same gateway. */
    createRoute,
    enter: (conn: string, topic = "t") =>
      presence.enter(topic, { conn, user: `user of ${conn}`, info: null }),
    leave: (conn: string, topic = "t") => presence.leave(topic, conn),
    watch(topic = "t"): Watcher {
      watchers += 1;
      let told: Told[] = [];
      const connection = channels.connect(`w${watchers}`, (data) => void told.push(JSON.parse(String(data))));
      return {
        watch: presence.watch(topic, connection),
        take() {
          const taken = told;
          told = [];
          return taken;
        },
      };
    },
    /** All of a topic, however many pages that takes. */
    async members(topic = "t"): Promise<string[]> {
      const { members } = await presence.who(topic, { limit: 1_000_000 });
      return members.map(({ conn }) => conn);
    },
  };
}

/** Stands for the runtime's topics. */
function createChannels() {
  const members = new Map<string, Map<Connection, (data: Data) => void>>();
  const channels = {
    /** How often the runtime was handed an event for all. */
    publishes: 0,
    members: (channel: string) => members.get(channel)?.size ?? 0,
    publisher: {
      publish(channel, data) {
        channels.publishes += 1;
        for (const take of members.get(channel)?.values() ?? []) take(data);
      },
    } satisfies Publisher,
    connect(id: string, take: (data: Data) => void): Connection {
      const connection = bareConnection(id, {
        send(data) {
          take(data);
          return true;
        },
        subscribe(channel) {
          const joined = members.get(channel) ?? new Map();
          members.set(channel, joined.set(connection, take));
        },
        unsubscribe: (channel) => void members.get(channel)?.delete(connection),
      });
      return connection;
    },
  };
  return channels;
}
