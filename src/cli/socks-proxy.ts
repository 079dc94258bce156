/**
 * A SOCKS5 proxy (RFC 1928, RFC 1929) for clients that know CONNECT only, as the runtime's WebSocket does: a door on loopback that takes
 * CONNECT and dials through the SOCKS5 proxy. The name of the target goes to that proxy, which resolves it.
 * The door opens to a password of its own, 128 random bits, since everybody on the machine could knock.
 * Limits: DIAL_MS for the proxy to connect. Failure: 502 with the reason in the status line, which the runtime repeats.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { bytesOfV4, bytesOfV6 } from "../ip-bytes.ts";

const DIAL_MS = 20_000;
const HOST = "127.0.0.1";

export interface SocksProxy {
  readonly host: string;
  readonly port: number;
  /** Empty: the proxy is not told who asks. */
  readonly user: string;
  readonly password: string;
}

/** Resolves with the door's URL, for the runtime's option `proxy`. */
export async function openSocksDoor(proxy: SocksProxy): Promise<string> {
  const secret = randomBytes(16).toString("hex");
  const expected = `Basic ${Buffer.from(`fairlead:${secret}`).toString("base64")}`;
  const server = createServer((_, response) => void response.writeHead(405).end());
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on("error", () => client.destroy()); // the runtime tells of its own end
    if (!isEqual(request.headers["proxy-authorization"] ?? "", expected))
      return refuse(client, "407 Proxy Authentication Required");
    join(client, head, proxy, request.url ?? "").catch((error: unknown) => {
      refuse(
        client,
        `502 ${error instanceof SocksError ? error.message : `the SOCKS proxy cannot be reached${codeText(error)}`}`,
      );
    });
  });
  server.listen(0, HOST);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  return `http://fairlead:${secret}@${HOST}:${address.port}`;
}

/** What the proxy said, in words for a status line. */
class SocksError extends Error {
  override readonly name = "SocksError";
}

function refuse(client: Duplex, status: string): void {
  client.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
}

async function join(client: Duplex, head: Buffer, proxy: SocksProxy, target: string): Promise<void> {
  const upstream = connect(proxy.port, proxy.host);
  client.once("close", () => upstream.destroy());
  const inbox = createInbox(upstream);
  try {
    await greet(upstream, inbox, proxy);
    await ask(upstream, inbox, target);
  } catch (error) {
    upstream.destroy();
    throw error;
  }
  client.write("HTTP/1.1 200 OK\r\n\r\n");
  client.write(inbox.release());
  upstream.write(head);
  upstream.once("close", () => client.destroy());
  client.pipe(upstream).pipe(client);
}

interface Inbox {
  /** Exactly so many bytes. Rejects when the connection fails or ends before, or after DIAL_MS without a byte. */
  take(length: number): Promise<Uint8Array>;
  /** Hands the socket on, with what has come and nobody has taken. */
  release(): Uint8Array;
}

function createInbox(socket: Socket): Inbox {
  let bytes = Buffer.alloc(0);
  let failure: unknown;
  let look = () => {};
  const fail = (error: unknown) => {
    failure ??= error;
    look();
  };
  const add = (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    look();
  };
  const ended = () => fail(new SocksError("the SOCKS proxy ended the connection"));
  const late = () => fail(new SocksError(`the SOCKS proxy said nothing for ${DIAL_MS / 1_000} s`));
  socket.on("data", add).on("end", ended).on("error", fail).setTimeout(DIAL_MS, late);
  return {
    take: (length) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (bytes.length >= length) {
            resolve(bytes.subarray(0, length));
            bytes = bytes.subarray(length);
            look = () => {};
          } else if (failure !== undefined) reject(failure);
        };
        look();
      }),
    release() {
      socket.off("data", add).off("end", ended).setTimeout(0);
      return bytes;
    },
  };
}

/** RFC 1928 section 3, RFC 1929. */
async function greet(upstream: Socket, inbox: Inbox, { user, password }: SocksProxy): Promise<void> {
  const isKnown = user !== "";
  upstream.write(Uint8Array.from(isKnown ? [5, 2, 0, 2] : [5, 1, 0]));
  const [version, method] = await inbox.take(2);
  if (version !== 5) throw new SocksError("the SOCKS proxy does not speak version 5");
  if (method === 0) return;
  if (method !== 2 || !isKnown)
    throw new SocksError("the SOCKS proxy wants a user and a password, or other ones");
  upstream.write(Buffer.concat([Uint8Array.of(1), sized(user), sized(password)]));
  const [, status] = await inbox.take(2);
  if (status !== 0) throw new SocksError("the SOCKS proxy refused the user or the password");
}

/** RFC 1928 section 6. */
const REPLIES = [
  "",
  "the SOCKS proxy failed",
  "the SOCKS proxy does not allow this target",
  "the network of the target is unreachable",
  "the target is unreachable",
  "the target refused the connection",
  "the way to the target is too long",
  "the SOCKS proxy knows no CONNECT",
  "the SOCKS proxy knows no such address",
];

/** RFC 1928 sections 4 to 6. */
async function ask(upstream: Socket, inbox: Inbox, target: string): Promise<void> {
  const colon = target.lastIndexOf(":");
  const port = Number(target.slice(colon + 1));
  upstream.write(
    Buffer.concat([
      Uint8Array.of(5, 1, 0),
      address(target.slice(0, colon)),
      Uint8Array.of(port >> 8, port & 0xff),
    ]),
  );
  const [, reply = 1, , type] = await inbox.take(4);
  if (reply !== 0) throw new SocksError(REPLIES[reply] ?? "the SOCKS proxy failed in a way nobody knows");
  const size = type === 1 ? 4 : type === 4 ? 16 : ((await inbox.take(1))[0] ?? 0);
  await inbox.take(size + 2);
}

function address(host: string): Uint8Array {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare) === 4) return Uint8Array.from([1, ...bytesOfV4(bare)]);
  return isIP(bare) === 6
    ? Uint8Array.from([4, ...bytesOfV6(bare)])
    : Buffer.concat([Uint8Array.of(3), sized(bare)]);
}

/** One byte of length, then the bytes. */
function sized(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  if (bytes.length > 255) throw new SocksError("a name for the SOCKS proxy is longer than 255 bytes");
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

function isEqual(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

function codeText(error: unknown): string {
  return error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
}
