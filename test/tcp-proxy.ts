/**
 * A TCP proxy on a free loopback port, for links that fail as networks do: torn by a reset, dead without a word, or full. Each direction
 * goes on, waits, or is lost, and what waits can be let through byte by byte, so that a link ends in the middle of a frame.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface TcpProxy extends Disposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Port of the server behind it, for connections to come. */
  target: number;
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
  let accepted = 0;

  const server = createServer({ noDelay: true }, (client) => {
    accepted += 1;
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
    const link: Link = {
      toClient: { from: upstream, to: client, waiting: Buffer.alloc(0) },
      toServer: { from: client, to: upstream, waiting: Buffer.alloc(0) },
      isSilent: false,
    };
    links.add(link);
    for (const half of [link.toClient, link.toServer]) watch(link, half);
  });

  function watch(link: Link, half: Half): void {
    half.from.on("data", (bytes: Buffer) => {
      if (link.isSilent) return;
      if (isHolding) half.waiting = Buffer.concat([half.waiting, bytes]);
      else half.to.write(bytes);
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

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return address.port;
}
