/**
 * A proxy in front of a Redis whose pub/sub messages come twice, in another order, or not at all. It reads what the server sends (RESP 2) reply by
 * reply; everything but messages goes through as it is.
 */
import { connect, createServer, type Socket } from "node:net";

export interface ReplayingProxy extends Disposable {
  readonly port: number;
  /** What comes of each group of messages that arrive together; they are whole frames. Absent: as they are. */
  replay: ((messages: readonly Buffer[]) => readonly Buffer[]) | undefined;
  /** Messages that came from the server. */
  readonly seen: number;
}

const MESSAGE = Buffer.from("*3\r\n$7\r\nmessage\r\n");

export async function startReplayingProxy(target: number): Promise<ReplayingProxy> {
  const sockets = new Set<Socket>();
  const proxy = { replay: undefined as ReplayingProxy["replay"], seen: 0 };

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", port: target, noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => void other.destroy());
    }
    client.on("data", (bytes: Buffer) => void upstream.write(bytes));
    let rest: Buffer = Buffer.alloc(0);
    upstream.on("data", (bytes: Buffer) => {
      const { replies, left } = split(Buffer.concat([rest, bytes]));
      rest = left;
      client.write(Buffer.concat(pass(replies)));
    });
  });

  /** Runs of messages are replayed; what stands between them keeps its place. */
  function pass(replies: readonly Buffer[]): Buffer[] {
    const out: Buffer[] = [];
    let run: Buffer[] = [];
    const end = () => {
      proxy.seen += run.length;
      out.push(...(proxy.replay?.(run) ?? run));
      run = [];
    };
    for (const reply of replies) {
      if (reply.subarray(0, MESSAGE.length).equals(MESSAGE)) run.push(reply);
      else {
        end();
        out.push(reply);
      }
    }
    end();
    return out;
  }

  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return Object.assign(proxy, {
    port: address.port,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
}

function split(bytes: Buffer): { readonly replies: readonly Buffer[]; readonly left: Buffer } {
  const replies: Buffer[] = [];
  let at = 0;
  for (let end = endOf(bytes, at); end !== undefined; end = endOf(bytes, at)) {
    replies.push(bytes.subarray(at, end));
    at = end;
  }
  return { replies, left: Buffer.from(bytes.subarray(at)) };
}

/** Where the reply that begins here ends; undefined: it is not all there. */
function endOf(bytes: Buffer, at: number): number | undefined {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return undefined;
  const kind = String.fromCharCode(bytes[at] ?? 0);
  const count = Number(bytes.toString("latin1", at + 1, line));
  if (kind !== "$" && kind !== "*") return line + 2;
  if (kind === "$") {
    const end = line + 2 + (count < 0 ? 0 : count + 2);
    return end <= bytes.length ? end : undefined;
  }
  let end: number | undefined = line + 2;
  for (let i = 0; i < count && end !== undefined; i += 1) end = endOf(bytes, end);
  return end;
}
