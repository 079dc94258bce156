/** A local TCP port whose connections go through bridges, each through its own. Limit: MAX_CONNECTIONS at a time; one more is reset. */
import { codeOf, FairleadError } from "../../errors.ts";
import { type ListenAddress, reachable } from "../address.ts";
import { LocalConnection } from "./local-connection.ts";
import type { OpenPassage } from "./passage.ts";

/** Each may hold 2 MiB here when both its ends are slow. */
export const MAX_CONNECTIONS = 256;

export interface LocalPort {
  /** The one it got, where 0 was asked for. */
  readonly port: number;
  /** Takes nobody any more and ends those who are there. */
  stop(): Promise<void>;
}

/** @throws FairleadError LISTEN_FAILED */
export function listenLocally(
  address: Required<ListenAddress>,
  open: OpenPassage,
  talk: (text: string) => void,
): LocalPort {
  const connections = new Set<LocalConnection>();
  let accepted = 0;
  const server = bind(address, (socket) => {
    accepted += 1;
    const name = `connection ${accepted}`;
    const say = (line: string) => talk(`${name}: ${line}`);
    if (connections.size >= MAX_CONNECTIONS) {
      say(`reset, ${MAX_CONNECTIONS} are open already`);
      return undefined;
    }
    const connection = new LocalConnection(socket, (signal) => open(say, signal));
    connections.add(connection);
    void connection.done.then(() => connections.delete(connection));
    return connection;
  });
  return {
    port: server.port,
    async stop() {
      server.stop();
      for (const connection of connections) connection.abort("the tunnel stops");
      await Promise.all([...connections].map(({ done }) => done));
    },
  };
}

interface Held {
  connection: LocalConnection | undefined;
}

function bind(
  { host, port }: Required<ListenAddress>,
  accept: (socket: Bun.Socket<Held>) => LocalConnection | undefined,
) {
  try {
    return Bun.listen<Held>({
      hostname: host,
      port,
      allowHalfOpen: true,
      socket: {
        binaryType: "buffer",
        open(socket) {
          socket.data = { connection: accept(socket) };
          if (socket.data.connection === undefined) socket.terminate();
        },
        data: ({ data: { connection } }, bytes) => connection?.data(bytes),
        drain: ({ data: { connection } }) => connection?.drain(),
        end: ({ data: { connection } }) => connection?.end(),
        close: ({ data: { connection } }, error) => connection?.close(error),
      },
    });
  } catch (error) {
    const code = codeOf(error);
    const why = code === "EADDRINUSE" ? "is in use by another program" : `cannot be bound (${code})`;
    throw new FairleadError(
      "LISTEN_FAILED",
      `${reachable({ host, port })} ${why}; choose another LISTEN address`,
    );
  }
}
