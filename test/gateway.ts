/** A real gateway on a free port for tests, and what clients of it need. */
import type { ConfigInput } from "../src/config/schema.ts";
import { createGateway, type Gateway, type GatewayParts } from "../src/gateway.ts";
import type { Log, LogFields } from "../src/log.ts";

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  ws(path: string): string;
  http(path: string): string;
  /** The value of one series of `/metrics`, like `fairlead_connections{route="/echo"}`; 0 where it does not exist. */
  metric(series: string): Promise<number>;
}

export async function startGateway(
  routes: ConfigInput["routes"],
  config: Omit<ConfigInput, "routes"> = {},
  parts: GatewayParts = {},
): Promise<TestGateway> {
  const gateway = createGateway(
    { listen: { port: 0 }, log: { level: "silent" }, drain: { window: 500 }, ...config, routes },
    parts,
  );
  await gateway.start();
  const host = `127.0.0.1:${gateway.address.port}`;
  return {
    gateway,
    host,
    ws: (path) => `ws://${host}${path}`,
    http: (path) => `http://${host}${path}`,
    async metric(series) {
      const text = await (await fetch(`http://${host}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

export type LogLine = LogFields & { readonly level: string; readonly text: string };

/** A log whose lines a test can read. */
export function memoryLog(debugs = false): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: LogFields, text: string) =>
    void lines.push({ ...fields, level, text });
  return {
    lines,
    debugs,
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  };
}

/** A WebSocket whose messages are awaited one by one, in order. */
export interface TestClient extends Disposable {
  readonly socket: WebSocket;
  next(): Promise<string | Uint8Array>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Messages that have come and nobody has taken. */
  readonly waiting: number;
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Resolves once it is open; rejects when the handshake is refused. */
export function connect(url: string, protocols: string[] = [], tls: object = {}): Promise<TestClient> {
  const socket = new WebSocket(url, { protocols, tls });
  socket.binaryType = "arraybuffer";
  const arrived: (string | Uint8Array)[] = [];
  const takers: ((data: string | Uint8Array) => void)[] = [];
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
    const message = typeof data === "string" ? data : new Uint8Array(data);
    const taker = takers.shift();
    if (taker === undefined) arrived.push(message);
    else taker(message);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  const client: TestClient = {
    socket,
    closed,
    send: (data) => socket.send(data),
    next() {
      const message = arrived.shift();
      return message === undefined
        ? new Promise((resolve) => takers.push(resolve))
        : Promise.resolve(message);
    },
    get waiting() {
      return arrived.length;
    },
    [Symbol.dispose]: () => socket.close(),
  };
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(client));
    closed.then(({ code, reason }) => reject(new Error(`handshake refused: ${code} ${reason}`)), reject);
  });
}
