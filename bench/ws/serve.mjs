/** What every loop on the `ws` package shares. */
import { WebSocketServer } from "ws";

export const [port, targetPort] = process.argv.slice(2).map(Number);

/** `accept` gets each connection and the path it asked for. */
export function serve(accept) {
  const server = new WebSocketServer({
    host: "127.0.0.1",
    port,
    maxPayload: 1024 * 1024,
    perMessageDeflate: false,
    handleProtocols: () => "binary",
  });
  server.on("connection", (ws, request) => accept(ws, request.url));
}
