/** The load's connection: who was told to stop must be told to go on, or a row waits for ever. */
import { expect, onTestFinished, test } from "bun:test";
import { connect } from "../../bench/client.ts";
import { BINARY, clientFrame } from "../../bench/frames.ts";

/** A server in a process of its own, because the test blocks this one. */
async function eater(): Promise<number> {
  const program = `const server = Bun.serve({
    port: 0, hostname: "127.0.0.1",
    fetch: (request, self) => void self.upgrade(request),
    websocket: { maxPayloadLength: 2 ** 30, message() {} },
  });
  console.log(server.port);`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  onTestFinished(() => child.kill("SIGKILL"));
  const { value } = await child.stdout.getReader().read();
  return Number(new TextDecoder().decode(value));
}

test("says when it can go on, also if another write emptied the queue first", async () => {
  const client = await connect(await eater(), "/");
  onTestFinished(() => client.end());
  const drained = Promise.withResolvers<void>();
  client.onDrain = drained.resolve;
  expect(client.write(clientFrame(new Uint8Array(24 * 1024 * 1024), BINARY))).toBe(false);
  const deadline = performance.now() + 4_000;
  // Nothing of the event loop runs here, so no drain: the server reads, and our own writes make room.
  while (!client.write(clientFrame("", BINARY)) && performance.now() < deadline) Bun.sleepSync(1);
  await drained.promise;
});

test("rejects with the status line if the upgrade is refused", async () => {
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(null, { status: 503 }),
  });
  const refused = connect(Number(server.port), "/echo");
  await expect(refused).rejects.toThrow("/echo: expected 101, got HTTP/1.1 503 Service Unavailable");
});
