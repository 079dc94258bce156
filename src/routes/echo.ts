/**
 * echo: every message comes back unchanged, same type, empty ones too.
 * Limits: `maxMessage`; a sender that does not read its echo is paused past `slow.highWater` and cut after `stallTimeout`.
 */

import { lacks } from "../access.ts";
import type { Clock } from "../clock.ts";
import type { EchoOptions } from "../config/kinds/echo.ts";
import type { Connection, Data } from "../connection.ts";
import type { May } from "../identity.ts";
import { hasRoom, holdBack } from "../outbox.ts";
import { refusal } from "../refusals.ts";
import type { Route } from "../route.ts";
import { refused } from "../session.ts";
import { echoFrame, errorFrame } from "../wire/frames.ts";
import { PROTOCOL } from "../wire/v1.ts";

export function createEcho({ options, clock }: { options: EchoOptions; clock: Clock }): Route {
  const { welcome, slow } = options;

  function send(connection: Connection, data: Data): void {
    if (!connection.send(data)) holdBack(connection, connection, slow);
  }

  return {
    kind: "echo",
    v1: {
      open(connection, welcomed) {
        const lacking = echoLacks(connection.may);
        if (lacking === undefined) {
          welcomed();
          return;
        }
        connection.send(errorFrame(undefined, { code: "forbidden", message: lacking }));
        connection.close(3003, lacking);
      },
      command(connection, command, reply, size) {
        if (command.t !== "msg")
          return reply(refused("unknown_command", `${command.t}: an echo has \`msg\` and \`ping\``));
        const time = clock.wall();
        send(connection, echoFrame(command, size, time));
        reply({ ok: { size, time } });
      },
      lacks: (_, may) => echoLacks(may),
    },
    admit({ protocols, may }) {
      if (echoLacks(may) !== undefined) return { refusal: refusal("forbidden") };
      return { admitted: protocols.includes(PROTOCOL) ? { protocol: PROTOCOL } : {} };
    },
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

/** The name that an echo's right is given for. */
const echoLacks = (may: May) => lacks(may, "connect", "echo");
