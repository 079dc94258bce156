/**
 * bridge: one connection; megabytes per CPU-second of the server, down, up in large frames, up in small ones, and small round
 * trips. The TCP service behind the bridge runs in the load's process: what it uses is not the server's.
 */
import type { Socket } from "bun";
import { type Client, connect } from "./client.ts";
import { bare, fairlead, websocat, websockify, ws } from "./contestants.ts";
import { BINARY, clientFrame, repeat } from "./frames.ts";
import { closedLoop, type Load } from "./load.ts";
import type { Kind, Row } from "./measure.ts";
import type { Server } from "./server.ts";

const MB = 1e6;
export const CHUNK = new Uint8Array(256 * 1024);

/** The service's end of one bridge: takes everything, sends when told, or echoes. */
export interface Peer {
  received: number;
  toSend: number;
  echoes: boolean;
  onRead: () => void;
}

let accepted = Promise.withResolvers<Socket<Peer>>();

export const target = Bun.listen<Peer>({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    open(socket) {
      socket.data = { received: 0, toSend: 0, echoes: false, onRead() {} };
      accepted.resolve(socket);
    },
    data(socket, chunk) {
      if (socket.data.echoes) socket.write(chunk);
      socket.data.received += chunk.length;
      socket.data.onRead();
    },
    drain: pour,
  },
});

/** Writes until the kernel takes no more or all is sent. */
export function pour(socket: Socket<Peer>): void {
  while (socket.data.toSend > 0) {
    const size = Math.min(CHUNK.length, socket.data.toSend);
    const written = Math.max(0, socket.write(CHUNK.subarray(0, size)));
    socket.data.toSend -= written;
    if (written < size) return;
  }
}

export type Ends = readonly [Client, Socket<Peer>];

export async function join(server: Server, protocol = "binary"): Promise<Ends> {
  accepted = Promise.withResolvers();
  const client = await connect(server.port, "/bridge", protocol);
  return [client, await accepted.promise];
}

/** `start` gets bytes and returns how many it really moves; `done` is called when they have all arrived. */
export function transfer(client: Client, start: (bytes: number, done: () => void) => number): Load {
  return {
    async run(megabytes, times) {
      const round = Promise.withResolvers<void>();
      client.onLost = () => round.reject(new Error("the server ended the connection"));
      const began = performance.now();
      const moved = start(Math.round(megabytes * MB), round.resolve) / MB;
      await round.promise;
      times.push((performance.now() - began) / moved);
      return moved;
    },
    end: () => client.end(),
  };
}

export function down([client, peer]: Ends): Load {
  return transfer(client, (bytes, done) => {
    const goal = client.counter.bytes + bytes;
    client.onRead = () => client.counter.bytes >= goal && done();
    peer.data.toSend = bytes;
    pour(peer);
    return bytes;
  });
}

/** Frames are written as many at a time as make 256 KiB. */
export function up([client, peer]: Ends, size: number): Load {
  const frames = repeat(clientFrame(new Uint8Array(size), BINARY), CHUNK.length / size);
  return transfer(client, (bytes, done) => {
    let writes = Math.ceil(bytes / CHUNK.length);
    const moved = writes * CHUNK.length;
    const goal = peer.data.received + moved;
    peer.data.onRead = () => peer.data.received >= goal && done();
    client.onDrain = () => {
      while (writes-- > 0 && client.write(frames));
    };
    client.onDrain();
    return moved;
  });
}

export function roundTrips([client, peer]: Ends): Load {
  peer.data.echoes = true;
  const burst = clientFrame(new Uint8Array(64), BINARY);
  return closedLoop([{ sender: client, burst: () => burst, receivers: [client], frames: 1 }], 1);
}

function row(name: string, unit: Row["unit"], ahead: string[], start: (ends: Ends) => Load): Row {
  return { name, unit, bar: 1.03, ahead, open: async (server) => start(await join(server)) };
}

export const bridge: Kind = {
  name: "bridge",
  targetPort: target.port,
  boots: 3,
  contestants: [bare("bridge"), fairlead("bridge"), ws("bridge"), websockify, websocat],
  rows: [
    row("down", "MB", ["websockify"], down),
    row("up, 64 KiB frames", "MB", ["websockify", "websocat"], (ends) => up(ends, 65_536)),
    row("up, 1 KiB frames", "MB", ["websockify", "websocat"], (ends) => up(ends, 1_024)),
    row("64 B there and back", "round trips", ["websockify"], roundTrips),
  ],
};
