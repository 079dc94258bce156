/** echo: 64 connections, each with one message (or one burst) under way. */
import { connectAll } from "./client.ts";
import { bare, fairlead, ws } from "./contestants.ts";
import { BINARY, clientFrame, repeat, TEXT } from "./frames.ts";
import { closedLoop } from "./load.ts";
import type { Kind, Row } from "./measure.ts";

const CONNECTIONS = 64;
const GREETINGS = 1;

function row(name: string, size: number, burst: number, opcode = TEXT): Row {
  const frames = repeat(clientFrame("x".repeat(size), opcode), burst);
  return {
    name,
    unit: "messages",
    bar: 1.2,
    async open(server) {
      const clients = await connectAll(server.port, "/echo", CONNECTIONS, GREETINGS);
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

export const echo: Kind = {
  name: "echo",
  contestants: [bare("echo"), fairlead("echo"), ws("echo")],
  rows: [
    row("20 B text", 20, 1),
    row("20 B text, bursts of 32", 20, 32),
    row("1 KiB text", 1024, 1),
    row("1 KiB binary", 1024, 1, BINARY),
    row("16 KiB text", 16_384, 1),
  ],
};
