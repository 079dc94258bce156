/** `fairlead replay FILE [URL]`: a recording for people, or played back. What it does stands in `../replay/`. */
import { createReadStream } from "node:fs";
import { systemClock } from "../../clock.ts";
import { showValue } from "../../config/key-path.ts";
import { DIRECTIONS, type Direction } from "../../recording/lines.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Command } from "../command.ts";
import { subprotocols } from "../connect/options.ts";
import { clientFlag } from "../flags.ts";
import { HANDSHAKE_FLAGS, readHandshake } from "../handshake-flags.ts";
import { printTalk } from "../output.ts";
import { type Address, openTcp, openWebSocket } from "../replay/far-end.ts";
import { type PlayOptions, playRecording, printRecording, type ReplayIo } from "../replay/replay.ts";

const group = "client";

const FLAGS = [
  {
    name: "direction",
    placeholder: "in|out",
    help: "whose frames: in is the client of a bridge or center, out its target or local (default: both printed, in played)",
  },
  { name: "raw", help: "print the bytes of the frames as they are, and nothing else" },
  {
    name: "speed",
    placeholder: "NUMBER",
    help: "1 as it was, 2 twice as fast, 0 at once (default 1 played, 0 printed)",
  },
  {
    name: "subprotocol",
    short: "s",
    placeholder: "NAME",
    help: "subprotocol to offer; may be repeated, or a list with commas",
  },
].map((flag) => clientFlag({ ...flag, group }));

export const command: Command = {
  name: "replay",
  summary: "print the recording of a session, or play one side of it",
  operands: "FILE [URL]",
  maxOperands: 2,
  notes: [
    "Without a URL it prints a line for each frame. With one, ws://, wss:// or tcp://host:port, it connects and says what one side said.",
    "Of a file that is damaged or cut off, what can be read is used.",
    "Exit codes: 0 all of it, 1 not all of it, 2 usage.",
  ],
  flags: [...FLAGS, ...HANDSHAKE_FLAGS],
  examples: [
    ["fairlead replay session.fairlead.jsonl", "who said what, and when"],
    ["fairlead replay --direction out --raw --speed 1 FILE", "watch a terminal again"],
    ["fairlead replay FILE tcp://127.0.0.1:5900", "say to a service what the client said"],
  ],
  async run(args) {
    const [name, target] = args.operands;
    if (name === undefined)
      throw usage("replay needs a file; the form is fairlead replay FILE [URL] [options]");
    const { stdout } = process;
    const io: ReplayIo = {
      name,
      file: bytesOf(name),
      print: (data) => new Promise((resolve) => stdout.write(data, (error) => resolve(!error))),
      talk: printTalk,
      clock: systemClock,
    };
    const direction = readDirection(args);
    const isRaw = args.given.has("raw");
    if (target === undefined) return printRecording({ direction, isRaw, speed: readSpeed(args, 0) }, io);
    if (isRaw) throw usage("--raw is for printing; leave it out, or the URL");
    const speed = readSpeed(args, 1);
    return playRecording({ direction: direction ?? "in", speed, ...(await farEnd(target, args)) }, io);
  },
};

/** Opened when it is first read. */
async function* bytesOf(name: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(name);
}

function readDirection({ given }: Arguments): Direction | undefined {
  const text = given.get("direction");
  const known = DIRECTIONS.find((direction) => direction === text);
  if (text === undefined || known !== undefined) return known;
  throw usage(`--direction is ${DIRECTIONS.join(" or ")}, got ${showValue(text)}`);
}

function readSpeed({ given }: Arguments, byDefault: number): number {
  const text = given.get("speed") ?? String(byDefault);
  if (/^\d{1,6}(?:\.\d{1,6})?$/.test(text)) return Number(text);
  throw usage(`--speed is a number like 1, 0.5 or 20, got ${showValue(text)}`);
}

async function farEnd(target: string, args: Arguments): Promise<Pick<PlayOptions, "url" | "open">> {
  if (target.startsWith("tcp://")) {
    const address = readAddress(target);
    return { url: target, open: () => openTcp(address, systemClock) };
  }
  const handshake = await readHandshake(target, args);
  for (const warning of handshake.warnings) printTalk(`fairlead: warning: ${warning}`);
  const protocols = subprotocols(args.texts.get("subprotocol") ?? []);
  return { url: handshake.url, open: () => openWebSocket(handshake, protocols, systemClock) };
}

function readAddress(target: string): Address {
  const [, v6, name, port] =
    /^tcp:\/\/(?:\[([\da-fA-F:.]+)\]|([^:/[\]\s]+)):(\d{1,5})\/?$/.exec(target) ?? [];
  const host = v6 ?? name;
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return { host, port: Number(port) };
  throw usage(`the address ${showValue(target)} is not tcp://host:port`);
}
