/**
 * handshake: what a client costs that is refused, and one that comes in with a token: CPU of the server for each new TCP connection with
 * one request on it. Each token is another user's, so none is known from before.
 */
import type { Socket } from "bun";
import { bare, fairlead } from "./contestants.ts";
import { cpuSeconds } from "./proc.ts";
import type { Figure } from "./report.ts";
import { boot, type Contestant, type Server } from "./server.ts";
import { median } from "./table.ts";
import { AUTH, signTokens } from "./tokens.ts";

const AT_ONCE = 32;
const WARM = 4_000;
const ROUNDS = 5;
const PER_ROUND = 4_000;
const REFUSED_US = 60;
/** 5,000 a second on one core. */
const TOKEN_US = 200;

interface Handshake {
  readonly name: string;
  readonly status: number;
  readonly bar: number;
  /** Of the nth request. */
  headers(n: number): string;
  readonly contestants: readonly Contestant[];
}

const guarded = fairlead("echo", {}, "fairlead", AUTH);

export async function handshake(): Promise<Figure[]> {
  const tokens = await signTokens(WARM + ROUNDS * PER_ROUND);
  const token = (n: number) => `Authorization: Bearer ${tokens[n % tokens.length] ?? ""}`;
  const rows: Handshake[] = [
    {
      name: "refused, no token (401)",
      status: 401,
      bar: REFUSED_US,
      headers: () => "",
      contestants: [guarded],
    },
    {
      name: "refused, a token of somebody else (401)",
      status: 401,
      bar: REFUSED_US + TOKEN_US,
      headers: (n) => `${token(n).slice(0, -4)}AAAA`,
      contestants: [guarded],
    },
    {
      name: "refused, a foreign page (403)",
      status: 403,
      bar: REFUSED_US,
      headers: () => "Origin: https://evil.example",
      contestants: [guarded],
    },
    {
      name: "let in",
      status: 101,
      bar: TOKEN_US,
      headers: () => "",
      contestants: [bare("echo"), fairlead("echo")],
    },
    { name: "let in by a token", status: 101, bar: TOKEN_US, headers: token, contestants: [guarded] },
  ];
  const figures: Figure[] = [];
  for (const row of rows)
    for (const contestant of row.contestants) figures.push(await measure(contestant, row));
  return figures;
}

async function measure(contestant: Contestant, row: Handshake): Promise<Figure> {
  const server = await boot(contestant, 0);
  let asked = 0;
  const next = () => row.headers(asked++);
  await shake(server, row.status, WARM, next);
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuSeconds(server.pid);
    await shake(server, row.status, PER_ROUND, next);
    costs.push(((cpuSeconds(server.pid) - before) / PER_ROUND) * 1e6);
  }
  await server.stop();
  return {
    name: `handshake: ${row.name}`,
    server: contestant.name,
    value: median(costs),
    unit: "CPU µs",
    bar: row.bar,
  };
}

/** So many new connections, AT_ONCE under way; each is cut when it has its answer. */
async function shake(server: Server, status: number, count: number, headers: () => string): Promise<void> {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left--;
      await ask(server.port, status, headers());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

function ask(port: number, status: number, header: string): Promise<void> {
  const answered = Promise.withResolvers<void>();
  const request =
    `GET /echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${header}${header && "\r\n"}\r\n`;
  const expected = `HTTP/1.1 ${status} `;
  const data = (socket: Socket, chunk: Uint8Array) => {
    const got = Buffer.from(chunk).toString("latin1", 0, expected.length);
    if (got === expected) answered.resolve();
    else answered.reject(new Error(`expected ${expected}, got ${got}`));
    socket.terminate();
  };
  const lost = () => answered.reject(new Error("the server ended a connection without an answer"));
  Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { open: (socket) => void socket.write(request), data, close: lost, error: lost },
  }).catch(answered.reject);
  return answered.promise;
}
