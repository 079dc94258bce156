/** A TCP proxy that is slow on the way to the client: each read waits for its time, or the link takes only so many bytes a second. In order, and without losing any. */

import { onTestFinished } from "bun:test";
import { connect, createServer, type Socket } from "node:net";

export interface Slowness {
  /** ms that what was just read still takes; asked for each read. */
  readonly delay?: () => number;
  readonly bytesPerSecond?: number;
}

/** Answers its `127.0.0.1:PORT`. `host`: the server behind it. Ends with the test. */
export async function slowLink(host: string, slowness: Slowness): Promise<string> {
  const port = Number(host.slice(host.lastIndexOf(":") + 1));
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    relay(client, upstream, { ...(slowness.delay && { delay: slowness.delay }) });
    relay(upstream, client, slowness);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return `127.0.0.1:${address.port}`;
}

function relay(from: Socket, to: Socket, { delay = () => 0, bytesPerSecond = 0 }: Slowness): void {
  const waiting: { readonly due: number; readonly run: () => void }[] = [];
  // Timers that are rounded to milliseconds may overtake one another, bytes must not: each runs what is due, from the front.
  const runDue = () => {
    while (waiting[0] !== undefined && waiting[0].due <= performance.now()) waiting.shift()?.run();
    if (waiting[0] !== undefined) setTimeout(runDue, Math.max(1, waiting[0].due - performance.now()));
  };
  const later = (ms: number, run: () => void) => {
    waiting.push({ due: Math.max(waiting.at(-1)?.due ?? 0, performance.now() + ms), run });
    if (waiting.length === 1) setTimeout(runDue, ms);
  };
  from.on("data", (bytes: Buffer) => {
    if (bytesPerSecond === 0) return later(delay(), () => void to.write(bytes));
    // One read at a time: what has not its turn yet waits in the kernel, as on a real link.
    from.pause();
    later((bytes.length / bytesPerSecond) * 1_000, () => to.write(bytes) && from.resume());
  });
  to.on("drain", () => from.resume());
  from.on("close", () => later(0, () => void to.destroy()));
}
