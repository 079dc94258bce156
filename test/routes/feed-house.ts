/** A feed route with the memory engine, fake connections, event streams read by hand, and a clock that tests move. */

import { type FeedOptions, feedOptions, type Source } from "../../src/config/kinds/feed.ts";
import type { Connection, Data, Publisher } from "../../src/connection.ts";
import type { Topics } from "../../src/engine.ts";
import { createMemoryEngine } from "../../src/engines/memory.ts";
import { createCapacity } from "../../src/limits.ts";
import { createRouteCounters } from "../../src/metrics.ts";
import { refusalResponse } from "../../src/refusals.ts";
import { createFeed } from "../../src/routes/feed.ts";
import { testClock } from "../clock.ts";
import { testDoor } from "../door.ts";
import { type FakeConnection, openFake } from "../fake-connection.ts";
import { memoryLog } from "../gateway.ts";
import { OPEN_REQUEST } from "../open-access.ts";

export interface FeedHouseParts {
  readonly source?: Source;
  /** Instead of the memory engine's. */
  readonly topics?: Topics;
  /** Descriptors; 0 = no cap. */
  readonly capacity?: number;
}

export function feedHouse(input: Partial<Omit<FeedOptions, "kind">> = {}, parts: FeedHouseParts = {}) {
  const clock = testClock();
  const log = memoryLog();
  const counters = createRouteCounters("/feed", "feed");
  const capacity = createCapacity(parts.capacity ?? 0);
  const options = feedOptions.parse({ kind: "feed", welcome: false, ...input });
  const engine = createMemoryEngine({ clock, onError: ({ error }) => log.error({ error }, "deliver threw") });
  const topics = parts.topics ?? engine.topics("/feed", options.history);
  const open: FakeConnection[] = [];
  const publisher: Publisher = {
    publish(channel: string, data: Data, except?: Connection) {
      for (const each of open) if (each !== except && each.channels.has(channel)) each.send(data);
    },
  };
  const route = createFeed({
    options,
    topics,
    counters,
    door: testDoor(capacity),
    clock,
    presence: engine.presence,
    maxSubscriptions: 0,
    hub: { route: "/feed", publisher, log },
    source: parts.source && { name: options.topic ?? "feed", run: parts.source },
  });
  return {
    clock,
    log,
    counters,
    capacity,
    route,
    topics,
    open(): FakeConnection {
      const connection = openFake(route);
      open.push(connection);
      return connection;
    },
    /** A request without an upgrade. */
    async ask(init: RequestInit & { readonly query?: string } = {}): Promise<Response> {
      const request = new Request("http://fairlead/feed", init);
      const response = await route.http?.handle(request, {
        params: {},
        path: "/feed",
        query: new URLSearchParams(init.query),
        headers: request.headers,
        remoteAddress: "127.0.0.1",
        remotePort: 4000,
        local: { address: "127.0.0.1", port: 8080 },
        ...OPEN_REQUEST,
        protocols: [],
        signal: request.signal,
      });
      if (response instanceof Response) return response;
      return response === undefined
        ? new Response("no HTTP side", { status: 500 })
        : refusalResponse(response);
    },
    async stream(): Promise<StreamReader> {
      return readerOf(await this.ask({ headers: { Accept: "text/event-stream" } }));
    },
  };
}
export type FeedHouse = ReturnType<typeof feedHouse>;

export interface StreamReader {
  readonly status: number;
  /** The next chunk; "end" at the end. */
  read(): Promise<string>;
  goAway(): Promise<void>;
}

const decoder = new TextDecoder();

function readerOf({ status, body }: Response): StreamReader {
  const reader = (body ?? new ReadableStream<Uint8Array>()).getReader();
  return {
    status,
    async read() {
      const { done, value } = await reader.read();
      return done ? "end" : decoder.decode(value);
    },
    goAway: () => reader.cancel(),
  };
}
