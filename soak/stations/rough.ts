/**
 * A room of rude clients: some stop reading for a while, some for good until they are cut, all leave by a reset. What was on its way to them is
 * lost between the books, so they can only have heard less than the gateway sent.
 */
import { newTally, openSocket } from "../socket.ts";
import type { Station, Visit } from "../station.ts";
import { numbers } from "./plain.ts";

export const ROUGH_ROUTE = "/rough/:name";

const ROOM = 20;
/** In every fourth room so much is said that the kernel's buffers are full within a minute. */
const LOUD = "x".repeat(60 * 1024);
const QUIET = "x".repeat(1_024);
/** One in so many never reads, one in so many has pauses. */
const DEAF = 16;
const SLEEPY = 4;
const NAP_MS = 5_000;

export function roughStation(port: number): Station {
  const tally = newTally();
  const places = numbers();

  async function join(fault: (text: string) => void): Promise<Visit> {
    const number = places.take();
    const room = Math.floor(number / ROOM);
    const socket = await openSocket({ port, path: `/rough/r${room}`, tally });
    let isGone = false;
    void socket.ended.then((code) => {
      // Slow ones are cut, with or without a close frame that can still be read.
      if (!isGone && code !== 1013 && code !== 1006) fault(`rough: the gateway ended one with ${code}`);
      isGone = true;
    });
    if (number % DEAF === 1) socket.pause();
    let count = 0;
    return {
      say() {
        if (isGone) return;
        if (number % ROOM === 0) socket.send(room % 4 === 0 ? LOUD : QUIET);
        if (number % SLEEPY !== 2 || ++count % 20 !== 0) return;
        socket.pause();
        setTimeout(() => isGone || socket.resume(), NAP_MS * Math.random());
      },
      async leave() {
        isGone = true;
        socket.reset();
        await socket.ended;
        places.give(number);
      },
    };
  }

  return {
    name: "rough",
    clients: 1,
    visits: 160,
    period: 500,
    join,
    accounts(metrics) {
      const sum = (what: string) => metrics.sum(what, { route: ROUGH_ROUTE });
      return [
        {
          what: "rough: messages in",
          // What a reset destroyed on its way was said, and never came.
          clients: sum("messages_received_total"),
          gateway: tally.sent,
          rule: "at most",
        },
        {
          what: "rough: messages out",
          clients: tally.received,
          gateway: sum("messages_sent_total"),
          rule: "at most",
        },
      ];
    },
  };
}
