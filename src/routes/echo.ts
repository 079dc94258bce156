/**
 * echo: every message comes back unchanged, same type, empty ones too.
 * Limits: `maxMessage`; a sender that does not read its echo is paused past `slow.highWater` and cut after `stallTimeout`.
 */

import type { Clock } from "../clock.ts";
import type { EchoOptions } from "../config/kinds/echo.ts";
import type { Connection, Data } from "../connection.ts";
import { hasRoom, holdBack } from "../outbox.ts";
import type { Route } from "../route.ts";
import { refused } from "../session.ts";
import { echoFrame } from "../wire/frames.ts";
import { PROTOCOL } from "../wire/v1.ts";

export function createEcho({ options, clock }: { options: EchoOptions; clock: Clock }): Route {
  const { welcome, slow } = options;

  function send(connection: Connection, data: Data): void {
    if (!connection.send(data)) holdBack(connection, connection, slow);
  }

  return {
    kind: "echo",
    v1: {
      open: (_, welcomed) => welcomed(),
      command(connection, command, reply, size) {
        if (command.t !== "msg")
          return reply(refused("unknown_command", `${command.t}: an echo has \`msg\` and \`ping\``));
        const time = clock.wall();
        send(connection, echoFrame(command, size, time));
        reply({ ok: { size, time } });
      },
    },
    admit: ({ protocols }) => ({ admitted: protocols.includes(PROTOCOL) ? { protocol: PROTOCOL } : {} }),
    open(connection) {
      if (welcome !== false) connection.send(welcome);
    },
    message: send,
    drain(connection) {
      if (connection.isPaused && hasRoom(connection, slow)) connection.resume();
    },
    close() {},
    stats: () => ({}),
    async dispose() {},
  };
}
