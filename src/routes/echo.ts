/**
 * echo: every message comes back unchanged, same type, empty ones too.
 * Limits: `maxMessage`; a sender that does not read its echo is paused past `slow.highWater` and cut after `stallTimeout`.
 */
import type { EchoOptions } from "../config/schema.ts";
import { hasRoom, holdBack } from "../outbox.ts";
import type { Route } from "../route.ts";

export function createEcho({ options }: { options: EchoOptions }): Route {
  const { welcome, slow } = options;
  return {
    kind: "echo",
    open(connection) {
      if (welcome !== false) connection.send(welcome);
    },
    message(connection, data) {
      if (!connection.send(data)) holdBack(connection, connection, slow);
    },
    drain(connection) {
      if (connection.isPaused && hasRoom(connection, slow)) connection.resume();
    },
    close() {},
    stats: () => ({}),
    async dispose() {},
  };
}
