/** What the runtime does with ports and certificates, which is why the listener replaces itself instead of asking for it. As runtime.test.ts. */
import { beforeAll, describe, expect, onTestFinished, test } from "bun:test";
import { connect, type TestClient } from "./gateway.ts";
import { type MadePair, makePair } from "./made-certificate.ts";
import { bounded } from "./raw-client.ts";
import { dialTls } from "./tls-house.ts";

let first: MadePair;
let second: MadePair;
beforeAll(async () => {
  [first, second] = await Promise.all([makePair("first"), makePair("second")]);
});

const options = (tls: MadePair, port = 0) => ({
  hostname: "127.0.0.1",
  port,
  development: false,
  reusePort: true,
  tls,
  fetch: (request: Request, server: { upgrade(request: Request): boolean }) =>
    server.upgrade(request) ? undefined : new Response(),
  websocket: {
    open: (socket: { subscribe(channel: string): void }) => socket.subscribe("all"),
    message: (socket: { send(data: string): unknown }, data: string | Uint8Array) =>
      void socket.send(`${data}`),
  },
});

function serve(tls: MadePair, port?: number) {
  const server = Bun.serve(options(tls, port));
  onTestFinished(() => server.stop(true));
  return server;
}

const join = (port: number | undefined): Promise<TestClient> =>
  connect(`wss://127.0.0.1:${port}/`, [], { rejectUnauthorized: false });

async function served(port: number | undefined): Promise<string> {
  const socket = await dialTls(port ?? 0);
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

describe("the runtime", () => {
  test("keeps its certificate when it is given another by reload()", async () => {
    const server = serve(first);
    server.reload(options(second));
    expect(await served(server.port)).toBe("first");
  });

  test("lets a second server have the port, and takes nobody to the first once that has stopped", async () => {
    const old = serve(first);
    const { port } = old;
    const young = serve(second, port);
    expect(young.port).toBe(port);
    void old.stop(false);
    // Its port has to be read before.
    expect(old.port).toBe(0);
    const names = await Promise.all(Array.from({ length: 20 }, () => served(young.port)));
    expect(new Set(names)).toEqual(new Set(["second"]));
  });

  test("stops without an end for WebSockets, which hear what their own server publishes, and no other", async () => {
    const old = serve(first);
    using before = await join(old.port);
    const young = serve(second, old.port);
    void old.stop(false);
    using after = await join(young.port);
    young.publish("all", "from young");
    old.publish("all", "from old");
    expect(await bounded("a message", before.next())).toBe("from old");
    expect(await bounded("a message", after.next())).toBe("from young");
    before.send("still here");
    expect(await bounded("an echo", before.next())).toBe("still here");
  });
});
