/** What speaks TCP comes to a bridge through a port of this process: each connection gets a WebSocket of its own. */
import { onTestFinished } from "bun:test";
import { createServer, type Socket } from "node:net";

/** Leads to the bridge at `url` until the test ends; resolves with its port on 127.0.0.1. */
export async function forward(url: string): Promise<number> {
  const server = createServer((client) => join(client, new WebSocket(url, "binary")));
  onTestFinished(() => void server.close());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`no port: ${address}`);
  return address.port;
}

function join(client: Socket, bridge: WebSocket): void {
  bridge.binaryType = "arraybuffer";
  client.pause();
  client.on("data", (bytes: Buffer<ArrayBuffer>) => bridge.send(bytes));
  client.on("error", () => bridge.close());
  client.on("close", () => bridge.close());
  bridge.addEventListener("open", () => client.resume());
  bridge.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer>) =>
    client.write(Buffer.from(data)),
  );
  bridge.addEventListener("close", () => client.end());
}
