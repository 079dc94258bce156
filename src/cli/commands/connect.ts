/** `fairlead connect URL`: a WebSocket client for people and scripts. What it does stands in `../connect/`. */
import { systemClock } from "../../clock.ts";
import { usage } from "../arguments.ts";
import type { Command } from "../command.ts";
import { converse } from "../connect/converse.ts";
import { CONNECT_FLAGS, readOptions } from "../connect/options.ts";
import { HANDSHAKE_FLAGS, readHandshake } from "../handshake-flags.ts";
import { printTalk } from "../output.ts";
import { EXIT_CODES } from "../signals.ts";

export const command: Command = {
  name: "connect",
  summary: "talk to a WebSocket: lines of stdin go out, what comes goes to stdout",
  operands: "URL",
  maxOperands: 1,
  notes: [
    "URL is ws:// or wss://, without a scheme it is ws. The flags are those of curl, wscat and websocat.",
    "stdout has messages only, the rest goes to stderr.",
    "Exit codes: 0 closed in order, 1 refused, lost or closed for a reason, 2 usage, 130 or 143 interrupted.",
  ],
  flags: [...CONNECT_FLAGS, ...HANDSHAKE_FLAGS],
  examples: [
    ["fairlead connect ws://127.0.0.1:8080/echo", "type a line, read the answer"],
    ["fairlead connect -1 127.0.0.1:8080/feed/stocks", "one message of a feed"],
    ["fairlead connect -x hello -w 5 wss://host/room", "say one thing, listen for 5 seconds"],
    ["fairlead connect --json -s fairlead.v1 wss://host/", "all that happens, as JSON lines"],
    ["fairlead connect --no-close --print-ping-rtts wss://host/", "how far away it is"],
  ],
  async run(args) {
    const [target] = args.operands;
    if (target === undefined) throw usage("connect needs a URL; the form is fairlead connect URL [options]");
    const options = readOptions(args);
    const handshake = await readHandshake(target, args);
    for (const warning of handshake.warnings) printTalk(`fairlead: warning: ${warning}`);
    const { stdin, stdout } = process;
    return converse(handshake, options, {
      input: stdin,
      output: stdout,
      talk: printTalk,
      outIsTerminal: stdout.isTTY === true,
      outHasColour: stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "",
      isInteractive: stdin.isTTY === true,
      wall: systemClock.wall,
      clock: systemClock,
      interrupted: interrupted(),
    });
  },
};

function interrupted(): Promise<number> {
  return new Promise((resolve) => {
    for (const [signal, code] of Object.entries(EXIT_CODES)) process.on(signal, () => resolve(code));
  });
}
