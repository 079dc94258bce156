/**
 * What the runtime tells of a client's certificate: nothing. That is why `auth.certificate` needs a part that ends TLS by itself (certified-port.ts),
 * or a proxy that says whose it is. When one of these fails after an update of Bun, that can be built better.
 */
import { expect, onTestFinished, test } from "bun:test";
import { connect } from "node:tls";
import { CERT, KEY, STRANGER_CERT, STRANGER_KEY } from "./certificate.ts";

/** Names of all that an object has, what it inherits too. */
function namesOf(value: object): string[] {
  const names: string[] = [];
  for (let at: unknown = value; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at))
    names.push(...Reflect.ownKeys(Object(at)).map(String));
  return names;
}

function serve(seen: string[]) {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    tls: { cert: CERT, key: KEY, ca: CERT, requestCert: true, rejectUnauthorized: true },
    fetch(request, self) {
      seen.push(...namesOf(request), ...namesOf(self), ...Object.keys(self.requestIP(request) ?? {}));
      seen.push(...[...request.headers.keys()].map((name) => `header ${name}`));
      return self.upgrade(request) ? undefined : new Response("seen");
    },
    websocket: { open: (socket) => void seen.push(...namesOf(socket)), message() {} },
  });
  onTestFinished(() => server.stop(true));
  return server.port ?? 0;
}

const client = { cert: CERT, key: KEY, ca: CERT, servername: "localhost" };

test("neither request, server nor socket has anything of the certificate that was checked", async () => {
  const seen: string[] = [];
  const port = serve(seen);
  const response = await fetch(`https://127.0.0.1:${port}/`, { tls: client });
  expect(await response.text()).toBe("seen");
  const opened = Promise.withResolvers<void>();
  const socket = new WebSocket(`wss://127.0.0.1:${port}/`, { tls: client });
  socket.onopen = () => opened.resolve();
  socket.onerror = () => opened.reject(new Error("no connection"));
  await opened.promise;
  socket.close();
  expect(seen).toContain("remoteAddress");
  expect(
    seen.filter((name) => /cert|tls|ssl|secure|authorized|subject|peer|session|cipher/i.test(name)),
  ).toEqual([]);
});

test("who has none, or one of somebody else, is cut before the request is seen", async () => {
  const seen: string[] = [];
  const port = serve(seen);
  for (const pair of [{}, { cert: STRANGER_CERT, key: STRANGER_KEY }]) {
    const cut = Promise.withResolvers<void>();
    const socket = connect({ port, host: "127.0.0.1", ca: CERT, servername: "localhost", ...pair });
    socket.on("secureConnect", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    socket.on("error", () => cut.resolve());
    socket.on("close", () => cut.resolve());
    await cut.promise;
    socket.destroy();
  }
  expect(seen).toEqual([]);
});
