/** `fairlead tunnel LISTEN URL`: a local TCP port, or stdin and stdout, through a bridge that survives a lost connection. */
import { systemClock } from "../../clock.ts";
import { showValue } from "../../config/key-path.ts";
import { type ListenAddress, listenAddress, reachable } from "../address.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Command } from "../command.ts";
import { clientFlag, type Flag } from "../flags.ts";
import { HANDSHAKE_FLAGS, readHandshake } from "../handshake-flags.ts";
import { printTalk } from "../output.ts";
import { parseSeconds } from "../seconds.ts";
import { EXIT_CODES, untilStopped } from "../signals.ts";
import { listenLocally } from "../tunnel/listen.ts";
import { createPassages, type OpenPassage, type PassageOptions } from "../tunnel/passage.ts";
import { joinStdio } from "../tunnel/stdio.ts";

const TUNNEL_FLAGS: readonly Flag[] = [
  { name: "quiet", short: "q", help: "say only what could not be opened, or is lost" },
  { name: "verbose", short: "v", help: "say also who comes and goes" },
  {
    name: "patience",
    placeholder: "SECONDS",
    help: "how long to try to go on after a loss; longer only helps where the gateway keeps streams longer (default 75)",
  },
].map((flag) => clientFlag({ ...flag, group: "client" }));

export const command: Command = {
  name: "tunnel",
  summary: "a local TCP port, or stdin and stdout, through a bridge that survives a lost connection",
  operands: "LISTEN URL",
  maxOperands: 2,
  notes: [
    "LISTEN is port, :port, host:port or [v6]:port; without a host it is 127.0.0.1. - is stdin and stdout, for one connection.",
    "URL is that of a bridge. Its gateway keeps the TCP connection while yours is away, for 60 s by default.",
    "Exit codes: 0 done, 1 the bridge could not be opened or its stream is lost (with -), 2 usage, 130 or 143 interrupted (with -).",
  ],
  flags: [...TUNNEL_FLAGS, ...HANDSHAKE_FLAGS],
  examples: [
    ["fairlead tunnel :2222 wss://gateway.example/ssh", "then: ssh -p 2222 user@127.0.0.1"],
    [
      'ssh -o ProxyCommand="fairlead tunnel - wss://gateway.example/ssh" user@host',
      "the same without a port",
    ],
    ["fairlead tunnel 5432 wss://gateway.example/db", "then: psql -h 127.0.0.1"],
  ],
  async run(args) {
    const [listen, target] = args.operands;
    if (listen === undefined || target === undefined) {
      throw usage("tunnel needs two addresses; the form is fairlead tunnel LISTEN URL [options]");
    }
    const address = listen === "-" ? undefined : localAddress(listen);
    const handshake = await readHandshake(target, args);
    for (const warning of handshake.warnings) printTalk(`fairlead: warning: ${warning}`);
    const open = createPassages(handshake, readOptions(args));
    if (address === undefined) return throughStdio(open);
    const local = listenLocally(address, open, talk);
    const ended = untilStopped(process, systemClock, local.stop, () =>
      talk("stopping; once more to end at once"),
    );
    if (!args.given.has("quiet"))
      talk(`${reachable({ ...address, port: local.port })} leads to ${shownUrl(handshake.url)}`);
    return ended;
  },
};

const talk = (text: string) => printTalk(`fairlead tunnel: ${text}`);

function localAddress(text: string): Required<ListenAddress> {
  const { host = "127.0.0.1", port } = listenAddress(text);
  if (port > 65_535) throw usage(`the listen address ${showValue(text)} has a port above 65535`);
  return { host, port };
}

function readOptions({ given }: Arguments): PassageOptions {
  const [isQuiet, isVerbose] = [given.has("quiet"), given.has("verbose")];
  if (isQuiet && isVerbose) throw usage("--quiet and --verbose exclude each other");
  const patience = given.get("patience");
  return {
    detail: isQuiet ? "quiet" : isVerbose ? "verbose" : "normal",
    patience: patience === undefined ? undefined : parseSeconds("patience", patience),
  };
}

/** Without its query, which may hold a secret. */
function shownUrl(text: string): string {
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

/** The first signal closes the bridge, a second one ends the process as if nobody listened. */
async function throughStdio(open: OpenPassage): Promise<number> {
  const stop = new AbortController();
  let interrupted: number | undefined;
  for (const [signal, code] of Object.entries(EXIT_CODES)) {
    process.once(signal, () => {
      interrupted = code;
      stop.abort(new Error(signal));
    });
  }
  const code = await joinStdio(open(talk, stop.signal), process.stdin, process.stdout);
  return interrupted ?? code;
}
