/** What memory tests share: a gateway of all five kinds in a process of its own, its resident bytes, and a TCP target. */
import { readFileSync } from "node:fs";
import type { RawClient } from "../raw-client.ts";

export const KIB = 1024;
export const MIB = 1024 * KIB;
/** What each attack offers, for at most OFFER_MS. */
export const OFFERED = 1024 * MIB;
const OFFER_MS = 5_000;

interface Plan {
  readonly sends: number;
  readonly reads: boolean;
}

export interface House extends AsyncDisposable {
  /** `127.0.0.1:PORT` of the gateway. */
  readonly host: string;
  /** What the bridge's target does with connections from now on. */
  set target(next: Plan);
  residentBytes(): number;
  /** The most that the gateway's memory grew while `run` ran. */
  growthDuring(run: () => Promise<unknown>): Promise<number>;
  /** The value of one series of `/metrics`. */
  metric(series: string): Promise<number>;
}

export async function openHouse(): Promise<House> {
  let plan: Plan = { sends: 0, reads: true };
  const target = listen(() => plan);
  const command = [process.execPath, `${import.meta.dir}/memory-server.ts`, String(target.port)];
  const gateway = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const { value } = await gateway.stdout.getReader().read();
  const host = `127.0.0.1:${Number(new TextDecoder().decode(value).replace("port ", ""))}`;

  function residentBytes(): number {
    const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * KIB;
  }

  return {
    host,
    set target(next: Plan) {
      plan = next;
    },
    residentBytes,
    async growthDuring(run) {
      const before = residentBytes();
      let peak = before;
      const timer = setInterval(() => {
        peak = Math.max(peak, residentBytes());
      }, 10);
      await run().finally(() => clearInterval(timer));
      return Math.max(peak, residentBytes()) - before;
    },
    async metric(series) {
      const text = await (await fetch(`http://${host}/metrics`)).text();
      return Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.slice(series.length),
      );
    },
    async [Symbol.asyncDispose]() {
      gateway.kill();
      await gateway.exited;
      target.stop(true);
    },
  };
}

/** Byte `n` of what a target sends is `n % 251`: no chunking looks right by chance. */
export const PATTERN = Buffer.from(Uint8Array.from({ length: 251 * 4 * KIB }, (_, n) => n % 251));

/** A TCP service that sends so many bytes of PATTERN, and reads or not. */
function listen(plan: () => Plan): Bun.TCPSocketListener<{ sent: number; sends: number }> {
  function pour(socket: Bun.Socket<{ sent: number; sends: number }>): void {
    const { data } = socket;
    while (data.sent < data.sends) {
      const start = data.sent % PATTERN.length;
      const taken = socket.write(
        PATTERN.subarray(start, Math.min(PATTERN.length, start + data.sends - data.sent)),
      );
      if (taken <= 0) return;
      data.sent += taken;
    }
  }
  return Bun.listen<{ sent: number; sends: number }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { sent: 0, sends: plan().sends };
        if (!plan().reads) socket.pause();
        pour(socket);
      },
      drain: pour,
      data() {},
    },
  });
}

/** Writes `bytes` again and again until all is offered, nothing moves for half a second, or the connection is gone. */
export async function offer(client: RawClient, bytes: Uint8Array): Promise<void> {
  const end = performance.now() + OFFER_MS;
  let movedAt = performance.now();
  let unsent = 0;
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  client.ended().then(over, () => undefined);
  for (let offered = 0; offered < OFFERED && !isOver; ) {
    if (performance.now() > Math.min(end, movedAt + 500)) return;
    if (client.unsent < 2 * MIB) {
      client.write(bytes);
      offered += bytes.length;
      movedAt = performance.now();
    } else {
      await tick();
      if (client.unsent !== unsent) movedAt = performance.now();
    }
    unsent = client.unsent;
  }
}

/** Writes `count` messages, waiting whenever the kernel does not take them. */
export async function write(
  client: RawClient,
  count: number,
  message: (n: number) => Uint8Array,
): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    client.write(message(n));
    while (client.unsent > 2 * MIB) await tick();
  }
}

const tick = () => new Promise<void>((resolve) => setTimeout(resolve, 1));
