/**
 * A room or a feed whose clients have rights, without sockets: it writes down what was asked of `may`, and which topics the engine was
 * asked for, by whatever call.
 */
import { feedOptions } from "../../src/config/kinds/feed.ts";
import { roomOptions } from "../../src/config/kinds/room.ts";
import type { Connection, Data } from "../../src/connection.ts";
import type { Presence, Topics } from "../../src/engine.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import type { Identity, May } from "../../src/identity.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import type { AdmitRequest, HttpAnswer, Route } from "../../src/route.ts";
import { createFeed } from "../../src/routes/feed.ts";
import { createRoom } from "../../src/routes/room.ts";
import type { Answer, Command } from "../../src/wire/v1.ts";
import { testClock } from "../clock.ts";
import { testDoor } from "../door.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";

/** Who asks. */
export interface Somebody {
  readonly may?: May;
  readonly user?: string;
  readonly info?: unknown;
}

export interface Asking extends Somebody {
  /** The parameter of the path. */
  readonly topic?: string;
  readonly query?: string;
}

export interface Speaking {
  readonly connection: FakeConnection;
  readonly welcomed: boolean;
  /** As if it had shown this by `auth`. */
  become(who: Somebody): void;
  ask(command: Command): Promise<Answer>;
}

export function rightsHouse(kind: "room" | "feed") {
  const asked: string[] = [];
  const touched: string[] = [];
  const clock = testClock();
  const log = memoryLog();
  const engine = createMemoryEngine({ clock, onError: ({ error }) => log.error({ error }, "deliver threw") });
  const topics = spiedTopics(engine.topics("/x", { size: 100, ttl: 0, bytes: 0 }), touched);
  const open: FakeConnection[] = [];
  /** What ends when its identity counts no longer. */
  const holds = new Set<() => void>();
  const publish = (channel: string, data: Data) => {
    for (const each of open) if (each.isOpen && each.channels.has(channel)) each.send(data);
  };
  const counters = createRouteCounters("/x", kind);
  const shared = {
    topics,
    presence: spiedPresence(engine.presence, touched),
    counters,
    clock,
    maxSubscriptions: 0,
    hub: { route: "/x", publisher: { publish }, log },
  };
  const route =
    kind === "room"
      ? createRoom({ ...shared, options: roomOptions.parse({ kind }) })
      : createFeed({
          ...shared,
          options: feedOptions.parse({ kind, publish: true, welcome: false }),
          door: testDoor(createCapacity(0)),
        });

  /** As the real ones: every question is written down. */
  const identityOf = ({ may = () => true, user, info }: Somebody) => ({
    identity: { user: user ?? null, by: "token", info } satisfies Identity,
    user: user ?? null,
    may: (right: Parameters<May>[0], name: string) => {
      asked.push(`${right} ${name}`);
      return may(right, name);
    },
  });

  function request(
    { topic = "t", query = "", ...who }: Asking,
    headers: Record<string, string> = {},
  ): AdmitRequest {
    return {
      ...identityOf(who),
      held(end) {
        holds.add(end);
        return () => holds.delete(end);
      },
      params: { name: topic },
      path: "/x",
      query: new URLSearchParams(query),
      headers: new Headers(headers),
      remoteAddress: "127.0.0.1",
      remotePort: 4000,
      local: { address: "127.0.0.1", port: 8080 },
      protocols: [],
      signal: new AbortController().signal,
    };
  }

  function opened(asking: Asking, state: unknown, hook: Route["open"]): FakeConnection {
    const { topic = "t", ...who } = asking;
    const connection = openFake(
      {
        ...route,
        open(fake) {
          Object.assign(fake, { params: { name: topic }, ...identityOf(who) });
          hook(fake);
        },
      },
      state,
    );
    open.push(connection);
    return connection;
  }

  return {
    route,
    counters,
    topics,
    asked,
    touched,
    holds,
    /** A plain client, let in whatever `admit` would say. */
    plain: (asking: Asking = {}) => opened(asking, undefined, route.open),
    /** The refusal's code, or what lets a client of fairlead.v1 in. */
    async admit(asking: Asking = {}, protocols: string[] = ["fairlead.v1"]) {
      return route.admit?.({ ...request(asking), protocols });
    },
    /** A client of fairlead.v1. `admitted`: what was shown before the 101; nothing, where a token comes by `auth`. */
    async speak(asking: Asking = {}, admitted: Asking = asking): Promise<Speaking> {
      const admission = await route.admit?.({ ...request(admitted), protocols: ["fairlead.v1"] });
      if (admission === undefined || "refusal" in admission) throw new Error("it was not let in");
      let welcomed = false;
      const opening: unknown[] = [];
      const connection = opened(asking, admission.admitted.state, (fake) => {
        const welcome = () => {
          welcomed = true;
        };
        opening.push(route.v1?.open(fake, welcome));
      });
      await Promise.all(opening);
      return {
        connection,
        welcomed,
        become: (who) => void Object.assign(connection, identityOf(who)),
        ask: (command) =>
          new Promise((reply, reject) => {
            const answered = (answer: Answer) =>
              reply("okText" in answer ? { ok: JSON.parse(`{${answer.okText}}`) } : answer);
            Promise.resolve(route.v1?.command(connection as Connection, command, answered, 0)).catch(reject);
          }),
      };
    },
    async http(init: RequestInit & { readonly headers?: Record<string, string> }, asking: Asking = {}) {
      const answer: HttpAnswer | undefined = await route.http?.handle(
        new Request("http://fairlead/x", init),
        request(asking, init.headers),
      );
      if (answer === undefined) throw new Error("it has no HTTP side");
      return answer;
    },
  };
}
export type RightsHouse = ReturnType<typeof rightsHouse>;

function spiedTopics(topics: Topics, touched: string[]): Topics {
  return {
    publish(topic, ...rest) {
      touched.push(topic);
      topics.publish(topic, ...rest);
    },
    subscribe(topic, ...rest) {
      touched.push(topic);
      return topics.subscribe(topic, ...rest);
    },
    history(topic, query) {
      touched.push(topic);
      return topics.history(topic, query);
    },
    find(pattern, limit) {
      touched.push(pattern);
      return topics.find(pattern, limit);
    },
    watch: (seen) => topics.watch(seen),
  };
}

function spiedPresence(presence: Presence, touched: string[]): Presence {
  const note = (name: string) => touched.push(name.slice("/x\0".length));
  return {
    join(name, ...rest) {
      note(name);
      presence.join(name, ...rest);
    },
    leave: (name, conn) => presence.leave(name, conn),
    list(name, query) {
      note(name);
      return presence.list(name, query);
    },
    watch(name, changed) {
      note(name);
      return presence.watch(name, changed);
    },
  };
}
