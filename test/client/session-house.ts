/** A session on a network and a clock that tests move, with a server that says what a test tells it to. */
import { onTestFinished } from "bun:test";
import {
  type ConnectOptions,
  connect,
  type Session,
  type Status,
  type Subscription,
} from "../../src/client/index.ts";
import { type TestClock, testClock } from "../clock.ts";
import { type FakeServer, type Fields, fakeServer, settle } from "./fake-server.ts";
import { type FakeNetwork, fakeNetwork } from "./fake-web-socket.ts";

export { type Fields, settle };

export interface SessionHouse extends FakeServer {
  readonly net: FakeNetwork;
  readonly clock: TestClock;
  readonly session: Session;
  /** All that `onStatus` told. */
  readonly statuses: Status[];
}

export function sessionHouse(options: ConnectOptions & { url?: string } = {}): SessionHouse {
  const net = fakeNetwork();
  const clock = testClock();
  const session = connect(options.url ?? "ws://host/feed", { WebSocket: net.WebSocket, clock, ...options });
  onTestFinished(() => session.close());
  const statuses: Status[] = [];
  session.onStatus((status) => statuses.push(status));
  return { net, clock, session, statuses, ...fakeServer(net, clock) };
}

/** All items of a subscription so far, and as they come. */
export function collect(subscription: Subscription): unknown[] {
  const items: unknown[] = [];
  void subscription.listen((item) => {
    const { type, topic, offset, data } = item as unknown as Fields;
    items.push(type === "message" ? `${topic} ${offset} ${data}` : item);
  });
  return items;
}

/** Messages of a topic as the server sends them; the first of an epoch carries it. */
export function message(topic: string, offset: number, epoch = "e1"): Fields {
  const first = offset === 1 ? { epoch } : {};
  return { t: "msg", topic, offset, data: `m${offset}`, time: 5, ...first };
}
