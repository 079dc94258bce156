/**
 * The command line. stdout is data, stderr is talk. Exit codes: 0 fine, 1 failure, 2 usage or a config that is not valid,
 * 130 and 143 ended by a second SIGINT or SIGTERM. What the user can mend is said without a stack.
 */
import { showValue } from "../config/key-path.ts";
import { didYouMean } from "../config/nearest.ts";
import { FairleadError } from "../errors.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { crash, crashClearly } from "./crash.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { printData, printTalk, survivePipes } from "./output.ts";

/** Loaded one at a time: a server should not wait for the help of the others. */
const VERBS = {
  serve: () => import("./commands/serve.ts"),
  echo: () => import("./commands/echo.ts"),
  room: () => import("./commands/room.ts"),
  feed: () => import("./commands/feed.ts"),
  relay: () => import("./commands/relay.ts"),
  bridge: () => import("./commands/bridge.ts"),
  connect: () => import("./commands/connect.ts"),
  tunnel: () => import("./commands/tunnel.ts"),
  replay: () => import("./commands/replay.ts"),
  token: () => import("./commands/token.ts"),
  key: () => import("./commands/key.ts"),
  config: () => import("./commands/config.ts"),
} satisfies Record<string, () => Promise<{ command: Command }>>;

const isVerb = (word: string): word is keyof typeof VERBS => Object.hasOwn(VERBS, word);

async function run(argv: readonly string[]): Promise<number> {
  const [first = ""] = argv;
  if (first === "--help" || first === "-h" || first === "help") return showGeneralHelp();
  if (first === "--version" || first === "-V") return showVersion();
  if (first === "" || first.startsWith("-")) return runVerb("serve", argv);
  if (isVerb(first)) return runVerb(first, argv.slice(1));
  const hint = didYouMean(first, Object.keys(VERBS));
  throw usage(`unknown verb ${showValue(first)}.${hint} See fairlead --help`);
}

async function runVerb(verb: keyof typeof VERBS, argv: readonly string[]): Promise<number> {
  const { command } = await VERBS[verb]();
  const args = readArguments(command, argv);
  if (!args.given.has("help")) return command.run(args);
  await printData(commandHelp(command));
  return 0;
}

async function showGeneralHelp(): Promise<number> {
  const modules = await Promise.all(Object.values(VERBS).map((load) => load()));
  await printData(generalHelp(modules.map(({ command }) => command)));
  return 0;
}

async function showVersion(): Promise<number> {
  const { VERSION } = await import("../version.ts");
  await printData(VERSION);
  return 0;
}

function fail(error: unknown): number {
  if (!(error instanceof FairleadError)) return crash(error);
  const isConfig = error.code === "CONFIG_INVALID"; // its lines begin with their file, as editors read them
  printTalk(isConfig ? error.message : `fairlead: ${error.message}`);
  return isConfig || error.code === "USAGE" ? 2 : 1;
}

survivePipes();
crashClearly();
process.exit(await run(process.argv.slice(2)).catch(fail));
