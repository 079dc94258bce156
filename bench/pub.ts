/** pub: 16 connections of fairlead.v1, each in a room of its own: it publishes, and waits for the answers and its own messages. */
import { connectAll } from "./client.ts";
import { bare, fairlead } from "./contestants.ts";
import { closedLoop, type Lane } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import { pubs } from "./pubs.ts";

const CONNECTIONS = 16;
const GREETINGS = 1;
const MESSAGE = "x".repeat(128);
/** 0.6 of the messages in the same CPU time. */
const BAR = 1 / 0.6;

function row(window: number, bar?: number): Row {
  return {
    name: `128 B with reply, window ${window}`,
    unit: "messages",
    ...(bar && { bar }),
    async open(server) {
      const lanes: Lane[] = [];
      for (let i = 0; i < CONNECTIONS; i++) {
        const receivers = await connectAll(server.port, `/room/${window}-${i}`, 1, GREETINGS, "fairlead.v1");
        for (const sender of receivers)
          lanes.push({ sender, burst: pubs(MESSAGE, window), receivers, frames: window * 2 });
      }
      return closedLoop(lanes, window);
    },
  };
}

export const pub: Kind = {
  name: "pub",
  contestants: [bare("pub"), fairlead("room")],
  rows: [row(1), row(64, BAR)],
};
