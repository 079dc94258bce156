/**
 * A TCP service for the far end of a bridge, on a free loopback port: the test says what each connection does, and when.
 * It reads at once, unless it is told to pause, and answers FIN by FIN, unless it is told to stay. Every wait ends with an error that says what did not come.
 */
import { createHash } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { bounded } from "./raw-client.ts";

export interface TcpService extends Disposable {
  /** `127.0.0.1:PORT` */
  readonly target: string;
  /** Connections that came so far. */
  readonly accepted: number;
  /** Those that are still there. */
  readonly open: number;
  /** The next connection, in the order they came. */
  next(): Promise<TcpPeer>;
}

/** One connection, as the service sees it. */
export interface TcpPeer {
  /** Resolves when the kernel has it all. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Sends back what comes, and FIN after FIN. */
  echo(): void;
  /** Leaves a FIN without an answer. */
  stay(): void;
  /** Sends FIN; still reads. */
  end(): void;
  /** RST instead of FIN. */
  reset(): void;
  /** Closes both ways at once, as the end of its process would. */
  destroy(): void;
  pause(): void;
  resume(): void;
  /** Bytes so far. */
  readonly received: number;
  /** Everything so far; for what is short. */
  text(): string;
  /** As `text`. */
  bytes(): Buffer;
  /** sha256 of everything received, in hex; once. */
  hash(): string;
  /** Resolves when so many bytes have come. */
  has(bytes: number): Promise<void>;
  /** Resolves when nothing more will come. */
  ended(): Promise<"end" | "reset">;
}

/** Of every server here: a FIN leaves the other direction open. */
export const OPTIONS = { allowHalfOpen: true, noDelay: true } as const;
/** More than this is only counted and hashed. */
const KEPT_BYTES = 1024 * 1024;

/** `serve` runs for each connection, before a byte is read. */
export function startService(serve?: (peer: TcpPeer) => void): Promise<TcpService> {
  return startServiceOn(createServer(OPTIONS), serve);
}

/** A server of another make: TLS, or on a socket in the file system if there is a `path`. */
export async function startServiceOn(
  server: Server,
  serve: (peer: TcpPeer) => void = () => {},
  path?: string,
): Promise<TcpService> {
  const sockets = new Set<Socket>();
  const arrived: TcpPeer[] = [];
  const takers: ((peer: TcpPeer) => void)[] = [];
  let accepted = 0;
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const peer = createPeer(socket);
    serve(peer);
    const taker = takers.shift();
    if (taker === undefined) arrived.push(peer);
    else taker(peer);
  });
  const target = path === undefined ? `127.0.0.1:${await listen(server)}` : await listenOn(server, path);
  return {
    target,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    next() {
      const peer = arrived.shift();
      if (peer !== undefined) return Promise.resolve(peer);
      return bounded("a connection to the service", new Promise((resolve) => takers.push(resolve)));
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** `127.0.0.1:PORT` where nobody listens. */
export async function closedTarget(): Promise<string> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((done) => server.close(done));
  return `127.0.0.1:${port}`;
}

/** A word there and back over TCP: what had come before it, everybody in this process has been told by then. */
export async function roundTrip(): Promise<void> {
  using service = await startService((peer) => peer.echo());
  const [host, port] = service.target.split(":");
  const back = Promise.withResolvers<void>();
  const socket = connect({ host, port: Number(port) }, () => void socket.write("x"));
  socket.once("data", () => back.resolve());
  await bounded("the word's way back", back.promise);
  socket.destroy();
}

async function listenOn(server: Server, path: string): Promise<string> {
  await new Promise<void>((done) => server.listen(path, done));
  return `unix:${path}`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return address.port;
}

function createPeer(socket: Socket): TcpPeer {
  const hash = createHash("sha256");
  const kept: Buffer[] = [];
  const end = Promise.withResolvers<"end" | "reset">();
  let received = 0;
  let stays = false;
  let look = () => {};
  socket.on("data", (chunk: Buffer) => {
    received += chunk.length;
    hash.update(chunk);
    if (received <= KEPT_BYTES) kept.push(chunk);
    look();
  });
  socket.on("error", () => end.resolve("reset"));
  socket.on("end", () => {
    end.resolve("end");
    if (!stays) socket.end();
  });
  socket.on("close", () => end.resolve("end"));
  return {
    write: (bytes) => new Promise((done) => socket.write(bytes, () => done())),
    echo: () => void socket.pipe(socket),
    stay() {
      stays = true;
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    destroy: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    get received() {
      return received;
    },
    text: () => Buffer.concat(kept).toString(),
    bytes: () => Buffer.concat(kept),
    hash: () => hash.digest("hex"),
    has(bytes) {
      const { promise, resolve } = Promise.withResolvers<void>();
      look = () => {
        if (received >= bytes) resolve();
      };
      look();
      return bounded(`${bytes} bytes at the service`, promise);
    },
    ended: () => bounded("the end of the connection to the service", end.promise),
  };
}
