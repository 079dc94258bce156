/**
 * The TCP service behind the demo's bridge: what it is sent comes back in upper case (ASCII letters, byte for byte).
 * Bounded: what a client does not take is kept, and it is not read from until that is written; 64 clients at most.
 */
import type { Socket } from "bun";

export interface DemoUpstream {
  /** `host:port` for a bridge's target. */
  readonly target: string;
  stop(): void;
}

interface Client {
  /** Read, not yet written; at most one read. */
  waiting: Uint8Array;
  hasEnded: boolean;
}

const MAX_CLIENTS = 64;
const HOST = "127.0.0.1";

/** Listens on a free loopback port. */
export function startDemoUpstream(): DemoUpstream {
  let clients = 0;
  const server = Bun.listen<Client>({
    hostname: HOST,
    port: 0,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        clients += 1;
        socket.data = { waiting: new Uint8Array(0), hasEnded: false };
        if (clients > MAX_CLIENTS) socket.terminate();
      },
      data: (socket, bytes) => write(socket, upperCase(bytes)),
      drain: (socket) => write(socket, socket.data.waiting),
      end(socket) {
        socket.data.hasEnded = true;
        if (socket.data.waiting.length === 0) socket.end();
      },
      close() {
        clients -= 1;
      },
    },
  });
  return { target: `${HOST}:${server.port}`, stop: () => server.stop(true) };
}

function write(socket: Socket<Client>, bytes: Uint8Array): void {
  const written = Math.max(0, socket.write(bytes));
  socket.data.waiting = bytes.subarray(written);
  if (socket.data.waiting.length > 0) socket.pause();
  else if (socket.data.hasEnded) socket.end();
  else socket.resume();
}

function upperCase(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
}
