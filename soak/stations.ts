/** Everything that goes on at the same time, all five kinds of route, and the config that it goes on at. About 2,000 clients. */
import type { ConfigInput } from "../src/config/schema.ts";
import type { Station } from "./station.ts";
import { eventStation } from "./stations/events.ts";
import { plainStation } from "./stations/plain.ts";
import { relayStation } from "./stations/relays.ts";
import { ROUGH_ROUTE, roughStation } from "./stations/rough.ts";
import { streamStation } from "./stations/streams.ts";

/** `target`: a TCP service that sends back what it gets. */
export function soakConfig(target: string): ConfigInput {
  return {
    listen: { port: 0 },
    log: { level: "warn", format: "json" },
    routes: {
      "/echo": { kind: "echo" },
      "/room/:name": { kind: "room" },
      [ROUGH_ROUTE]: { kind: "room", slow: { policy: "drop-oldest", highWater: "256KiB" } },
      "/feed/:topic": { kind: "feed", publish: true },
      "/v1/:topic": { kind: "feed", publish: true },
      "/events/:topic": { kind: "feed", publish: true, welcome: false },
      "/relay": { kind: "relay" },
      "/relay/v1": { kind: "relay" },
      "/bridge": { kind: "bridge", target },
      "/bridge/resume": { kind: "bridge", target },
    },
  };
}

const TEXT = "a message of some length, as people write them";
const PIECE = Buffer.alloc(1_024, 1);
/** Members of a room, and readers of a topic. */
const TOGETHER = 20;
const place = (number: number) => Math.floor(number / TOGETHER);
/** One of those who are together speaks. */
const speaks = (number: number) => number % TOGETHER === 0;

export function soakStations(port: number): Station[] {
  return [
    plainStation(port, {
      name: "echo",
      route: "/echo",
      visits: 300,
      period: 3_000,
      path: () => "/echo",
      words: (_, count) => (count % 2 === 0 ? TEXT : PIECE),
    }),
    plainStation(port, {
      name: "room",
      route: "/room/:name",
      visits: 400,
      period: 1_000,
      path: (number) => `/room/r${place(number)}`,
      words: (number) => (speaks(number) ? TEXT : undefined),
    }),
    plainStation(port, {
      name: "feed",
      route: "/feed/:topic",
      visits: 240,
      period: 1_000,
      path: (number) => `/feed/t${place(number)}`,
      words: (number, count) => (speaks(number) ? JSON.stringify({ count }) : undefined),
    }),
    plainStation(port, {
      name: "v1",
      route: "/v1/:topic",
      visits: 240,
      period: 1_000,
      path: (number) => `/v1/t${place(number)}`,
      protocol: "fairlead.v1",
      hello: (socket, number) => socket.send(JSON.stringify({ t: "sub", id: 1, topic: `t${place(number)}` })),
      words: (number, count) =>
        speaks(number) ? JSON.stringify({ t: "pub", id: count + 2, data: { count } }) : undefined,
    }),
    eventStation(port),
    plainStation(port, {
      name: "relay",
      route: "/relay",
      visits: 200,
      period: 5_000,
      path: () => "/relay",
      hello: (socket, number) => socket.send(envelope(number, "hello")),
      words: (number) => envelope(number, TEXT),
    }),
    relayStation(port),
    plainStation(port, {
      name: "bridge",
      route: "/bridge",
      visits: 180,
      period: 4_000,
      path: () => "/bridge",
      words: () => PIECE,
    }),
    streamStation(port),
    roughStation(port),
  ];
}

/** Numbers 2n and 2n + 1 are partners. */
function envelope(number: number, content: string): string {
  const sender_type = number % 2 === 0 ? "center" : "local";
  return JSON.stringify({ group_id: `g${number >> 1}`, sender_type, receiver_type: "", content });
}
