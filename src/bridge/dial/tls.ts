/**
 * Services behind TLS. The certificate is always verified: against the system's authorities or those of `caFile`, for the name of the target
 * or `serverName`. Failure: whoever is not trusted is not spoken to, and the dial fails with the reason.
 */
import { readFileSync } from "node:fs";
import { isIP, connect as openTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import type { Clock } from "../../clock.ts";
import { formatPath } from "../../config/key-path.ts";
import { codeOf, FairleadError } from "../../errors.ts";
import type { Upstream, UpstreamSlot } from "../upstream.ts";
import { StreamUpstream } from "./stream-upstream.ts";

export interface TlsOptions {
  readonly caFile?: string | undefined;
  readonly serverName?: string | undefined;
}

export interface TlsTarget {
  readonly hostname: string;
  readonly port: number;
}

/** Milliseconds for the last bytes to reach a target that takes them slowly, after `end`. */
const DELIVER_MS = 60_000;

export interface TlsCall {
  readonly slot: UpstreamSlot;
  /** Goes before the handshake, in the clear, as the PROXY protocol wants it. */
  readonly preface: Uint8Array | undefined;
  /** Gives the handshake up, which a service that says nothing would never end. */
  readonly signal: AbortSignal;
}
export type ConnectTls = (target: TlsTarget, call: TlsCall) => Promise<Upstream>;

/** Throws CONFIG_INVALID when the file holds no certificates. */
export function createConnectTls(
  { caFile, serverName }: TlsOptions,
  route: string,
  clock: Clock,
): ConnectTls {
  const ca = caFile === undefined ? {} : { ca: readCertificates(caFile, route) };

  return ({ hostname: host, port }, { slot, preface, signal }) => {
    const tcp = openTcp({ host, port, allowHalfOpen: true, noDelay: true });
    if (preface !== undefined) tcp.write(preface);
    const name = serverName ?? host;
    const options: ConnectionOptions = {
      ...ca,
      socket: tcp,
      // Looked for in the certificate.
      host: name,
      // RFC 6066 section 3: an address is no server name.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      // Said aloud, because a variable of the environment would change the default.
      rejectUnauthorized: true,
    };
    return handshake(connect(options), tcp, signal).then((socket) => upstreamOf(socket, slot, clock));
  };
}

function handshake(socket: TLSSocket, tcp: Socket, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      socket.destroy();
      tcp.destroy();
      reject(new Error("given up"));
    };
    signal.addEventListener("abort", giveUp);
    const done = () => signal.removeEventListener("abort", giveUp);
    const fail = (error: Error) => {
      done();
      reject(error);
    };
    for (const each of [socket, tcp]) {
      each.once("close", () => fail(new Error("closed during the handshake")));
      each.on("error", fail);
    }
    socket.once("secureConnect", () => {
      done();
      resolve(socket);
    });
  });
}

function upstreamOf(socket: TLSSocket, slot: UpstreamSlot, clock: Clock): Upstream {
  const terminate = () => void socket.destroy();
  const end = () => {
    socket.end();
    if (socket.writableFinished) terminate();
    const late = clock.after(DELIVER_MS, terminate);
    socket.once("finish", terminate);
    socket.once("close", () => late.cancel());
  };
  const upstream = new StreamUpstream(slot, { from: socket, to: socket, end, terminate });
  socket.on("close", () => upstream.closed());
  return upstream;
}

function readCertificates(file: string, route: string): string {
  const at = formatPath(["routes", route, "tls", "caFile"]);
  const fail = (problem: string, cause?: unknown) => {
    return new FairleadError("CONFIG_INVALID", `${at}: ${problem}. It needs certificates in PEM.`, { cause });
  };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw fail(`cannot be read (${codeOf(error)})`, error);
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----")) throw fail("holds no certificate");
  return text;
}
