/**
 * A TCP proxy on a free loopback port, for links that fail as networks do: torn by a reset, dead without a word, full, or late. Each direction
 * goes on, waits, or is lost, and what waits can be let through byte by byte, so that a link ends in the middle of a frame.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface TcpProxy extends Disposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Port of the server behind it, for connections to come. */
  target: number;
  /** ms that bytes take, either way and in order, those that come from now on; asked for each read. What a link that ends has not delivered is lost. */
  delay: (() => number) | undefined;
  /** Nobody comes through: who comes is reset at once. */
  isShut: boolean;
  /** Connections that came so far. */
  readonly accepted: number;
  /** From now on bytes wait here, those of connections to come too. */
  hold(): void;
  /** So many of the bytes that wait for clients are let through, then as many of those for the server. */
  letThrough(bytes: number): void;
  /** What waits goes on, and all that follows. */
  flow(): void;
  /** Reads no more of what comes for present clients: the server's queue fills. `flow` goes on. */
  stall(): void;
  /** Ends every link with RST, on both sides. What waited is lost. */
  reset(): void;
  /** Every present link dies and says nothing: bytes of either side vanish, and nobody is told of an end. */
  goSilent(): void;
}

interface Half {
  readonly from: Socket;
  readonly to: Socket;
  waiting: Buffer;
  /** Bytes on their way, and when they arrive. */
  readonly late: { readonly due: number; readonly bytes: Buffer }[];
}

interface Link {
  readonly toClient: Half;
  readonly toServer: Half;
  isSilent: boolean;
}

export async function startProxy(target = 0): Promise<TcpProxy> {
  const links = new Set<Link>();
  let port = target;
  let isHolding = false;
  let isShut = false;
  let delay: (() => number) | undefined;
  let accepted = 0;

  const server = createServer({ noDelay: true }, (client) => {
    accepted += 1;
    if (isShut) return void client.resetAndDestroy();
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
    const link: Link = {
      toClient: { from: upstream, to: client, waiting: Buffer.alloc(0), late: [] },
      toServer: { from: client, to: upstream, waiting: Buffer.alloc(0), late: [] },
      isSilent: false,
    };
    links.add(link);
    for (const half of [link.toClient, link.toServer]) watch(link, half);
  });

  function watch(link: Link, half: Half): void {
    const arrive = (bytes: Buffer) => {
      if (link.isSilent || half.to.destroyed) return;
      if (isHolding) half.waiting = Buffer.concat([half.waiting, bytes]);
      else half.to.write(bytes);
    };
    half.from.on("data", (bytes: Buffer) => {
      if (delay === undefined && half.late.length === 0) return arrive(bytes);
      const due = Math.max(performance.now() + (delay?.() ?? 0), half.late.at(-1)?.due ?? 0);
      half.late.push({ due, bytes });
      if (half.late.length === 1) deliver(half, arrive);
    });
    // A reset, or nobody at the target: the "close" that follows says it.
    half.from.on("error", () => {});
    half.from.on("close", () => {
      if (link.isSilent) return;
      links.delete(link);
      half.to.destroy();
    });
  }

  const each = (run: (half: Half) => void) => {
    for (const { toClient, toServer } of links) {
      run(toClient);
      run(toServer);
    }
  };

  return {
    host: `127.0.0.1:${await listen(server)}`,
    get target() {
      return port;
    },
    set target(next) {
      port = next;
    },
    get delay() {
      return delay;
    },
    set delay(next) {
      delay = next;
    },
    get isShut() {
      return isShut;
    },
    set isShut(next) {
      isShut = next;
    },
    get accepted() {
      return accepted;
    },
    hold() {
      isHolding = true;
    },
    letThrough(bytes) {
      each((half) => {
        half.to.write(half.waiting.subarray(0, bytes));
        half.waiting = half.waiting.subarray(bytes);
      });
    },
    stall() {
      for (const { toClient } of links) toClient.from.pause();
    },
    flow() {
      isHolding = false;
      each((half) => {
        half.from.resume();
        half.to.write(half.waiting);
        half.waiting = Buffer.alloc(0);
      });
    },
    reset() {
      each(({ from }) => void from.resetAndDestroy());
    },
    goSilent() {
      for (const link of links) {
        link.isSilent = true;
        for (const half of [link.toClient, link.toServer]) half.waiting = Buffer.alloc(0);
      }
    },
    [Symbol.dispose]() {
      each(({ from }) => void from.destroy());
      server.close();
    },
  };
}

/** Timers that are rounded to milliseconds may overtake one another, bytes must not: each runs what is due, from the front. */
function deliver(half: Half, arrive: (bytes: Buffer) => void): void {
  while (half.late[0] !== undefined && half.late[0].due <= performance.now()) {
    arrive(half.late[0].bytes);
    half.late.shift();
  }
  const [next] = half.late;
  if (next !== undefined) setTimeout(() => deliver(half, arrive), Math.max(1, next.due - performance.now()));
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return address.port;
}
