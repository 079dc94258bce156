/** A gateway whose port speaks TLS, with files that tests replace, and a clock that tests move. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect as dial, type TLSSocket } from "node:tls";
import type { ConfigInput } from "../src/config/schema.ts";
import { type TestClock, testClock } from "./clock.ts";
import { folder } from "./folder.ts";
import { connect, type LogLine, memoryLog, startGateway, type TestClient } from "./gateway.ts";
import type { MadePair } from "./made-certificate.ts";
import { bounded } from "./raw-client.ts";

/** Of which certificates are made that are valid now. */
const JANUARY_2027 = 100_000_000_000;
/** Longer than between two looks at the files. */
const LOOK_MS = 2_000;

export interface TlsHouse extends AsyncDisposable {
  readonly port: number;
  readonly lines: readonly LogLine[];
  readonly clock: TestClock;
  readonly files: { readonly cert: string; readonly key: string };
  /** Lets the gateway see what was written: one look sees the change, the next one that it is still. */
  look(times?: number): void;
  connect(path: string): Promise<TestClient>;
  /** Subject of the certificate that a new handshake gets. */
  served(): Promise<string>;
  /** Of one series of /metrics. */
  metric(series: string): Promise<number>;
  stop(): Promise<void>;
}

export interface TlsHouseOptions {
  readonly routes: ConfigInput["routes"];
  readonly first: MadePair;
  /** Beside cert and key. */
  readonly tls?: object;
  readonly listen?: object;
  /** Default: two plain files in a folder. */
  readonly files?: { readonly cert: string; readonly key: string };
}

export async function startTlsHouse({
  routes,
  first,
  tls,
  listen,
  ...options
}: TlsHouseOptions): Promise<TlsHouse> {
  const clock = testClock(JANUARY_2027);
  const log = memoryLog();
  const files = options.files ?? plainFiles(first);
  const { gateway } = await startGateway(
    routes,
    { listen: { port: 0, tls: { ...files, ...tls }, ...listen }, drain: { window: 0 } },
    { log, clock },
  );
  const { port } = gateway.address;
  const insecurely = { rejectUnauthorized: false };
  return {
    port,
    lines: log.lines,
    clock,
    files,
    look(times = 2) {
      for (let n = 0; n < times; n += 1) clock.advance(LOOK_MS);
    },
    connect: (path) => connect(`wss://127.0.0.1:${port}${path}`, [], insecurely),
    async served() {
      const socket = await dialTls(port);
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return String(subject.CN);
    },
    async metric(series) {
      const answer = await fetch(`https://127.0.0.1:${port}/metrics`, { tls: insecurely, keepalive: false });
      const line = (await answer.text()).split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    stop: () => gateway.stop(),
    [Symbol.asyncDispose]: () => gateway.stop(),
  };
}

/** A connection whose handshake of TLS is done; nothing is written. */
export function dialTls(port: number): Promise<TLSSocket> {
  const connected = new Promise<TLSSocket>((resolve, reject) => {
    const socket = dial({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => resolve(socket));
    socket.on("error", reject);
  });
  return bounded("a handshake of TLS", connected);
}

function plainFiles({ cert, key }: MadePair) {
  const at = folder({ "cert.pem": cert, "key.pem": key });
  return { cert: join(at, "cert.pem"), key: join(at, "key.pem") };
}

/** As careful programs do: under another name first. */
export function replaceByRename(files: TlsHouse["files"], { cert, key }: MadePair): void {
  for (const [file, text] of [
    [files.cert, cert],
    [files.key, key],
  ] as const) {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}

/** A folder as Kubernetes mounts a secret: both files are links through `..data`, which is what is replaced. */
export function mountedSecret(first: MadePair) {
  const at = folder();
  let count = 0;
  function put({ cert, key }: MadePair): void {
    count += 1;
    const version = `..version_${count}`;
    mkdirSync(join(at, version));
    writeFileSync(join(at, version, "tls.crt"), cert);
    writeFileSync(join(at, version, "tls.key"), key);
    symlinkSync(version, join(at, "..data_tmp"));
    renameSync(join(at, "..data_tmp"), join(at, "..data"));
  }
  put(first);
  const files = { cert: join(at, "tls.crt"), key: join(at, "tls.key") };
  symlinkSync("..data/tls.crt", files.cert);
  symlinkSync("..data/tls.key", files.key);
  return { files, put };
}
