/**
 * guarded: echo and room as before, with everything on that keeps strangers out: each client has a token of its own, rights are asked
 * for, and messages and bytes a second are counted against a limit that nobody reaches. The bare loop knows nothing of it.
 */
import { type Client, connect } from "./client.ts";
import { bare, fairlead } from "./contestants.ts";
import { clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import { AUTH, signTokens } from "./tokens.ts";

const LIMITS = { limits: { messages: 100_000_000, bytes: "1GiB", perUser: 10 } };
const HOUSE = { ...AUTH, ...LIMITS };

/** Each with the token of another user, as a browser would send it. */
async function enter(port: number, path: string, count: number): Promise<Client[]> {
  const tokens = await signTokens(count);
  const protocols = tokens.map(
    (token) => `binary, fairlead.token.${Buffer.from(token).toString("base64url")}`,
  );
  return Promise.all(protocols.map((protocol) => connect(port, path, protocol)));
}

function echoRow(burst: number): Row {
  const frames = repeat(clientFrame("x".repeat(20), TEXT), burst);
  return {
    name: `echo of 20 B text${burst === 1 ? "" : `, bursts of ${burst}`}`,
    unit: "messages",
    bar: 1.2,
    async open(server) {
      const clients = await enter(server.port, "/echo", 64);
      const lanes = clients.map((sender) => ({
        sender,
        burst: () => frames,
        receivers: [sender],
        frames: burst,
      }));
      return closedLoop(lanes, burst);
    },
  };
}

function roomRow(subscribers: number, burst: number): Row {
  const frames = repeat(clientFrame("x".repeat(128), TEXT), burst);
  return {
    name: `room: 128 B to ${subscribers}, ${burst === 1 ? "single" : `bursts of ${burst}`}`,
    unit: "deliveries",
    perPublish: subscribers,
    bar: 1.2,
    async open(server) {
      const receivers = await enter(server.port, `/room/${subscribers}-${burst}`, subscribers);
      const sender = receivers[0] as Client;
      return closedLoop(
        [{ sender, burst: () => frames, receivers, frames: subscribers * burst }],
        subscribers * burst,
      );
    },
  };
}

export const guardedEcho: Kind = {
  name: "guarded-echo",
  contestants: [bare("echo"), fairlead("echo", {}, "fairlead", HOUSE)],
  rows: [echoRow(1), echoRow(32)],
};

export const guardedRoom: Kind = {
  name: "guarded-room",
  contestants: [bare("room"), fairlead("room", {}, "fairlead", HOUSE)],
  rows: [roomRow(10, 1), roomRow(100, 1), roomRow(100, 32)],
};
