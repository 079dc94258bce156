/**
 * A port that asks clients for certificates and tells whose they are. The runtime's own server shows nothing of them, so TLS ends here, and
 * each connection goes on to a plain server on loopback, which knows it by the port that it comes from.
 *
 * Costs a hop through loopback and two descriptors more per connection, so it is only there where subjects are asked for. Bounded by what
 * two streams hold; a client that takes nothing of its last bytes is cut after FAREWELL_MS.
 * Failure: a handshake that fails, or takes longer than HANDSHAKE_MS, ends its own connection and is counted by nobody.
 */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import { FairleadError } from "../errors.ts";
import type { Capacity } from "../limits.ts";
import type { Peer } from "../reception/forwarded.ts";
import { bindProblem } from "./bind-problem.ts";
import type { ListenerTls } from "./tls.ts";

export interface CertifiedPortOptions {
  readonly host: string;
  readonly port: number;
  /** Other processes of this user listen on it, too. */
  readonly reusePort?: boolean;
  /** A second one that is of this process alone. */
  readonly workerPort?: number | undefined;
  readonly tls: ListenerTls;
  readonly capacity: Pick<Capacity, "take" | "give">;
  readonly clock: Clock;
}

export interface CertifiedPort {
  readonly host: string;
  readonly port: number;
  /** Where connections go on to; to be said once, and nobody is let in before. */
  leadTo(innerPort: number): void;
  /** Who stands behind a connection to the inner server; undefined: nobody that came by this port. */
  peerOf(inner: Peer): Peer | undefined;
  /** Handshakes from now on get this certificate; nobody who is connected notices. */
  swap(tls: ListenerTls): void;
  /** Accepts nobody any more. Connections end with those of the inner server. */
  stop(): void;
}

const HANDSHAKE_MS = 10_000;
const FAREWELL_MS = 15_000;
/** This end of the hop, and the client's socket; the inner server's end is counted as any connection is. */
const DESCRIPTORS = 2;

/** @throws FairleadError LISTEN_FAILED */
export async function openCertifiedPort(options: CertifiedPortOptions): Promise<CertifiedPort> {
  const { host, port, reusePort = false, workerPort, capacity, clock } = options;
  const peers = new Map<number, Peer>();
  let innerPort: number | undefined;

  function welcome(client: TLSSocket): void {
    // What has no subject may not be taken for somebody, and what has left has no address.
    const peer = peerBehind(client);
    if (peer === undefined || innerPort === undefined) return void client.destroy();
    const inner = connect({ host: "127.0.0.1", port: innerPort, noDelay: true });
    // Its port is asked for while it has one: what has closed has none, and whoever gets it next must not be taken for this peer.
    let from = 0;
    const forget = () => {
      if (peers.get(from) === peer) peers.delete(from);
    };
    inner.once("connect", () => {
      from = inner.localPort ?? 0;
      peers.set(from, peer);
      client.pipe(inner);
      inner.pipe(client);
    });
    // Before the kernel can give the port to somebody else.
    inner.once("end", forget);
    inner.once("close", () => {
      forget();
      if (client.closed) return;
      const late = clock.after(FAREWELL_MS, () => client.destroy());
      client.once("close", () => late.cancel());
    });
    client.once("close", () => {
      forget();
      inner.destroy();
    });
    for (const socket of [client, inner]) socket.on("error", () => socket.destroy());
  }

  async function open(port: number, reusePort: boolean): Promise<Server> {
    const server = createServer({ ...toNode(options.tls), handshakeTimeout: HANDSHAKE_MS }, welcome);
    server.on("connection", (socket: Socket) => {
      if (!capacity.take(DESCRIPTORS)) return socket.destroy();
      socket.once("close", () => capacity.give(DESCRIPTORS));
    });
    server.on("tlsClientError", (_: Error, socket: TLSSocket) => socket.destroy());
    server.listen({ host, port, reusePort });
    try {
      await once(server, "listening");
    } catch (error) {
      throw new FairleadError("LISTEN_FAILED", bindProblem({ host, port, workerPort }, error), {
        cause: error,
      });
    }
    return server;
  }

  const server = await open(port, reusePort);
  const servers = [
    server,
    ...(workerPort === undefined ? [] : [await openSecond(server, () => open(workerPort, false))]),
  ];

  return {
    host,
    port: (server.address() as AddressInfo).port,
    leadTo(port) {
      innerPort = port;
    },
    peerOf: ({ port }) => peers.get(port),
    swap(tls) {
      for (const each of servers) each.setSecureContext(toNode(tls));
    },
    stop() {
      for (const each of servers) each.close();
    },
  };
}

async function openSecond(first: Server, open: () => Promise<Server>): Promise<Server> {
  try {
    return await open();
  } catch (error) {
    first.close();
    throw error;
  }
}

function toNode(tls: ListenerTls) {
  return { ...tls, minVersion: "TLSv1.2" } as const;
}

function peerBehind(client: TLSSocket): Peer | undefined {
  const { raw } = client.getPeerCertificate();
  const { remoteAddress: address, remotePort: port } = client;
  if (!client.authorized || raw === undefined || address === undefined || port === undefined)
    return undefined;
  const subject = subjectOf(raw);
  return subject === "" ? undefined : { address, port, subject };
}

/** As RFC 4514 writes it, the most telling part first: `CN=alice,O=Example`. Its parts are escaped as that wants already. */
export function subjectOf(certificate: Uint8Array): string {
  return new X509Certificate(certificate).subject.split("\n").reverse().join(",");
}
